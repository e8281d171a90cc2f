"""The one conversion between uint8 and float, and padding to the stride."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vtbench.core.pixels import pad_to_stride, to_uint8, to_unit


def every_level() -> torch.Tensor:
    return torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(2, 3, 16, 16)


def test_every_level_survives_exactly() -> None:
    levels = every_level()
    assert torch.equal(to_uint8(to_unit(levels)), levels)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_float_types_are_taken(dtype: torch.dtype) -> None:
    coarse = torch.tensor([0.0, 0.25, 0.5, 1.0], dtype=dtype).reshape(1, 1, 2, 2)
    assert to_uint8(coarse).flatten().tolist() == [0, 64, 128, 255]


def test_unit_range_type_and_input_left_alone() -> None:
    levels = every_level().contiguous()
    before = levels.clone()
    unit = to_unit(levels)
    assert unit.dtype == torch.float32 and unit.shape == levels.shape
    assert (unit.min().item(), unit.max().item()) == (0.0, 1.0)
    assert torch.equal(levels, before)


def test_floats_are_not_images_at_rest() -> None:
    images = torch.rand(1, 3, 4, 4)
    before = images.clone()
    with pytest.raises(ValueError, match="uint8"):
        to_unit(images)
    assert torch.equal(images, before)


def test_rounding_is_to_nearest_with_ties_to_even() -> None:
    """Against numpy's own rounding, on a grid that holds ties and both of their neighbours."""
    halves = (np.arange(0, 255, dtype=np.float32) + np.float32(0.5)) / np.float32(255.0)
    values = np.concatenate([np.nextafter(halves, np.float32(0)), halves, np.nextafter(halves, np.float32(1))])
    expected = np.rint(np.clip(values, 0, 1).astype(np.float32) * np.float32(255.0)).astype(np.uint8)
    assert np.array_equal(to_uint8(torch.from_numpy(values)).numpy(), expected)
    assert to_uint8(torch.tensor([0.5])).item() == 128, "127.5 goes to the even neighbour"
    assert to_uint8(torch.tensor([0.5 / 255.0], dtype=torch.float32)).item() == 0, "0.5 goes to the even neighbour"


def test_nothing_is_truncated() -> None:
    almost = (every_level().double() - 0.4) / 255.0
    assert torch.equal(to_uint8(almost), every_level())


def test_values_outside_the_range_are_clamped() -> None:
    assert to_uint8(torch.tensor([-5.0, -1e-9, 1.0 + 1e-6, 300.0])).tolist() == [0, 0, 255, 255]


@pytest.mark.parametrize("size", [(16, 16), (17, 16), (16, 31), (1, 1), (5, 40)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_padding_replicates_the_last_row_and_column(size: tuple[int, int], dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (2, 3, *size), generator=generator).to(dtype)
    padded = pad_to_stride(images, 16)
    bottom, right = -size[0] % 16, -size[1] % 16
    expected = np.pad(images.numpy(), ((0, 0), (0, 0), (0, bottom), (0, right)), mode="edge")
    assert padded.dtype == dtype
    assert np.array_equal(padded.numpy(), expected)


def test_a_multiple_of_the_stride_is_left_alone() -> None:
    images = torch.rand(1, 3, 32, 48)
    assert pad_to_stride(images, 16) is images


@pytest.mark.parametrize("stride", [0, -8])
def test_a_stride_below_one_is_refused(stride: int) -> None:
    with pytest.raises(ValueError, match="stride"):
        pad_to_stride(torch.rand(1, 3, 8, 8), stride)
