"""Presets against independent statements of their rules, and against frozen digests."""

from __future__ import annotations

import importlib.util
import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from vtbench.core.contracts import Prepared, Sample
from vtbench.core.errors import SampleError, UsageError
from vtbench.data.embedded.photographs.photos_mini import load_photograph
from vtbench.data.preparing.presets import PRESETS, make_preset
from vtbench.data.preparing.tokbench import UndoSquare

GOLDEN = Path(__file__).parents[3] / "golden"
SHAPES = [(300, 451), (451, 300), (131, 147), (33, 40), (256, 256), (255, 257), (37, 1), (1, 37), (600, 513)]
SQUARE = ["adm-center-crop", "lanczos-center-crop", "bicubic-antialias", "bilinear-antialias"]


def picture(height: int, width: int) -> torch.Tensor:
    """Real pixels, tiled where the photograph is too small."""
    photograph = load_photograph("coffee")
    repeats = (1, math.ceil(height / 400), math.ceil(width / 600))
    return photograph.repeat(*repeats)[:, :height, :width].contiguous()


def prepared(name: str, size: int | None, image: torch.Tensor) -> Prepared:
    return make_preset(name, size).prepare(Sample(id="x", image=image, target={"label": 3}))


def pil(image: torch.Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).numpy().copy())


def adm_by_hand(image: Image.Image, size: int) -> np.ndarray:
    """ADM's rule, stated with arithmetic on the number of halvings and a crop by array slices."""
    halvings = 0
    while min(image.width >> halvings, image.height >> halvings) >= 2 * size:
        halvings += 1
    for _ in range(halvings):
        image = image.resize((image.width // 2, image.height // 2), resample=Image.Resampling.BOX)
    short = min(image.size)
    target = tuple(round(side * (size / short)) for side in image.size)
    pixels = np.asarray(image.resize(target, resample=Image.Resampling.BICUBIC))
    top, left = (pixels.shape[0] - size) // 2, (pixels.shape[1] - size) // 2
    return pixels[top : top + size, left : left + size]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [32, 64, 256])
def test_adm_is_box_halving_bicubic_and_centre_crop(shape: tuple[int, int], size: int) -> None:
    image = picture(*shape)
    result = prepared("adm-center-crop", size, image)
    assert np.array_equal(result.model_input.permute(1, 2, 0).numpy(), adm_by_hand(pil(image), size))


def test_adm_halving_averages_pairs_along_rows_then_columns() -> None:
    image = picture(128, 128)
    wide = image.int()
    rows = (wide[:, :, 0::2] + wide[:, :, 1::2] + 1) // 2  # Pillow rounds halves up, once a direction
    boxes = (rows[:, 0::2] + rows[:, 1::2] + 1) // 2
    assert prepared("adm-center-crop", 64, image).model_input.int().equal(boxes)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [48, 256])
def test_lanczos_covers_and_crops(shape: tuple[int, int], size: int) -> None:
    image = picture(*shape)
    scale = max(size / shape[1], size / shape[0])
    target = (round(shape[1] * scale), round(shape[0] * scale))
    pixels = np.asarray(pil(image).resize(target, resample=Image.Resampling.LANCZOS))
    top, left = (target[1] - size) // 2, (target[0] - size) // 2
    result = prepared("lanczos-center-crop", size, image)
    assert np.array_equal(result.model_input.permute(1, 2, 0).numpy(), pixels[top : top + size, left : left + size])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [32, 63, 256])
@pytest.mark.parametrize("kind", ["bicubic", "bilinear"])
def test_antialiased_presets_are_torchvision_on_pillow(shape: tuple[int, int], size: int, kind: str) -> None:
    image = picture(*shape)
    transform = v2.Compose([v2.Resize(size, interpolation=v2.InterpolationMode(kind)), v2.CenterCrop(size)])
    expected = np.asarray(transform(pil(image)))
    result = prepared(f"{kind}-antialias", size, image)
    assert np.array_equal(result.model_input.permute(1, 2, 0).numpy(), expected)


@pytest.mark.parametrize("name", SQUARE)
def test_square_presets(name: str) -> None:
    image = picture(300, 451)
    result = prepared(name, 64, image)
    assert result.reference is result.model_input
    assert result.restore is None
    assert result.model_input.shape == (3, 64, 64)
    assert result.model_input.is_contiguous()
    assert result.target == {"label": 3}
    untouched = picture(256, 256)
    assert prepared(name, 256, untouched).model_input.equal(untouched)


@pytest.mark.parametrize("shape", [*SHAPES, (872, 1000)])
@pytest.mark.parametrize("size", [64, 256])
def test_tokbench_fits_into_black_and_comes_back(shape: tuple[int, int], size: int) -> None:
    image = picture(*shape)
    result = prepared("tokbench-pad-resize-undo", size, image)
    assert result.reference.equal(image)
    assert result.model_input.shape == (3, size, size)
    height, width = (min(size, math.ceil(side * (size / max(shape)))) for side in shape)
    top, left = (size - height) // 2, (size - width) // 2
    small = pil(image).resize((width, height), resample=Image.Resampling.LANCZOS)
    canvas = np.zeros((size, size, 3), np.uint8)
    canvas[top : top + height, left : left + width] = np.asarray(small)
    assert np.array_equal(result.model_input.permute(1, 2, 0).numpy(), canvas)

    assert result.restore is not None
    back = pickle.loads(pickle.dumps(result.restore))(result.model_input)
    expected = np.asarray(small.resize((shape[1], shape[0]), resample=Image.Resampling.LANCZOS))
    assert np.array_equal(back.permute(1, 2, 0).numpy(), expected)


def test_tokbench_sides_never_exceed_the_square() -> None:
    assert math.ceil(187 * (24 / 187)) == 25  # where float rounding would
    result = prepared("tokbench-pad-resize-undo", 24, torch.full((3, 1, 187), 255, dtype=torch.uint8))
    assert isinstance(result.restore, UndoSquare)
    assert (result.restore.left, result.restore.inner_width) == (0, 24)
    assert result.restore(result.model_input).eq(255).all()


def test_tokbench_of_an_exact_square_changes_nothing() -> None:
    image = picture(256, 256)
    result = prepared("tokbench-pad-resize-undo", 256, image)
    assert result.restore is not None
    assert result.model_input.equal(image)
    assert result.restore(image).equal(image)


def test_native_changes_nothing() -> None:
    image = picture(33, 40)
    result = prepared("native", None, image)
    assert result.model_input is result.reference is image
    assert result.restore is None


def golden_script() -> Any:
    spec = importlib.util.spec_from_file_location("make_presets", GOLDEN / "make_presets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_golden_digests() -> None:
    frozen = json.loads((GOLDEN / "presets.json").read_text(encoding="utf-8"))
    assert dict(golden_script().digests()) == frozen
    assert len(frozen) == 10 * ((len(PRESETS) - 1) * 2 + 1)


def test_ids_and_pickles() -> None:
    for name, kind in PRESETS.items():
        preset = make_preset(f"{name}@{kind.version}", None if name == "native" else 128)
        assert preset.id == f"{name}@1"
        assert preset.size == (None if name == "native" else 128)
        assert pickle.loads(pickle.dumps(preset)) == preset == make_preset(name, preset.size)


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("adm-centre-crop", 256, r"did you mean adm-center-crop\?|did you mean adm-center-crop or"),
        ("adm-center-crop@2", 256, "has version 1 here, not 2"),
        ("adm-center-crop", None, "needs a size"),
        ("adm-center-crop", 0, "needs a size"),
        ("native", 256, "keeps every size"),
        ("zzz", 1, "known: adm-center-crop"),
    ],
)
def test_wrong_presets_are_told(name: str, size: int | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_preset(name, size)


@pytest.mark.parametrize("name", SQUARE)
def test_a_sliver_is_refused_before_it_fills_the_memory(name: str) -> None:
    with pytest.raises(SampleError, match="too long and thin"):
        prepared(name, 512, torch.zeros(3, 1, 2000, dtype=torch.uint8))
