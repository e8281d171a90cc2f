"""Weights of I3D that need no download."""

from __future__ import annotations

import torch
from torch import Tensor

from vtbench.features.i3d_layers import InceptionI3d


def random_state() -> dict[str, Tensor]:
    """Seeded weights of the network's shapes, under canonical names; features do not die out."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in InceptionI3d().state_dict().items()}
    state: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        unit, _, part = name.replace("trunk.", "").replace(".convolution", "").rpartition(".")
        if part == "weight":
            state[f"{unit}.weight"] = torch.randn(shape, generator=generator) * (2 / shape[1:].numel()) ** 0.5
        else:
            state |= {f"{unit}.{of}": torch.randn(shape, generator=generator) / 5 for of in ("bias", "mean")}
            state[f"{unit}.var"] = torch.rand(shape, generator=generator) + 0.5
    return state
