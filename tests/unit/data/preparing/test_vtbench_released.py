"""VTBench's released preparation against torchvision and numpy, and what its truncation costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from vtbench.core.contracts import Prepared, Sample
from vtbench.core.errors import UsageError
from vtbench.core.pixels import to_unit, truncate_signed_to_uint8, truncate_to_uint8
from vtbench.data.embedded.photographs.photos_mini import load_photograph
from vtbench.data.embedded.photographs.photos_whole import PhotosWhole
from vtbench.data.loader import iterate_blocks
from vtbench.data.preparing.presets import make_preset

LEVELS = torch.arange(256, dtype=torch.uint8)


def test_95_of_256_levels_do_not_survive_the_signed_range() -> None:
    """numpy's own arithmetic: a picture as doubles, kept as float32 in [-1, 1], truncated on the way back."""
    signed = (np.arange(256) / 255 * 2 - 1).astype(np.float32)
    released = ((signed + np.float32(1)) / np.float32(2) * np.float32(255)).astype(np.uint8)
    ours = truncate_signed_to_uint8(LEVELS.double() / 255)
    np.testing.assert_array_equal(ours.numpy(), released)
    lost = LEVELS.int() - ours.int()
    assert int((lost == 1).sum()) == 95 and int((lost == 0).sum()) == 161
    # an exact copy, in float32, suffers exactly what the original does
    assert torch.equal(truncate_signed_to_uint8(to_unit(LEVELS)), ours)


def test_the_unit_range_is_exact_and_the_rest_is_floored() -> None:
    assert torch.equal(truncate_to_uint8(to_unit(LEVELS)), LEVELS)
    between = (torch.arange(255) + 0.9) / 255
    for truncate in (truncate_to_uint8, truncate_signed_to_uint8):
        assert torch.equal(truncate(between), LEVELS[:255])
        assert truncate(torch.tensor([-3.0, 7.0])).tolist() == [0, 255]


@pytest.mark.parametrize(("name", "size"), [("vtbench-released", 512), ("vtbench-released-signed", 384)])
def test_original_and_output_are_squeezed_as_torchvision_does(name: str, size: int) -> None:
    prepared = make_preset(name, size).prepare(Sample(id="x", image=load_photograph("coffee")))
    crop = make_preset("lanczos-center-crop", size).prepare(Sample(id="x", image=load_photograph("coffee")))
    assert torch.equal(prepared.model_input, crop.model_input)
    assert prepared.quantise is not None and prepared.restore is not None
    saved = prepared.quantise(to_unit(prepared.model_input))
    assert torch.equal(saved, prepared.model_input) == (name == "vtbench-released")
    picture = Image.fromarray(np.moveaxis(saved.numpy(), 0, -1))
    expected = np.asarray(v2.Resize((256, 256))(picture))  # on Pillow images: bilinear, antialiased
    assert prepared.reference.shape == (3, 256, 256)
    np.testing.assert_array_equal(np.moveaxis(prepared.reference.numpy(), 0, -1), expected)
    assert torch.equal(prepared.restore(saved), prepared.reference)


@pytest.mark.parametrize("workers", [0, 1])
def test_the_rule_survives_the_loader(workers: int) -> None:
    preset = make_preset("vtbench-released-signed", 256)
    ((_, items),) = iterate_blocks(PhotosWhole(short_side=512), preset, [(0, 0, 2)], workers)
    assert len(items) == 2
    for item in items:
        assert isinstance(item, Prepared) and item.quantise is truncate_signed_to_uint8


def test_whole_photographs_are_as_large_as_promised() -> None:
    data = PhotosWhole()
    assert len(data) == 10 and len(set(data.ids)) == 10
    large = {name for name, i in zip(data.ids, range(10), strict=True) if min(data[i].image.shape[1:]) >= 512}
    assert set(PhotosWhole(short_side=512).ids) == large == {"astronaut", "hubble_deep_field", "retina"}
    assert PhotosWhole(short_side=512).fingerprint != data.fingerprint
    with pytest.raises(UsageError, match="short side of 5000"):
        PhotosWhole(short_side=5000)
