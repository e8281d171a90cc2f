"""The readers of outside bytes, each with valid files to damage and one way to read a damaged one."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_mutation import damaged_tensors, damaged_text, damaged_zip
from fuzz_pictures import picture_readers
from fuzz_reader import PIXELS, ROOT, Reader, picture, saved
from PIL import Image


def groups() -> dict[str, dict[str, Reader]]:
    """Readers by group; a group is tried in one process."""
    return {"texts": _texts(), "arrays": _arrays(), "tables": _tables(), "images": picture_readers()}


def _texts() -> dict[str, Reader]:
    from vtbench.core.foreign.program_output import read_objects
    from vtbench.core.naming.reference import parse_reference
    from vtbench.data.condition_lists import listed_with_images
    from vtbench.data.conditions import prompts
    from vtbench.data.sources.annotated_folder import AnnotatedFolder
    from vtbench.data.sources.program_images import reported_errors
    from vtbench.data.sources.tokbench import TokBenchFaces, TokBenchText
    from vtbench.run.config.reading import read_config
    from vtbench.tasks import load_task
    from vtbench.tasks.suites import load_suite

    text = {"id": "a.png", "text": "α β", "boxes": [[0, 0, 4, 4, "α"]], "glyph_px": 12}
    edit = {"prompt": "winter", "images": {"source": "a.png"}}
    faces = [{"image_name": "a.png", "img_height": 9, "img_width": 7, "faces": [_FACE]}]
    words = [{"file_name": "a.png", "height": 9, "width": 7, "annotations": [_WORD]}]
    shipped = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "tasks").glob("*/*.yaml"))[:6]]
    tasks = [re.sub(r"name: .*", "name: t", text, count=1).encode() for text in shipped]

    def annotated(path: Path) -> object:
        return [AnnotatedFolder(path.parent, path)[0]]

    def listed(path: Path) -> object:
        return [sample.condition.opened() for sample in listed_with_images(path, ("source",)).samples]

    def said(path: Path) -> object:
        with path.open("rb") as stream:
            return reported_errors(read_objects(stream).objects)

    return {
        "task": Reader("t.yaml", lambda _: tasks, lambda path: load_task(str(path)), damaged_text),
        "run config": Reader("r.yaml", lambda _: [_RUN], lambda path: read_config(str(path)), damaged_text),
        "suite": Reader("s.yaml", lambda _: [_SUITE], lambda path: load_suite(str(path)), damaged_text),
        "prompts": Reader("p.txt", lambda _: [b"a dog\na cat\n"], prompts, damaged_text),
        "prompts.jsonl": Reader("p.jsonl", lambda _: [_lines({"prompt": "a dog", "tag": "x"})], prompts, damaged_text),
        "conditions.jsonl": Reader("c.jsonl", _furnished([_lines(edit)]), listed, damaged_text),
        "annotations.jsonl": Reader("a.jsonl", _furnished([_lines(text)]), annotated, damaged_text),
        "annotations.csv": Reader("a.csv", _furnished([_TABLE]), annotated, damaged_text),
        "tokbench texts": Reader(
            "annotations/text_x.json",
            _furnished([json.dumps(words).encode()], "images/text_data/x/a.png"),
            lambda path: TokBenchText(path.parents[1])[0],
            damaged_text,
        ),
        "tokbench faces": Reader(
            "annotations/face_meta.json",
            _furnished([json.dumps(faces).encode()], "images/face_data/wflw/a.png"),
            lambda path: TokBenchFaces(path.parents[1])[0],
            damaged_text,
        ),
        "program": Reader("out", lambda _: [b'hello\n{"id": "a", "error": "gone"}\n'], said, damaged_text),
        "reference": Reader(
            "r.txt",
            lambda _: [b"resize,factor=4,kinds=[1, {a: 2}],name='x, y'"],
            lambda path: parse_reference(path.read_bytes().decode(errors="replace")),
            damaged_text,
        ),
        **_records(),
    }


_FACE = {"kps": [[1, 1]] * 5, "ratio": 0.2, "box": [0, 0, 5, 5]}
_WORD = {"rec": "word", "bbox": [0, 0, 5, 5], "ratio": 0.1}
_RUN = (
    b"tokenizers:\n- jpeg,quality=10\n- {model: webp, args: &a {quality: 1e1, more: [a, {b: 'c,d'}]}, name: n}\n"
    b"- {model: jpeg, args: *a}\ntasks: [./t.yaml, folder]\nlimit: 3\nseed: -1\noffline: true\nout: runs\n"
)
_SUITE = b"summary: one\ntasks: [photos-mini, folder]\ntokenizers: ['jpeg,quality=10', &a webp]\ngenerators: []\n"
_TABLE = b'id,text,glyph_px\na.png,"b\nc",12\n'


_INDEX = b'{"_class_name": "DDPMPipeline", "unet": ["diffusers", "UNet2DModel"], "vae": [null, null]}'


def _lines(*objects: Any) -> bytes:
    return "".join(f"{json.dumps(one)}\n" for one in objects).encode()


def _furnished(seeds: list[bytes], image: str = "a.png") -> Callable[[Path], list[bytes]]:
    def furnish(folder: Path) -> list[bytes]:
        from PIL import Image

        (folder / image).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(PIXELS[0]).save(folder / image)
        return seeds

    return furnish


def _records() -> dict[str, Reader]:
    from vtbench.core.outside.seals import sealed
    from vtbench.generators.sampling.next_scale.strategies.calibration import read_calibration
    from vtbench.readers.cache import ReadingStore
    from vtbench.results.comparing.baseline import is_baseline, measurement_of, read_baseline
    from vtbench.results.comparing.sources import load_measurements
    from vtbench.results.leaderboards.published import read_published
    from vtbench.results.leaderboards.rows import read_row
    from vtbench.results.records.record import read_record
    from vtbench.run.storing.manifest import read_manifest

    records = [path.read_bytes() for path in sorted((ROOT / "leaderboards/records/photos-mini").glob("*.json"))[:2]]
    plain = [json.dumps({k: v for k, v in json.loads(one).items() if k != "sha256"}).encode() for one in records]
    rows = {"ids": ["a", "b"], "sizes": "4x5", "metrics": {"psnr": "1.5 nan"}, "strata": {"k": ["x", "y"]}}
    facts = {"task": "t", "protocol_id": "t@1", "data_fingerprint": "f", "n_expected": 2, "n_scored": 2}
    job = {"model": "m", **facts, "results": [{"metric": "psnr", "value": 1.5, "n": 2}], "rows": rows}
    baseline = json.dumps({"kind": "vtbench baseline", "schema_version": 1, "jobs": [job]}).encode()
    reading = json.dumps(sealed({"reader": "r", "key": "00", "strings": ["a"]})).encode()

    heads = {"format": 1, "host": {"depth": 2, "heads": 2}, "samples": 1, "seed": 0, "variances": [[1.0, 2.0]] * 2}

    def gate(path: Path) -> object:
        is_baseline(path)
        return [measurement_of(one, path.name).read_rows() for one in read_baseline(path).jobs]

    def cached(path: Path) -> object:
        return ReadingStore("r")._load(path, "00")

    def planned(path: Path) -> object:
        found = read_manifest(path.parent)
        return found.task_spec, found.protocol_id, found.tokenizer_info

    published = sorted((ROOT / "leaderboards/published").glob("*.csv"), key=lambda path: path.stat().st_size)[0]
    return {
        "record": Reader("record.json", lambda _: [*records, *plain], read_record, damaged_text),
        "leaderboard row": Reader("r.json", lambda _: records, read_row, damaged_text),
        "baseline": Reader("b.json", lambda _: [baseline], gate, damaged_text),
        "calibration": Reader(
            "c.json",
            lambda _: [json.dumps(sealed(heads)).encode()],
            lambda path: read_calibration(path).contextual(),
            damaged_text,
        ),
        "plan": Reader("plan.json", lambda _: [_plan(json.loads(records[0]))], planned, damaged_text),
        "reading": Reader("00.json", lambda _: [reading], cached, damaged_text),
        "published.csv": Reader(
            "p.csv", lambda _: [published.read_bytes()], lambda path: read_published(path.parent), damaged_text
        ),
        "leaderboard.csv": Reader(
            "r.csv", lambda _: [(ROOT / "leaderboards/text.csv").read_bytes()], load_measurements, damaged_text
        ),
    }


def _plan(record: dict[str, Any]) -> bytes:
    """A whole plan, from the record of some job."""
    from dataclasses import asdict

    from vtbench.core.info import TokenizerInfo
    from vtbench.core.outside.seals import sealed

    same = {name: record[name] for name in ("created", "job_key", "command", "config", "determinism", "environment")}
    info = asdict(TokenizerInfo(name="t", kind="discrete", codebook_sizes=(16,), downsample_factor=8))
    own = {"info": info, "data_source": "d", "data_fingerprint": "f", "samples": 2, "references": {"net": "00"}}
    told = {"model": record["model"], "task": record["task"]["spec"], "code": record["code"], "allow_small_sets": False}
    return json.dumps(sealed(json.loads(json.dumps({**same, **own, **told})))).encode()


def _arrays() -> dict[str, Reader]:
    import torch
    from safetensors.torch import save

    from vtbench.assets.canonical import _read as read_canonical
    from vtbench.assets.checkpoint import load_checkpoint
    from vtbench.assets.weight_files import indexed_shards
    from vtbench.checkpoints.conversion import convert_checkpoint
    from vtbench.checkpoints.pretrained import locate
    from vtbench.checkpoints.reading import load_official
    from vtbench.checkpoints.torchscript import torchscript_tensors
    from vtbench.data.clouds.opening import open_clouds
    from vtbench.data.kept_images import Wanted, discard_unsound, seal_image
    from vtbench.data.maps.reading import read_labels
    from vtbench.data.sources.npz import ArrayImages
    from vtbench.generators.pipelines.folder import locate_pipeline
    from vtbench.metrics.sets import statistics_import

    state = {"a.weight": torch.arange(12.0).reshape(3, 4), "b": torch.ones(5, dtype=torch.int64)}
    whole = [saved(lambda s: torch.save({"state_dict": state, "epoch": 3}, s)), saved(lambda s: torch.save(state, s))]
    legacy = saved(lambda s: torch.save(state, s, _use_new_zipfile_serialization=False))
    moments = {"mu": np.zeros(4, np.float32), "sigma": np.eye(4)}
    statistics_import._WIDTHS = {"pool": 4, "spatial": 4}  # 33 MB otherwise

    def images(path: Path) -> object:
        found = ArrayImages(path)
        return [(found[i].image.sum(), found.content_digest(i)) for i in range(min(3, len(found)))]

    def converted(path: Path) -> object:
        (path.parent / "out.safetensors").unlink(missing_ok=True)
        return convert_checkpoint(path, path.parent / "out.safetensors")

    def imported(path: Path) -> object:
        return statistics_import.import_statistics(path, path.parent / "out.st", "torch-fidelity")

    def config(path: Path) -> object:
        return locate(str(path.parent), subfolder=None, revision=None, variant=None)

    def pipeline(path: Path) -> object:
        return locate_pipeline(str(path.parent), revision=None, variant=None)

    def kept(folder: Path) -> list[bytes]:
        (folder / "a.png").write_bytes(b"an image")
        seal_image(Wanted("a", folder / "a", {}), folder / "a.png", b"an image")
        return [(folder / "a.seal.json").read_bytes()]

    def judged(path: Path) -> object:
        (path.parent / "a.png").write_bytes(b"an image")
        return discard_unsound([Wanted("a", path.parent / "a", {})])

    def in_clouds(path: Path) -> object:
        found = open_clouds(str(path))
        return [found.points(i, 8, 0).sum() for i in range(min(3, len(found.ids)))], found.fingerprint

    def in_maps(path: Path) -> object:
        return read_labels(path, "m", 19, 255).sum()

    clouds, labels = np.random.default_rng(0).normal(size=(3, 12, 3)), np.arange(48, dtype=np.uint8).reshape(6, 8) % 19
    arrays = [
        saved(lambda s: np.savez(s, arr_0=PIXELS, arr_1=np.arange(4))),
        saved(lambda s: np.savez_compressed(s, arr_0=np.asfortranarray(PIXELS))),
    ]
    return {
        "npz images": Reader("a.npz", lambda _: arrays, images, damaged_zip),
        "npz clouds": Reader("c.npz", lambda _: [saved(lambda s: np.savez(s, clouds))], in_clouds, damaged_zip),
        "npy clouds": Reader("c.npy", lambda _: [saved(lambda s: np.save(s, clouds))], in_clouds),
        "npy map": Reader("m.npy", lambda _: [saved(lambda s: np.save(s, labels))], in_maps),
        "png map": Reader("m.png", lambda _: [saved(lambda s: Image.fromarray(labels).save(s, "png"))], in_maps),
        "npz statistics": Reader("s.npz", lambda _: [saved(lambda s: np.savez(s, **moments))], imported, damaged_zip),
        "torch statistics": Reader("s.pt", lambda _: [saved(lambda s: torch.save(moments, s))], imported, damaged_zip),
        "torch": Reader("w.pt", lambda _: whole, load_checkpoint, damaged_zip),
        "torch before 1.6": Reader("w.pth", lambda _: [legacy], load_checkpoint),
        "official": Reader("w.ckpt", lambda _: whole, lambda path: load_official(path, family="toy"), damaged_zip),
        "torchscript": Reader("w.jit", lambda _: [_program()], torchscript_tensors, damaged_zip),
        "convert": Reader("w.pt", lambda _: whole, converted, damaged_zip),
        "safetensors": Reader("w.safetensors", lambda _: [save(state)], load_checkpoint, damaged_tensors),
        "canonical": Reader("w.safetensors", lambda _: [save(state)], read_canonical, damaged_tensors),
        "config.json": Reader(
            "config.json", lambda _: [b'{"_class_name": "AutoencoderKL", "in_channels": 3}'], config, damaged_text
        ),
        "shards": Reader(
            "m.index.json", lambda _: [b'{"weight_map": {"a": "m-1.safetensors"}}'], indexed_shards, damaged_text
        ),
        "model_index.json": Reader("model_index.json", lambda _: [_INDEX], pipeline, damaged_text),
        "kept image": Reader("a.seal.json", kept, judged, damaged_text),
        "reference statistics": _reference_statistics(),
        "tensors of a block": _block_tensors(),
    }


def _program() -> bytes:
    """A TorchScript archive of a few modules."""
    import torch

    inner = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    traced = torch.jit.trace(inner.eval(), torch.zeros(1, 3))
    return saved(lambda s: torch.jit.save(traced, s))


def _reference_statistics() -> Reader:
    from vtbench.metrics.sets.frechet import Moments
    from vtbench.metrics.sets.reference_statistics import (
        ExtractorNote,
        FeatureSummary,
        StatisticsNote,
        open_statistics,
        write_statistics,
    )

    def seeds(folder: Path) -> list[bytes]:
        note = StatisticsNote(description="d", counts={"e.pool": 9}, extractors={"e": ExtractorNote(id="e")})
        moments = Moments(9, np.zeros(4), np.eye(4))
        path = folder / "seed.st"
        write_statistics(path, note, {("e", "pool"): FeatureSummary(moments, np.zeros((9, 4), np.float32))})
        return [path.read_bytes()]

    def read(path: Path) -> object:
        found = open_statistics(path)
        found.check_sound()
        rows = found.features("e", "pool")
        return found.digest, found.moments("e", "pool"), rows and [list(rows.blocks()), rows.rows([0, 3])]

    return Reader("r.st", seeds, read, damaged_tensors)


def _block_tensors() -> Reader:
    from vtbench.core.outside.tensor_files import check_tensors, write_tensors

    def seeds(folder: Path) -> list[bytes]:
        write_tensors(folder / "seed", {"a": np.zeros((3, 4)), "b": np.arange(5)}, {"job": "j"}, {"n": 1})
        return [(folder / "seed").read_bytes()]

    return Reader("00.safetensors", seeds, lambda path: check_tensors(path, {"job": "j"}, "again"), damaged_tensors)


def _tables() -> dict[str, Reader]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from vtbench.data.index_tars import write_index
    from vtbench.data.sources.parquet import ParquetShards
    from vtbench.data.sources.tars import WebDatasetTars
    from vtbench.results.records.samples import FAILED, SCORED, Samples, read_samples, write_samples

    pictures = [saved(lambda s, one=one: picture(one).save(s, "PNG")) for one in PIXELS]
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    cells = pa.array([{"bytes": one, "path": None} for one in pictures], struct)

    def table(**options: Any) -> bytes:
        return saved(lambda s: pq.write_table(pa.table({"image": cells, "n": [1, 2, 3, 4]}), s, **options))

    def several(dataset: Any) -> object:
        for index in range(min(3, len(dataset))):
            _tolerant(lambda index=index: dataset[index])
            dataset.content_digest(index)
        return dataset

    def rows(folder: Path) -> list[bytes]:
        empty, three = ["", "", ""], np.arange(3)
        sizes = three.astype(np.int32)
        write_samples(
            Samples(
                ids=["a", "b", "c"], index=three, status=[SCORED, SCORED, FAILED], stage=empty, message=empty,
                height=sizes, width=sizes, metrics={"psnr": three * 1.5}, strata={"k": ["x", "y", ""]},
            ),
            folder / "seed",
        )  # fmt: skip
        return [(folder / "seed").read_bytes()]

    def tar(folder: Path) -> list[bytes]:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for name, data in (
                ("a.png", pictures[0]),
                ("a.cls", b"3"),
                ("a.json", b'{"x": [1]}'),
                ("b.png", pictures[1]),
            ):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return [stream.getvalue()]

    def index(name: str) -> Callable[[Path], list[bytes]]:
        def seeds(folder: Path) -> list[bytes]:
            (folder / "t.tar").write_bytes(tar(folder)[0])
            write_index(WebDatasetTars(folder / "t.tar"), folder / name)
            return [(folder / name).read_bytes()]

        return seeds

    def indexed(path: Path) -> object:
        return several(WebDatasetTars(path.parent / "t.tar", index=str(path)))

    forms = [table(), table(compression="zstd", row_group_size=2), table(compression="none", use_dictionary=False)]
    return {
        "parquet": Reader("p.parquet", lambda _: forms, lambda path: several(ParquetShards(path))),
        "samples": Reader("samples.parquet", rows, read_samples),
        "tar": Reader("t.tar", tar, lambda path: several(WebDatasetTars(path))),
        "index of tars": Reader("index.parquet", index("index.parquet"), indexed),
        "index of tars in JSON": Reader("index.json", index("index.json"), indexed),
    }


def _tolerant(read: Callable[[], object]) -> None:
    from vtbench.core.errors import SampleError

    try:
        read()
    except SampleError:
        return
