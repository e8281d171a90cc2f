"""Conversions whose published files are too large, or too far away, for a test: the same code on small stand-ins."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from vtbench.assets.conversion import convert
from vtbench.core.errors import VtbenchError


def saved(content) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def test_torchvisions_alexnet_keeps_its_convolutions_and_gains_the_heads():
    import torchvision

    torch.manual_seed(0)
    network = torchvision.models.alexnet(weights=None)
    found = convert("torchvision_lpips_alex", saved(network.state_dict()), "alexnet.pth")
    features = {name: tensor.numpy() for name, tensor in network.state_dict().items() if name.startswith("features.")}
    assert set(found) == set(features) | {f"heads.{k}.weight" for k in range(5)}
    assert all(np.array_equal(found[name], array) for name, array in features.items())
    assert [found[f"heads.{k}.weight"].shape for k in range(5)] == [(1, c, 1, 1) for c in (64, 192, 384, 256, 256)]


def test_another_version_of_a_file_says_which_tensor_it_lacks():
    with pytest.raises(VtbenchError, match=r"x\.pth lacks the tensor 'features\.0\.weight'"):
        convert("torchvision_lpips_vgg", saved({"a": torch.zeros(1)}), "x.pth")
