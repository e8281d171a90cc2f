"""Packed convolutions: those of torch, whatever their geometry, the activation, and the size of the input."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vtbench.features import packed
from vtbench.features.packed import PackedConvolution

ACTIVATIONS = {"none": lambda found: found, "relu": F.relu, "relu6": F.relu6}


@pytest.fixture
def layer() -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(6, 12, (3, 5), stride=(2, 1), padding=(1, 2), groups=2).eval().requires_grad_(False)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("available", [True, False])
def test_it_is_torchs(
    activation: packed.Activation, available: bool, layer: nn.Conv2d, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not available:
        monkeypatch.setattr(packed, "_is_available", lambda: False)
    made = PackedConvolution(layer, activation)
    for height, width in ((17, 20), (9, 31), (17, 20)):
        images = 8 * torch.randn((2, 6, height, width))
        with torch.inference_mode():
            found, expected = made(images), ACTIVATIONS[activation](layer(images))
        assert found.shape == expected.shape
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert (made._packed is not None) is (available and packed._is_available())


def test_the_numbers_of_one_size_are_the_same_after_another(layer: nn.Conv2d) -> None:
    made, images = PackedConvolution(layer, "relu"), torch.randn((1, 6, 24, 24))
    with torch.inference_mode():
        first = made(images).clone()
        made(torch.randn((3, 6, 40, 8)))
        assert torch.equal(made(images), first)
