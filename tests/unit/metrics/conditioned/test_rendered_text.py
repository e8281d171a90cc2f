"""Text that images were to show, by a reader whose readings are known, and by RapidOCR on drawn pages."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

import vtbench
from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.metrics.catalog.conditioned import CONDITION_REGISTRY
from vtbench.metrics.conditioned.rendered_text import RenderedCer, RenderedNed, RenderedWer, TextPresent, text_of
from vtbench.readers import READERS
from vtbench.readers.contract import ReadResult

READ = {0: "", 1: "OPEN LATE", 2: "open\nall  night", 3: "营业 中"}


class Told:
    """Reads what the first pixel stands for."""

    id = "told-by-the-first-pixel"
    languages = None
    required_assets = ()

    def read(self, images: list[Tensor]) -> list[ReadResult]:
        return [ReadResult.of(READ[int(image[0, 0, 0])].split("\n")) for image in images]


@pytest.fixture(autouse=True)
def reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS.builtin, "told", f"{__name__}:Told")


def of(*numbers: int) -> Tensor:
    return torch.stack([torch.full((3, 4, 4), number, dtype=torch.uint8) for number in numbers])


def wanting(text: object, **more: object) -> Condition:
    return Condition(prompt="a sign", metadata={"text": text, **more})


def test_edits_are_those_of_the_text_tasks() -> None:
    conditions = [
        wanting("OPEN"),
        wanting("OPEN LATE"),
        wanting(["Open", "all night"]),
        wanting("营业中", language="zh"),
    ]
    images = of(0, 1, 2, 3)
    columns = RenderedCer("told")(images, conditions)
    assert columns["rendered_edits"].tolist() == [4, 0, 1, 0]
    assert columns["rendered_length"].tolist() == [4, 9, 14, 3]
    means = {name: column.mean().reshape(1).numpy() for name, column in columns.items()}
    assert RenderedCer.of_means(means) == pytest.approx([5 / 30])
    folded = RenderedCer("told", case="fold")(images, conditions)
    assert folded["rendered_edits"].tolist() == [4, 0, 0, 0]
    words = RenderedWer("told")(images, conditions)
    assert words["rendered_word_edits"][:3].tolist() == [1, 0, 1] and math.isnan(words["rendered_words"][3])
    assert RenderedWer.of_means({name: one[:3].mean().reshape(1).numpy() for name, one in words.items()}) == [2 / 6]
    assert RenderedNed("told")(images, conditions).tolist() == pytest.approx([1, 0, 1 / 14, 0])


def test_a_text_is_present_as_whole_words() -> None:
    present = TextPresent("told")
    wanted = ["OPEN", "LATE", "PEN", "open late", "OPEN LATE"]
    assert present(of(1, 1, 1, 1, 1), [wanting(one) for one in wanted]).tolist() == [1, 1, 0, 0, 1]
    assert present(of(3), [wanting("业中", language="zh")]).tolist() == [1]


@pytest.mark.parametrize("told", [None, "", " ", [], ["a", 3], 7])
def test_lines_without_a_text_are_refused(told: object) -> None:
    with pytest.raises(UsageError, match="which text is to appear"):
        text_of(wanting(told))


def test_pages_that_are_drawn_are_read() -> None:
    """From the task to a record, on a page of large letters and the same made small and large again."""
    import importlib.util

    if importlib.util.find_spec("rapidocr") is None and importlib.util.find_spec("rapidocr_onnxruntime") is None:
        pytest.skip("RapidOCR is not installed")
    from vtbench.data.embedded.english_mini import EnglishMini

    pages = EnglishMini()
    place = max(range(len(pages)), key=lambda index: int(pages.target(index)["glyph_px"]))
    sample = pages[place]
    asked = [Condition(metadata=dict(sample.target))]
    cer = CONDITION_REGISTRY.load("rendered_cer")()
    clean = cer(sample.image[None], asked)
    lost = (
        torch.nn.functional.avg_pool2d(sample.image[None].float(), 16).repeat_interleave(16, 2).repeat_interleave(16, 3)
    )
    worse = cer(lost.round().to(torch.uint8), asked)
    length = float(clean["rendered_length"])
    assert float(clean["rendered_edits"]) < 0.2 * length <= 0.5 * length < float(worse["rendered_edits"])


def test_a_run_pools_edits_over_texts(tmp_path) -> None:
    from PIL import Image

    task = tmp_path / "signs.yaml"
    task.write_text(
        "name: signs\nversion: 1\nkind: generation\nsummary: s\nconditions: {of: prompts, per_prompt: 2}\n"
        "preprocess: {preset: native@1}\n"
        "condition_metrics:\n  - {name: rendered_cer, params: {reader: told}}\n"
        "  - {name: text_present, params: {reader: told}}\n"
    )
    (tmp_path / "p.jsonl").write_text(
        '{"prompt": "a sign", "text": "OPEN"}\n{"prompt": "two", "text": "OPEN LATE"}\n', encoding="utf-8"
    )
    for name, level in {"00000-s00": 0, "00000-s01": 1, "00001-s00": 1, "00001-s01": 1}.items():
        (tmp_path / "made").mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), level, dtype=np.uint8)).save(tmp_path / "made" / f"{name}.png")
    given = {"data": str(tmp_path / "p.jsonl"), "device": "cpu", "workers": 0}
    (record,) = vtbench.evaluate(f"folder,path={tmp_path / 'made'}", str(task), **given).records
    found = {one.metric: one.value for one in record.results if one.stratum == "all"}
    assert found["rendered_cer"] == pytest.approx((4 + 5 + 0 + 0) / (4 + 4 + 9 + 9))
    assert found["text_present"] == pytest.approx((0.5 + 1) / 2)
