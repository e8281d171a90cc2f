"""Words cut from a page and read one by one: by RapidOCR, whose models lie in its package."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import parse_reference
from vtbench.data.embedded.english_mini import EnglishMini
from vtbench.readers import READERS
from vtbench.readers.boxes import CropReader, rectified
from vtbench.readers.contract import Box, BoxReader, Reader
from vtbench.readers.rapidocr import RapidOcr

LINES = "rapidocr,detection=false"
Page = Callable[..., Tensor]


@pytest.fixture(scope="module")
def reader() -> CropReader:
    made = READERS.create(parse_reference(f"boxes,reader='{LINES}'"))
    assert isinstance(made, CropReader) and isinstance(made, BoxReader)
    return made


@pytest.fixture(scope="module")
def poster() -> tuple[Tensor, list[Box], list[str]]:
    """The first poster of 14 pixels: its words, and where they are."""
    dataset = EnglishMini()
    sample = dataset[dataset.ids.index("poster/14-0")]
    rows = sample.target["boxes"]
    return sample.image, [tuple(map(float, row[:4])) for row in rows], [row[4] for row in rows]


def test_words_are_read_in_the_order_of_their_boxes(
    reader: CropReader, poster: tuple[Tensor, list[Box], list[str]]
) -> None:
    image, boxes, words = poster
    assert reader.read_boxes(image, boxes) == words
    assert reader.read_boxes(image, boxes[::-1]) == words[::-1]
    assert reader.read_boxes(image, []) == []


def test_nothing_outside_the_box_is_seen(reader: CropReader, poster: tuple[Tensor, list[Box], list[str]]) -> None:
    image, boxes, words = poster
    left, top, right, bottom = (int(edge) for edge in boxes[0])
    alone = torch.full_like(image, 255)
    alone[:, top:bottom, left:right] = image[:, top:bottom, left:right]
    assert reader.read_boxes(alone, boxes[:1]) == words[:1]


def test_a_box_without_pixels_reads_as_nothing(reader: CropReader, poster: tuple[Tensor, list[Box], list[str]]) -> None:
    image, boxes, words = poster
    outside = (300.0, 10.0, 320.0, 20.0)
    assert reader.read_boxes(image, [outside, boxes[0], (5.0, 5.0, 5.0, 9.0)]) == ["", words[0], ""]


def test_a_reader_that_looks_for_text_finds_it_in_a_crop(poster: tuple[Tensor, list[Box], list[str]]) -> None:
    image, boxes, words = poster
    long = [place for place, word in enumerate(words) if len(word) > 5][:2]
    reader = CropReader("rapidocr", margin=1.0)
    assert reader.read_boxes(image, [boxes[place] for place in long]) == [words[place] for place in long]


def test_a_reading_without_detection_is_another_reader(draw_page: Page) -> None:
    with_boxes, line = RapidOcr(), RapidOcr(detection=False)
    assert with_boxes.id != line.id and isinstance(line, Reader)
    assert with_boxes.id == RapidOcr(detection=True).id
    tight = draw_page(["one line alone"], 24)[:, 20:60]
    assert line.read([tight])[0].lines == ("one line alone",)
    ids = {CropReader(LINES).id, CropReader("rapidocr").id, CropReader(LINES, margin=0.5).id}
    assert len(ids) == 3 and CropReader(LINES).id == CropReader(LINES).id


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(UsageError, match="did you mean rapidocr"):
        CropReader("rapidorc")
    with pytest.raises(UsageError, match="margin must not be negative"):
        CropReader(LINES, margin=-1)


def test_a_slanted_box_becomes_upright(reader: CropReader, draw_page: Page) -> None:
    page = draw_page(["Lighthouse"], 24)[:, 20:60, 20:-20]
    height, width = page.shape[1:]
    turned = torch.rot90(page, 1, dims=(1, 2))  # a quarter turn to the left: the text runs upwards
    corners = [(0, width - 1), (0, 0), (height - 1, 0), (height - 1, width - 1)]
    word = rectified(turned, corners)
    assert word is not None and word.shape == (3, height - 1, width - 1)
    assert reader.read_boxes(word, [(0.0, 0.0, float(width), float(height))]) == ["Lighthouse"]


def test_rectifying_is_bilinear_between_the_corners() -> None:
    ramp = torch.from_numpy(np.tile(10 * np.arange(20, dtype=np.uint8), (3, 9, 1)))
    cut = rectified(ramp, [(2, 1), (12, 1), (12, 6), (2, 6)])
    assert cut is not None and cut.shape == (3, 5, 10)
    expected = np.rint(10 * (2 + np.arange(10) * 10 / 9))  # ten pixels from the first corner to the second
    np.testing.assert_array_equal(cut[0, 0].numpy(), expected)
    assert rectified(ramp, [(2, 1), (2, 1), (2, 6), (2, 6)]) is None
