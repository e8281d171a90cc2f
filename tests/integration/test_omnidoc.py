"""OmniDoc-TokenBench's two tasks on a synthetic copy in its layout (``data/0001.png`` …), read by the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image, ImageDraw, ImageFont

import vtbench
from vtbench.core.disk.files import CACHE_VARIABLE
from vtbench.core.naming.reference import parse_reference
from vtbench.readers import READERS
from vtbench.readers.cache import CachedReader
from vtbench.results.records.record import RunRecord, load_records
from vtbench.tasks import task_files

pytest.importorskip("rapidocr")

LINES = (
    ("Revenue of the third quarter", "grew by 12 per cent, against", "9 per cent a year before.", "Costs were stable."),
    ("Question 4. A train leaves at", "07:15 and arrives at 11:45.", "How long is the journey?"),
)
MODELS = ("identity", "jpeg,quality=4")


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two crops of text of 12 pixels, and an empty page, on which nothing is read."""
    folder = tmp_path_factory.mktemp("OmniDoc-TokenBench") / "data"
    folder.mkdir()
    font = ImageFont.load_default(size=12)
    for number, lines in enumerate((*LINES, ()), start=1):
        page = Image.new("RGB", (256, 256), (250, 250, 244))
        draw = ImageDraw.Draw(page)
        for place, line in enumerate(lines):
            draw.text((8, 30 + 40 * place), line, (20, 20, 30), font=font)
        page.save(folder / f"{number:04}.png")
    return folder


def offline(name: str, folder: Path) -> str:
    """The shipped task without what has a network: three pages have no FID. Texts are read and counted as shipped."""
    content = yaml.safe_load(task_files()[name].read_text(encoding="utf-8"))
    networks = ("fid", "fid_pytorch", "lpips_alex", "lpips_vgg", "ms_ssim")
    kept = [metric for metric in content["image_metrics"] if metric not in networks]
    content |= {"set_metrics": [], "image_metrics": kept, "name": f"{name}-pages", "tolerances": {}}
    content["table"] = [column for column in content["table"] if column not in networks]
    file = folder / f"{name}-pages.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(file)


@pytest.fixture(scope="module")
def records(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], RunRecord]:
    folder = tmp_path_factory.mktemp("runs")
    tasks = [offline(name, folder) for name in ("omnidoc-tokenbench", "omnidoc-tokenbench-released")]
    vtbench.evaluate(list(MODELS), tasks, data=str(copy), out=folder)
    return {(one.task.name, one.model.reference): one for one in load_records(folder)}


def value(record: RunRecord, metric: str) -> float:
    result = record.result(metric)
    assert result is not None, f"{record.model.reference} has no {metric}"
    return result.value


@pytest.mark.slow
def test_ours_is_ordered_by_quality_and_has_a_floor(records: dict[tuple[str, str], RunRecord]) -> None:
    ours = {model: records["omnidoc-tokenbench-pages", model] for model in MODELS}
    perfect = ours["identity"]
    assert value(perfect, "reread_ned") == 0.0 and value(perfect, "reread_accuracy") == 1.0
    assert value(ours[MODELS[1]], "reread_ned") > 0.03
    floors = {value(record, "reread_ned_floor") for record in ours.values()}
    assert len(floors) == 1 and 0.0 <= floors.pop() < 0.2, "the reader's own, whatever the model"
    excess = value(ours[MODELS[1]], "reread_ned_excess")
    rough = ours[MODELS[1]]
    assert excess == pytest.approx(value(rough, "reread_ned") - value(rough, "reread_ned_floor"), abs=1e-12)
    result = rough.result("reread_ned")
    assert result is not None and result.n == 2, "the empty page is not scored"
    assert str(result.details["reader"]).startswith("rapidocr@")
    assert any("reread_cer" in warning and "2 of 3" in warning for warning in rough.warnings)


@pytest.mark.slow
def test_the_released_value_is_the_scripts_arithmetic(copy: Path, records: dict[tuple[str, str], RunRecord]) -> None:
    """By hand: the engine on files, lines joined, edits over the longer length, the empty page left out."""
    from io import BytesIO

    import torch
    from rapidfuzz.distance import Levenshtein

    reader, neds = CachedReader(READERS.create(parse_reference("rapidocr"))), []

    def read(page: Image.Image) -> str:
        pixels = torch.from_numpy(np.array(page.convert("RGB"))).permute(2, 0, 1)
        return "".join(reader.read([pixels])[0].lines)

    for file in sorted(copy.glob("*.png")):
        original, stream = Image.open(file).convert("RGB"), BytesIO()
        original.save(stream, "JPEG", quality=4, subsampling=0)
        first, second = read(original), read(Image.open(stream))
        if first:
            neds.append(1 - Levenshtein.distance(first, second) / max(len(first), len(second)))
    record = records["omnidoc-tokenbench-released-pages", "jpeg,quality=4"]
    assert value(record, "compat_omnidoc_ned") == pytest.approx(float(np.mean(neds)), abs=1e-9)
    assert record.task.spec["quirks"]
    assert value(records["omnidoc-tokenbench-released-pages", "identity"], "compat_omnidoc_psnr") == pytest.approx(80.0)
    assert value(records["omnidoc-tokenbench-released-pages", "identity"], "compat_omnidoc_ned") == 1.0
