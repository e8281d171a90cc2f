"""Real images under a generator, the whole way: encoded, told, killed, resumed, scored, and read by all who do."""

from __future__ import annotations

import io
import math
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import vtbench
from vtbench.core.errors import UsageError
from vtbench.data.embedded.photographs.scenes_mini import ScenesMini
from vtbench.data.preparing.presets import make_preset
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import Filters, probabilities
from vtbench.results.records.record import RunRecord, load_records
from vtbench.results.records.samples import SAMPLES_FILE, read_samples
from vtbench.tasks import load_task

CommandLine = Callable[..., Any]
TINY = (
    "llamagen,size=tiny,grid=4,tokenizer='janus-vq,channels=32,latent_channels=32,blocks=1,random_weights_seed=0',"
    "random_weights_seed=1,name=tiny"
)
NOTHING = """
name: nothing-given
version: 1
kind: tokens
summary: As code-nll-mini, without a class.
data: {source: "scenes-mini,count=12"}
likelihood: {given: nothing}
preprocess: {preset: native@1}
likelihood_metrics: [code_nll_bits]
block_size: 4
"""
MINE = '''
import time
import torch
from dataclasses import replace
from vtbench.core.info import GeneratorInfo
from vtbench.generators.fitted.tiny_ar import TinyAr


class Slow(TinyAr):
    """As tiny-ar, with a pause before each batch."""

    def log_likelihood(self, conditions, codes):
        time.sleep(0.1)
        return super().log_likelihood(conditions, codes)


class OfTexts(TinyAr):
    """As tiny-ar, asked in words."""

    def __init__(self):
        super().__init__()
        self.info = replace(self.info, name="of-texts", conditions="prompt", classes=0)

    def _labels(self, conditions):
        names = ["a flower", "a motorcycle", "a retina"]
        return torch.tensor([names.index(condition.prompt) for condition in conditions])


class Uniform(torch.nn.Module):
    """Every 8-bit value of every sub-pixel equally likely, after those before it in raster order."""

    def __init__(self):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.zeros(256))
        self.info = GeneratorInfo(name="uniform", conditions="none")

    def sample(self, conditions, seeds):
        return torch.zeros(len(conditions), 3, 8, 8)

    def pixel_log_likelihood(self, conditions, images):
        return self.logits.double().log_softmax(0)[images.long()].flatten(1).sum(1)
'''
pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")


def only(folder: Path) -> RunRecord:
    (record,) = load_records(folder)
    return record


@pytest.fixture
def labelled(place: Path) -> Path:
    """Five crops in folders of class numbers; beside them one of no class the generator knows, and one of none."""
    crops = ScenesMini(count=7)
    names = ["3/a", "3/b", "7/a", "7/b", "999/a", "1000/a", "unlabelled"]
    for index, name in enumerate(names):
        path = place / "images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crops[index].image.permute(1, 2, 0).numpy()).save(path)
    return place


def test_a_published_family_on_a_folder_of_labelled_images(labelled: Path, vt: CommandLine) -> None:
    run = ["run", "-g", TINY, "--task", "code-nll-folder", "--data", "images"]
    done = vt(*run, "--batch-size", "4", "--out", "four")
    assert done.code == 0, done.err
    record, rows = only(labelled / "four"), read_samples(next((labelled / "four").rglob(SAMPLES_FILE)))
    assert record.status == "partial" and (record.data.n_scored, record.data.n_failed) == (5, 2)
    failed = {failure.id: failure.message for failure in record.failures}
    assert "is of class 1000, and llamagen-random knows 0 to 999" in failed["1000/a.png"]
    assert failed["unlabelled.png"] == "the image has no class label"
    assert record.model.resized_in_out == "256x256 -> 64x64, bicubic, antialias, float32, not rounded"
    assert (record.model.input_size, record.data.scored_size) == ((64, 64), (256, 256))
    assert record.performance.shares["likelihood"] > 0 and record.performance.sample_images_per_s is None

    by_hand = _bits_by_stepping(labelled / "images" / "7" / "b.png", 7)
    place = list(rows.ids).index("7/b.png")
    assert rows.metrics["code_nll_bits"][place] == pytest.approx(by_hand / 16, abs=1e-4)
    assert rows.metrics["code_nll_bits_per_pixel"][place] == pytest.approx(by_hand / 256**2, abs=1e-8)
    assert rows.metrics["bits_per_pixel"][place] == 16 * 14 / 256**2
    result = record.result("code_nll_bits")
    assert result is not None and result.details["given"] == "label"
    assert result.n == 5 and result.ci_low is not None and result.ci_low <= result.value <= (result.ci_high or 0)

    assert vt(*run, "--batch-size", "1", "--out", "one").code == 0
    alone = only(labelled / "one").result("code_nll_bits")
    assert alone is not None and alone.value == pytest.approx(result.value, abs=1e-6)


def _bits_by_stepping(path: Path, label: int) -> float:
    """Of the probabilities that the sampler draws from, one cached step after the other."""
    from vtbench.core.contracts import Sample
    from vtbench.core.pixels import to_unit
    from vtbench.data.decode import decode_image

    generator = resolve_generator(TINY)
    image = make_preset("adm-center-crop@1", 256).prepare(Sample("x", decode_image(path, "x"))).reference
    small = torch.nn.functional.interpolate(to_unit(image[None]), size=(64, 64), mode="bicubic", antialias=True)
    tokens, network = generator.tokenizer.encode(small).levels[0].flatten(1), generator._network
    bits = 0.0
    with torch.inference_mode():
        cache = network.make_cache(1)
        logits = network.prefill(torch.tensor([label]), cache)
        for place in range(16):
            bits -= math.log2(float(probabilities(logits, Filters())[0, tokens[0, place]]))
            logits = network.step(tokens[:, place : place + 1], cache)[:, -1] if place < 15 else logits
    return bits


def test_a_killed_run_leaves_no_trace(place: Path, vt: CommandLine, kill_when: Callable[..., None]) -> None:
    (place / "mine.py").write_text(MINE)
    (place / "few.yaml").write_text(NOTHING.replace("nothing-given", "few").replace("given: nothing", "given: label"))
    run = ["run", "-g", "./mine.py:Slow", "--task", "few.yaml", "--batch-size", "1"]
    blocks = place / "killed"
    kill_when([*run, "--out", "killed"], place, lambda: bool(list(blocks.rglob("blocks/*.parquet"))))
    kept = {path: path.stat().st_mtime_ns for path in blocks.rglob("blocks/*.parquet")}
    assert kept and not list(blocks.rglob("record.json"))
    for folder in ("killed", "whole"):
        done = vt(*run, "--out", folder)
        assert done.code == 0, done.err
    assert all(path.stat().st_mtime_ns == before for path, before in kept.items())
    assert only(place / "killed").results_digest() == only(place / "whole").results_digest()
    one, other = (next((place / folder).rglob(SAMPLES_FILE)) for folder in ("killed", "whole"))
    assert one.read_bytes() == other.read_bytes()


def test_all_that_reads_records_reads_these(place: Path, vt: CommandLine) -> None:
    models = ["-g", "tiny-ar", "-g", "tiny-ar,strategy=sjd,name=faster"]
    done = vt("run", *models, "--task", "code-nll-mini", "--json")
    assert done.code == 0, done.err
    assert done.value("code_nll_bits") == done.value("code_nll_bits", 1)
    first, second = sorted(path.parent for path in (place / "runs").rglob("record.json"))
    compared = vt("compare", first, second)
    assert compared.code == 0 and "code_nll_bits_per_pixel" in compared.out and "speed" not in compared.out
    assert vt("verify", "runs").code == 0 and vt("rescore", "runs").code == 0
    assert vt("report", "runs", "-o", "page.html").code == 0
    page = (place / "page.html").read_text("utf-8")
    assert "code_nll_bits_per_pixel ↓" in page and "code-nll-mini" in page
    assert vt("export", "runs", "--to", "csv").code == 0
    assert vt("leaderboard", "add", second, "--root", "board").code == 0
    assert vt("leaderboard", "build", "--root", "board").code == 0
    assert "code_nll_bits_per_pixel" in (place / "board" / "tokens.csv").read_text("utf-8")
    assert vt("leaderboard", "check", "--root", "board").code == 0


def test_more_bits_are_a_regression(place: Path, vt: CommandLine) -> None:
    (place / "mine.py").write_text(
        "from vtbench.generators.fitted.tiny_ar import TinyAr\n\n\nclass Worse(TinyAr):\n"
        "    def log_likelihood(self, conditions, codes):\n"
        "        return super().log_likelihood(conditions, codes) - 0.05\n"
    )
    run = ["run", "--task", "code-nll-mini", "--limit", "12", "-g"]
    assert vt(*run, "tiny-ar,name=mine", "--out", "before").code == 0
    assert vt(*run, "./mine.py:Worse,name=mine", "--out", "after").code == 0
    assert vt("check", "before", "--baseline", "base.json", "--update").code == 0
    assert vt("check", "before", "--baseline", "base.json").code == 0
    worse = vt("check", "after", "--baseline", "base.json")
    assert worse.code == 1 and "code_nll_bits" in worse.out
    assert vt("check", "after", "--baseline", "base.json", "--update").code == 0
    assert vt("check", "before", "--baseline", "base.json").code == 0, "fewer bits are none"


def test_a_uniform_model_of_pixels_costs_eight_bits_a_dimension(labelled: Path, vt: CommandLine) -> None:
    (labelled / "mine.py").write_text(MINE)
    done = vt("run", "-g", "./mine.py:Uniform", "--task", "bits-per-dim-folder", "--data", "images", "--json")
    assert done.code == 0, done.err
    assert done.value("bits_per_dim") == pytest.approx(8.0, abs=1e-12)
    refused = vt("run", "-g", "tiny-ar", "--task", "bits-per-dim-folder", "--data", "images")
    assert refused.code == 2 and "no likelihood of pixels: it predicts codes" in refused.err


def test_without_a_class_is_another_protocol(place: Path, vt: CommandLine) -> None:
    (place / "nothing-given.yaml").write_text(NOTHING)
    (place / "label-given.yaml").write_text(
        NOTHING.replace("nothing-given", "label-given").replace("given: nothing", "given: label")
    )
    tasks = [load_task(str(place / f"{name}-given.yaml")) for name in ("nothing", "label")]
    assert len({task.protocol_id.partition("+")[2] for task in tasks}) == 2
    done = vt("run", "-g", "tiny-ar", "--task", "nothing-given.yaml", "--task", "label-given.yaml", "--json")
    assert done.code == 0, done.err
    values = {row["task"]: row["results"]["code_nll_bits"]["value"] for row in done.rows}
    assert values["nothing-given"] > values["label-given"], "the class is worth something"
    random = "taming-gpt,size=tiny,tokenizer='janus-vq,random_weights_seed=0',random_weights_seed=0"
    refused = vt("run", "-g", random, "--task", "nothing-given.yaml")
    assert refused.code == 2 and "is conditioned on class, the task nothing-given gives nothing" in refused.err


def test_texts_stand_in_for_labels(place: Path, vt: CommandLine) -> None:
    """Captioned images in a tar, of the same crops and classes as those that labels are given of."""
    crops = ScenesMini(count=6)
    with tarfile.open(place / "captioned.tar", "w") as tar:
        for index in range(6):
            picture = io.BytesIO()
            Image.fromarray(crops[index].image.permute(1, 2, 0).numpy()).save(picture, "png")
            text = f"a {crops.target(index)['class']}" if index else ""
            for suffix, content in (("png", picture.getvalue()), ("txt", text.encode())):
                member = tarfile.TarInfo(f"{index}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    (place / "mine.py").write_text(MINE)
    (place / "captions.yaml").write_text(
        NOTHING.replace("nothing-given", "captions").replace("given: nothing", "given: text")
    )
    (place / "labels.yaml").write_text(
        NOTHING.replace("nothing-given", "labels").replace("given: nothing", "given: label")
    )
    captions = vt("run", "-g", "./mine.py:OfTexts", "--task", "captions.yaml", "--data", "captioned.tar", "--json")
    labels = vt("run", "-g", "tiny-ar", "--task", "labels.yaml", "--limit", "6", "--out", "labelled", "--json")
    assert captions.code == labels.code == 0, captions.err + labels.err
    assert only(place / "runs").failures[0].message == "the image has no text"
    one, other = (read_samples(next((place / out).rglob(SAMPLES_FILE))) for out in ("runs", "labelled"))
    assert one.metrics["code_nll_bits"][1:] == pytest.approx(other.metrics["code_nll_bits"][1:], abs=1e-6)
    refused = vt("run", "-g", "./mine.py:OfTexts", "--task", "labels.yaml")
    assert refused.code == 2 and "is conditioned on prompt, the task labels gives label" in refused.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-t", "patch-vq"], "its tokenizer comes with a generator: name that with --generator"),
        (["-g", "folder,path=images"], "has no log_likelihood"),
        (["-g", "tiny-ar", "--samples", "kept"], "--samples is for generators that sample"),
        (["-g", "tiny-ar", "--data", "images/3"], "no image has a class label"),
        (["-g", "tiny-ar", "--data", "named"], "its 2 folders are numbered in the order of their names"),
    ],
)
def test_what_cannot_be_measured_is_told_before_any_work(
    labelled: Path, vt: CommandLine, words: list[str], told: str
) -> None:
    for name in ("named/ant", "named/bee"):
        (labelled / name).mkdir(parents=True)
        shutil.copy(labelled / "images/3/a.png", labelled / name)
    done = vt("run", *words, "--task", "code-nll-mini")
    assert done.code == 2 and told in done.err, done.err
    assert not (labelled / "runs").exists() or not list((labelled / "runs").rglob("plan.json"))


@pytest.mark.parametrize("task", ["code-nll-mini", "generation-mini"])
def test_reconstructions_are_no_answer_to_a_task_of_generators(labelled: Path, vt: CommandLine, task: str) -> None:
    done = vt("score", "--task", task, "--pred", "images")
    assert done.code == 2 and f"the task {task} is one for generators" in done.err


def test_from_python(place: Path, labelled: Path) -> None:
    live: Any = resolve_generator("tiny-ar")
    told = vtbench.evaluate(live, "code-nll-mini", limit=12)
    named = vtbench.evaluate("tiny-ar", "code-nll-mini", limit=12)
    assert told.value("code_nll_bits") == named.value("code_nll_bits")
    assert len(told.samples) == 12
    with pytest.raises(UsageError, match="of what a generator says of real images"):
        vtbench.metric("code_nll_bits")
