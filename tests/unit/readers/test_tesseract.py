"""Tesseract reads what Pillow drew; what is missing is told with the line that installs it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.metrics.texts.error_rates import score_text
from vtbench.readers import tesseract
from vtbench.readers.contract import Reader, ReadResult
from vtbench.readers.tesseract import Tesseract

Page = Callable[..., Tensor]
Lines = tuple[str, ...]

installed = pytest.mark.skipif(shutil.which("tesseract") is None, reason="apt-get install tesseract-ocr")


@installed
@pytest.mark.parametrize("size", [18, 24, 32])
def test_a_clean_page_is_read(size: int, draw_page: Page, pangrams: Lines) -> None:
    (result,) = Tesseract().read([draw_page(pangrams, size)])
    score = score_text(result.text, "\n".join(pangrams))
    assert score.edits / score.length <= 0.01
    assert len(result.lines) == len(pangrams)


@installed
def test_a_reading_depends_on_its_image_alone(draw_page: Page, pangrams: Lines) -> None:
    pages = [draw_page(pangrams, 14), draw_page(pangrams[:1], 20)]
    together = Tesseract().read(pages)
    assert Tesseract().read(pages[::-1]) == together[::-1]


@installed
def test_pages_read_by_one_run_are_those_read_one_by_one(draw_page: Page, pangrams: Lines) -> None:
    blank = torch.full((3, 40, 60), 255, dtype=torch.uint8)
    pages = [
        draw_page(pangrams, 10),
        blank,
        draw_page(pangrams[2:], 20, ink=220, paper=40),
        draw_page(pangrams[:1], 14),
    ]
    pages += [page // 96 * 96 for page in pages] + [blank]
    reader = Tesseract()
    assert reader.read(pages) == [reader.read([page])[0] for page in pages]
    assert reader.at_once > 1 and Tesseract(oem=3).at_once == 1, "the older engine adapts to what it has read"


@installed
def test_where_one_run_fails_each_page_is_read_alone(
    draw_page: Page, pangrams: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Tesseract()
    pages = [draw_page(pangrams[:1], 20), draw_page(pangrams[1:2], 20)]
    whole = reader.read(pages)
    monkeypatch.setattr(tesseract, "split_pages", lambda printed, pages: None)
    assert reader.read(pages) == whole and whole[0].text == pangrams[0]


@pytest.mark.parametrize(
    ("printed", "pages"),
    [("a\nb\fc", ["a\nb", "c"]), ("a\fb\f", ["a", "b"]), ("\f", ["", ""]), ("a", None), ("a\fb\fc", None)],
)
def test_form_feeds_part_two_pages(printed: str, pages: list[str] | None) -> None:
    assert tesseract.split_pages(printed, 2) == pages


@installed
@pytest.mark.parametrize("size", [(1, 1), (40, 60)])
def test_an_image_without_text_reads_as_nothing(size: tuple[int, int]) -> None:
    assert Tesseract().read([torch.full((3, *size), 255, dtype=torch.uint8)]) == [ReadResult("", ())]


@installed
def test_language_data_and_settings_are_in_the_id() -> None:
    reader = Tesseract()
    assert isinstance(reader, Reader)
    assert reader.languages == ("en",)
    assert set(reader.identity.files) == {"eng.traineddata"} and len(reader.identity.files["eng.traineddata"]) == 64
    assert reader.identity.version[0].isdigit()
    assert len({reader.id, Tesseract(psm=3).id}) == 2


@installed
def test_missing_language_data_comes_with_the_apt_line() -> None:
    with pytest.raises(AssetMissingError, match="apt-get install tesseract-ocr-no-such"):
        Tesseract(lang="no_such")


def test_a_missing_program_comes_with_the_apt_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssetMissingError, match="apt-get install tesseract-ocr"):
        Tesseract()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lang": "../eng"}, "no language"),
        ({"lang": "-eng"}, "no language"),
        ({"lang": "eng+"}, "no language"),
        ({"oem": 9}, "oem"),
        ({"psm": 14}, "psm"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Tesseract(**arguments)  # type: ignore[arg-type]
