"""Patterns against NumPy's trigonometry, their own spectra, and digests that must not change."""

from __future__ import annotations

import hashlib
import json
import math
import pickle
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from vtbench.core.errors import AssetMissingError
from vtbench.data.embedded.drawing import pattern_textures
from vtbench.data.embedded.drawing.pattern_strokes import Strokes, draw_strokes
from vtbench.data.embedded.drawing.pattern_textures import CROPS, TEXTURES, texture_path
from vtbench.data.embedded.drawing.pattern_waves import (
    AMPLITUDE,
    MIDDLE,
    SIDE,
    gray,
    siemens_star,
    sine_grating,
    zone_plate,
)
from vtbench.data.embedded.patterns_mini import PatternsMini
from vtbench.data.ids import check_ids
from vtbench.data.sources.subset import Subset

COUNTS = {
    "sine-grating": 13,
    "color-grating": 4,
    "square-grating": 6,
    "checkerboard": 5,
    "zone-plate": 3,
    "siemens-star": 3,
    "strokes": 6,
    "texture": 8,
}
DIGESTS = {
    "sine-grating": "a7ca90e361ff4fe5",
    "color-grating": "c2b0e7f7c1eb9c51",
    "square-grating": "5117a1543a04f670",
    "checkerboard": "6b441ff3c17a25e5",
    "zone-plate": "3a85c15b9052a4d8",
    "siemens-star": "160ec16c4c55e7a7",
    "strokes": "0ab45eafb74254b5",
    "texture": "34ddc37745c79760",
}
FINGERPRINT = "d541c3fe6a1f24f9036599ee97764cead52c7d8eb64daaecf252faa945e730dc"


@pytest.fixture(scope="module")
def dataset() -> PatternsMini:
    return PatternsMini()


@pytest.fixture(scope="module")
def images(dataset: PatternsMini) -> dict[str, torch.Tensor]:
    return {dataset.ids[index]: dataset[index].image for index in range(len(dataset))}


def test_every_bit_is_frozen(images: dict[str, torch.Tensor], dataset: PatternsMini) -> None:
    found = {}
    for kind in COUNTS:
        pixels = b"".join(image.numpy().tobytes() for name, image in images.items() if name.startswith(f"{kind}/"))
        found[kind] = hashlib.sha256(pixels).hexdigest()[:16]
    assert found == DIGESTS
    assert dataset.fingerprint == FINGERPRINT


def test_48_distinct_images_of_256_square(dataset: PatternsMini, images: dict[str, torch.Tensor]) -> None:
    check_ids(dataset)
    assert len(dataset) == 48
    assert Counter(dataset.target(index)["kind"] for index in range(48)) == COUNTS
    assert {(tuple(image.shape), image.dtype) for image in images.values()} == {((3, 256, 256), torch.uint8)}
    assert len({image.numpy().tobytes() for image in images.values()}) == 48
    assert min(image.float().std().item() for image in images.values()) > 8.0


def test_the_stated_wave_is_the_strongest(dataset: PatternsMini, images: dict[str, torch.Tensor]) -> None:
    checked = 0
    for index, name in enumerate(dataset.ids):
        target = dataset.target(index)
        assert target["kind"] == name.partition("/")[0]
        if target["wave_vector"] is None:
            assert target["frequency"] is None
            continue
        vector = np.array(target["wave_vector"])
        assert target["frequency"] == pytest.approx(math.hypot(*vector), rel=1e-15)
        spectrum = np.abs(np.fft.fft2(images[name][0].double().numpy()))
        spectrum[0, 0] = 0
        peak = spectrum >= 0.99 * spectrum.max()
        at = np.stack([np.fft.fftfreq(SIDE)[np.nonzero(peak)[axis]] for axis in (1, 0)], axis=1)
        # ±1/2 is one frequency; a period that does not divide 256 lies beside its bin
        away = np.abs(at - vector)
        assert np.minimum(away, 1 - away).sum(axis=1).min() <= 1 / SIDE, name
        checked += 1
    assert checked == 28


@pytest.mark.parametrize(("across", "down"), [(8, 0), (0, 32), (28, -16), (96, 0), (101, 77)])
def test_gratings_are_cosines(across: int, down: int) -> None:
    y, x = np.indices((SIDE, SIDE))
    expected = np.cos(2 * np.pi * (across * x + down * y) / SIDE)
    assert np.abs(sine_grating(across, down) - expected).max() < 1e-12
    assert np.abs(gray(sine_grating(across, down))[..., 1] - (MIDDLE + AMPLITUDE * expected)).max() <= 0.5 + 1e-9


def test_zone_plates_and_stars_are_cosines_and_never_finer_than_pixels() -> None:
    y, x = np.indices((SIDE, SIDE))
    for centre, reach in ((128, 256), (0, 512)):
        squared = (x - centre) ** 2 + (y - centre) ** 2
        assert np.abs(zone_plate(centre, reach) - np.cos(np.pi * squared / reach)).max() < 1e-9
        # the local frequency along an axis is its distance / reach
        assert max(abs(x - centre).max(), abs(y - centre).max()) / reach <= 0.5
    x, y = x - 127.5, y - 127.5
    for spokes in (18, 36, 72):
        fine = spokes / (2 * np.pi * np.hypot(x, y)) > 0.5
        expected = np.where(fine, 0.0, np.cos(spokes * np.arctan2(y, x)))
        assert np.abs(siemens_star(spokes) - expected).max() < 1e-9 and fine.any()


def test_square_gratings_and_checkerboards_have_two_levels(images: dict[str, torch.Tensor]) -> None:
    stripes = images["square-grating/6-upright"]
    assert stripes[0, 0, :12].tolist() == [240] * 3 + [16] * 3 + [240] * 3 + [16] * 3
    assert stripes.equal(stripes[:, :1, :].expand_as(stripes))
    assert images["square-grating/4-flat"].equal(images["square-grating/4-upright"].mT)
    for cell in (1, 2, 3, 4, 8):
        board = images[f"checkerboard/{cell}"][0].int()
        assert set(board.unique().tolist()) == {16, 240}
        assert board[:-cell].equal(256 - board[cell:]) and board[:, :-cell].equal(256 - board[:, cell:])


def test_colour_gratings_have_equal_luma(dataset: PatternsMini, images: dict[str, torch.Tensor]) -> None:
    for name in ("color-grating/8x0", "color-grating/45x45", "zone-plate/centre-color"):
        red, green, blue = images[name].double()
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        assert luma.max() - luma.min() < 0.9 and red.max() - red.min() == 224  # half a level of R and of G


def test_ink_is_width_times_length() -> None:
    ink = {}
    for width in (0.6, 1.0, 2.0, 4.0):
        picture = draw_strokes(Strokes(3, 1, width, (0, 0, 0), (250, 250, 250)))
        ink[width] = 1 - picture.mean() / 250
    assert ink[1.0] > 0.001
    for width, amount in ink.items():
        assert amount / ink[1.0] == pytest.approx(width, rel=0.05)


def test_strokes_have_no_colour_but_paper_to_ink(images: dict[str, torch.Tensor]) -> None:
    picture = draw_strokes(Strokes(1, 5, 2.0, (10, 100, 200), (210, 100, 0))).astype(int)
    assert (picture[..., 1] == 100).all()
    assert np.abs(picture[..., 2] + picture[..., 0] - 210).max() <= 1
    assert picture[..., 0].min() == 10 and picture[..., 0].max() == 210


def test_a_texture_is_that_part_of_the_photograph(images: dict[str, torch.Tensor]) -> None:
    for crop in CROPS:
        with Image.open(texture_path(crop.photograph)) as photograph:
            box = (crop.x, crop.y, crop.x + 256, crop.y + 256)
            expected = np.asarray(photograph.crop(box).convert("RGB"))
            assert box[2] <= photograph.width and box[3] <= photograph.height
        assert np.array_equal(images[f"texture/{crop.id}"].permute(1, 2, 0).numpy(), expected)


def test_fingerprints_follow_content_and_limit(dataset: PatternsMini) -> None:
    assert Subset(PatternsMini(), 10).fingerprint == dataset.fingerprint_of(10) != dataset.fingerprint
    assert Subset(PatternsMini(), 1000).fingerprint == dataset.fingerprint


def test_samples_are_plain_picklable_and_not_shared(dataset: PatternsMini) -> None:
    for index in (0, 45):
        before = dataset[index]
        json.dumps(before.target)
        changed = dataset[index]
        changed.image.zero_()
        changed.target["kind"] = "other"
        assert dataset[index].image.equal(before.image) and dataset[index].target == before.target
    data = pickle.dumps(PatternsMini())
    assert len(data) < 20_000 and pickle.loads(data)[46].image.equal(dataset[46].image)


def test_a_changed_or_missing_picture_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    other = TEXTURES["grass"]._replace(sha256=TEXTURES["gravel"].sha256)
    for bad in (other, other._replace(path="data/gone.png")):
        monkeypatch.setitem(pattern_textures.TEXTURES, "grass", bad)
        with pytest.raises(AssetMissingError, match=r"not the picture expected[\s\S]*pip install.*scikit-image"):
            PatternsMini()
