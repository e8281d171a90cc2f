from __future__ import annotations

import pickle
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from vtbench.core.errors import AssetMissingError
from vtbench.data.embedded import english_mini
from vtbench.data.embedded.drawing.draws import Draws
from vtbench.data.embedded.drawing.text_pages import SCALE, place, wrap
from vtbench.data.embedded.english_mini import GLYPH_SIZES, EnglishMini, english_font
from vtbench.data.ids import check_ids
from vtbench.data.sources.subset import Subset

# Equal with Pillow 11.3.0, 12.0.0 and 13.0.0, whose FreeType is 2.13.3, 2.14.1 and 2.14.3.
FINGERPRINT = "c5ac9372dda9e0c3ef75721bb835b08736a9eeede3616ff6be45a8b37ba1d748"
DIGESTS = {
    "poster/08-0": "56c7882f321d35be54ff503126eb323bdb65c68d815bf00ee4cb6720d93784a3",
    "abstract/14-1": "56d179683a9e38ad520bf77cba9e1eb857cf19b5f515d17ec205e31952ee32f9",
    "photo/18-2": "50eb9000f5639a0002d3a6cb4800f9fc20da218403a9d45abe8c54527ec0a279",
    "photo/24-5": "76c12d92824430645e115f82d349cb8ccb12654513ca477b526640cc398aef2a",
    "poster/48-3": "5c5e841988c8cbe6f3884ca95832f10b1020ab43a8512b013449e26c141a70d8",
}


@pytest.fixture(scope="module")
def dataset() -> EnglishMini:
    return EnglishMini()


def luma(image: torch.Tensor) -> np.ndarray:
    return np.tensordot([0.299, 0.587, 0.114], image.numpy().astype(np.float64), axes=1)


def test_the_images_are_frozen(dataset: EnglishMini) -> None:
    assert {name: dataset.content_digest(dataset.ids.index(name)) for name in DIGESTS} == DIGESTS
    assert dataset.fingerprint == FINGERPRINT
    assert Subset(dataset, 8).fingerprint == dataset.fingerprint_of(8) != FINGERPRINT


def test_sizes_layouts_and_polarities_are_balanced(dataset: EnglishMini) -> None:
    check_ids(dataset)
    targets = [dataset.target(index) for index in range(len(dataset))]
    assert Counter(target["glyph_px"] for target in targets) == dict.fromkeys(GLYPH_SIZES, 6)
    assert Counter(target["polarity"] for target in targets) == {"dark_on_light": 24, "light_on_dark": 24}
    assert Counter(target["layout"] for target in targets) == {"poster": 20, "abstract": 12, "photo": 16}
    assert {target["glyph_px"] for target in targets[: len(GLYPH_SIZES)]} == set(GLYPH_SIZES)
    assert len({target["text"] for target in targets}) == len(dataset) == 48


def test_polarity_is_what_one_sees(dataset: EnglishMini) -> None:
    for index in range(len(dataset)):
        sample = dataset[index]
        assert sample.image.shape == (3, 256, 256) and sample.image.dtype == torch.uint8
        levels = luma(sample.image)
        boxes = [levels[y0:y1, x0:x1] for x0, y0, x1, y1, _ in sample.target["boxes"]]
        inside = np.concatenate([box.ravel() for box in boxes])
        extreme = np.percentile(inside, 95 if sample.target["polarity"] == "light_on_dark" else 5)
        around = np.median(inside)  # letters cover less than half of their boxes
        assert abs(extreme - around) > 60, sample.id
        assert (extreme > around) == (sample.target["polarity"] == "light_on_dark"), sample.id


def test_boxes_and_text_say_the_same(dataset: EnglishMini) -> None:
    for index in range(len(dataset)):
        target = dataset.target(index)
        assert [word for *_, word in target["boxes"]] == target["text"].split()
        assert all(line and line == " ".join(line.split()) for line in target["text"].split("\n"))


def test_all_ink_is_in_the_boxes_and_fills_them(dataset: EnglishMini) -> None:
    """On plain grounds every row has one colour, which column 0 shows: whatever differs is ink."""
    plain = [index for index, sheet in enumerate(dataset.sheets) if sheet.layout != "photo"]
    assert len(plain) == 32
    for index in plain:
        sample = dataset[index]
        ink = (sample.image != sample.image[:, :, :1]).any(0).numpy()
        claimed = np.zeros_like(ink)
        for x0, y0, x1, y1, word in sample.target["boxes"]:
            assert not claimed[y0:y1, x0:x1].any(), f"{sample.id}: {word} overlaps another word"
            claimed[y0:y1, x0:x1] = True
            rows, columns = np.nonzero(ink[y0:y1, x0:x1])
            # an edge pixel may be covered by less than the half level that rounds to a difference
            assert rows.min() <= 1 and columns.min() <= 1, (sample.id, word)
            assert rows.max() >= y1 - y0 - 2 and columns.max() >= x1 - x0 - 2, (sample.id, word)
        assert not (ink & ~claimed).any(), sample.id
        assert not ink[[0, -1]].any() and not ink[:, [0, -1]].any(), f"{sample.id} touches the border"


def drawn_plainly(word: str, size: int, shape: tuple[int, int]) -> np.ndarray:
    """The word as Pillow draws it at three times its size, laid out by its default engine, shrunk to a box."""
    image = Image.new("L", (1200, 300))
    ImageDraw.Draw(image).text((100, 180), word, font=ImageFont.load_default(3 * size), fill=255, anchor="ls")
    image = image.crop(image.getbbox())
    return np.asarray(image.resize(shape[::-1], Image.Resampling.BILINEAR), np.float64)


def test_each_word_looks_like_itself(dataset: EnglishMini) -> None:
    """A word's ink correlates with its plain rendering, and more than with other words of about its length."""
    tried = 0
    for index, sheet in enumerate(dataset.sheets):
        if sheet.layout == "photo" or sheet.glyph_px not in (24, 32):
            continue
        sample = dataset[index]
        levels = luma(sample.image) * (1 if sheet.light_ink else -1)
        words = sorted({word for *_, word in sample.target["boxes"]})
        for x0, y0, x1, y1, word in sample.target["boxes"]:
            seen = levels[y0:y1, x0:x1].ravel()

            def likeness(candidate: str, seen: Any = seen, size: Any = (sheet.glyph_px, y1 - y0, x1 - x0)) -> float:
                expected = drawn_plainly(candidate, size[0], size[1:]).ravel()
                return float(np.corrcoef(seen, expected)[0, 1])

            assert likeness(word) > 0.7, (sample.id, word)
            others = [w for w in words if w.casefold() != word.casefold() and abs(len(w) - len(word)) <= 1]
            assert all(likeness(other) < likeness(word) for other in others), (sample.id, word)
            tried += 1
    assert tried > 80


def test_every_character_is_in_the_font(dataset: EnglishMini) -> None:
    font = english_font(24)
    missing = bytes(font.getmask("\uffff"))
    characters = {character for index in range(48) for character in dataset.target(index)["text"]} - {"\n", " "}
    assert len(characters) > 55
    assert [c for c in sorted(characters) if bytes(font.getmask(c)) == missing] == []


def test_a_caller_cannot_change_the_data_and_pickles_carry_no_pixels(dataset: EnglishMini) -> None:
    sample = dataset[3]
    before = sample.image.clone()
    sample.image.zero_()
    sample.target["boxes"].clear()
    assert dataset[3].image.equal(before) and dataset[3].target["boxes"]
    data = pickle.dumps(dataset)
    assert len(data) < 20_000
    assert pickle.loads(data)[3].image.equal(before)


def test_a_word_that_would_be_clipped_is_refused() -> None:
    font = english_font(24)
    with pytest.raises(ValueError, match=r"'Harbour' at .* leaves a page of 64 pixels"):
        place([["Harbour"]], font, side=64, margin=4, baseline=30, leading=30, align="left")
    assert wrap(["Harbour", "at", "six"], font, 40, most=2) == [["at"], ["six"]]
    assert wrap(["at"] * 9, font, 56, most=2) == [["at", "at"], ["at", "at"]]


def test_lines_are_measured_in_sub_pixels() -> None:
    font = english_font(10)
    placed = place([["one", "two"], ["three"]], font, side=128, margin=5, baseline=20, leading=14, align="centre")
    assert placed.text == "one two\nthree"
    widths = [font.getlength("one") + font.getlength(" ") + font.getlength("two"), font.getlength("three")]
    for line, width in zip(placed.lines, widths, strict=True):
        assert abs(line[0].pen[0] + width / 2 - 64 * SCALE) <= 2
    assert [line[0].pen[1] for line in placed.lines] == [20 * SCALE, 34 * SCALE]


def test_draws_are_even_and_belong_to_one_sample() -> None:
    draws = Draws(1, "a")
    counts = Counter(draws.below(4) for _ in range(4000))
    assert set(counts) == {0, 1, 2, 3} and min(counts.values()) > 900
    assert sorted(Draws(1, "a").shuffled(range(50))) == list(range(50))
    assert Draws(1, "a").shuffled(range(50)) == Draws(1, "a").shuffled(range(50)) != Draws(1, "b").shuffled(range(50))


def test_a_pillow_without_freetype_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(size: float) -> None:
        raise ImportError("The _imagingft C module is not installed")

    monkeypatch.setattr(english_mini.ImageFont, "load_default", missing)
    english_font.cache_clear()
    with pytest.raises(AssetMissingError, match=r"FreeType[\s\S]*pip install"):
        EnglishMini()
