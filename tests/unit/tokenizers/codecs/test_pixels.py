"""``identity`` and ``resize``."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from vtbench.core.errors import UsageError
from vtbench.core.pixels import to_uint8, to_unit
from vtbench.tokenizers.codecs.identity import Identity
from vtbench.tokenizers.codecs.resize import Resize


def test_identity_is_exact_and_costs_24_bits_a_pixel(photos: Tensor) -> None:
    tokenizer = Identity()
    codes = tokenizer.encode(photos)
    assert torch.equal(tokenizer.decode(codes), photos)
    assert codes.total_bits(tokenizer.info).tolist() == [24.0 * 256 * 256] * len(photos)


def test_identity_stores_8_bits_of_what_is_between_levels() -> None:
    image = torch.full((1, 3, 2, 2), 100.4 / 255)
    stored = Identity().encode(image)
    assert torch.equal(Identity().decode(stored), to_unit(torch.full((1, 3, 2, 2), 100, dtype=torch.uint8)))


def pillow_resize(image: Tensor, size: tuple[int, int], resample: Image.Resampling) -> Tensor:
    planes = [Image.fromarray(plane.numpy()).resize(size[::-1], resample) for plane in image]
    return torch.from_numpy(np.stack([np.array(plane) for plane in planes]))


@pytest.mark.parametrize("size", [(256, 256), (255, 190)])
@pytest.mark.parametrize("factor", [2, 3, 8])
@pytest.mark.parametrize("name", ["bicubic", "bilinear"])
def test_resize_is_pillows(photos: Tensor, name: str, factor: int, size: tuple[int, int]) -> None:
    images = photos[:2, :, : size[0], : size[1]]
    tokenizer = Resize(factor=factor, filter=name)
    codes = tokenizer.encode(images)
    small = (-(-size[0] // factor), -(-size[1] // factor))
    assert codes.grids == (small,)
    resample = getattr(Image.Resampling, name.upper())
    for index, image in enumerate(images):
        expected = to_unit(to_uint8(pillow_resize(image, small, resample)))
        # a sum in another order may fall on the other side of a tie (frequent at factor 2): one level, in few pixels
        assert (codes.latents[index] - expected).abs().max() <= 1.001 / 255
        assert (codes.latents[index] != expected).float().mean() < 0.01
        enlarged = pillow_resize(codes.latents[index], size, resample)
        torch.testing.assert_close(tokenizer.decode(codes)[index], enlarged, atol=1e-5, rtol=0)


def test_resize_costs_24_bits_a_small_pixel(photos: Tensor) -> None:
    tokenizer = Resize(factor=4)
    codes = tokenizer.encode(photos[:1, :, :250, :256])
    assert codes.total_bits(tokenizer.info).tolist() == [24.0 * 63 * 64]
    assert torch.equal(codes.latents, to_unit(to_uint8(codes.latents)))


def test_resize_by_one_is_the_identity(photos: Tensor) -> None:
    tokenizer = Resize(factor=1)
    assert torch.equal(tokenizer.decode(tokenizer.encode(photos)), photos)


@pytest.mark.parametrize("arguments", [{"factor": 0}, {"factor": 1.5}, {"factor": True}, {"filter": "nearest"}])
def test_resize_refuses(arguments: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(arguments))):
        Resize(**arguments)
