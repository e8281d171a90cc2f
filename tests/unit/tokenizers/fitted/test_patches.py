"""Patches: layout, padding, and independence of the batch."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vtbench.core.errors import UsageError
from vtbench.tokenizers.fitted.patches import check_whole, decode_patches, encode_patches, from_patches, to_patches


@given(rows=st.integers(1, 4), columns=st.integers(1, 4), patch=st.integers(1, 5))
def test_patches_and_back(rows: int, columns: int, patch: int) -> None:
    image = torch.arange(3 * rows * columns * patch * patch).reshape(3, rows * patch, columns * patch)
    vectors = to_patches(image, patch)
    assert torch.equal(from_patches(vectors, patch, (rows, columns)), image)
    last = image[:, -patch:, -patch:].flatten()
    assert torch.equal(vectors[-1], last) and vectors.shape == (rows * columns, 3 * patch * patch)


@given(height=st.integers(1, 20), width=st.integers(1, 20), patch=st.integers(1, 7))
def test_any_size_survives_padding_and_cropping(height: int, width: int, patch: int) -> None:
    images = torch.linspace(0, 1, 2 * 3 * height * width).reshape(2, 3, height, width)
    codes = encode_patches(images, patch, lambda rows: rows)
    assert codes.shape[1:3] == (-(-height // patch), -(-width // patch))
    back = decode_patches(codes, patch, lambda rows: rows, (height, width))
    assert back.dtype == torch.float32
    assert torch.equal(back, images)


@pytest.mark.parametrize("value", [0, 9, 2.0, True, "3"])
def test_check_whole_refuses(value: object) -> None:
    with pytest.raises(UsageError, match="patch must be a whole number from 1 to 8"):
        check_whole("x", 1, 8, patch=value)
