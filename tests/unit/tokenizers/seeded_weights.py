"""Weights made by a rule from their names, so that golden arrays need no stored weights.

The rule rests on numpy's PCG64 and on names alone: the same in any framework version, and the same for the published
module as for the one under test, whose names are equal.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

GOLDEN = Path(__file__).parents[2] / "golden" / "tokenizers"


def seed_weights(module: Any, seed: int = 0) -> Any:
    """Fill every parameter (no buffer) in place; returns the module.

    Matrices and kernels are normal with variance 1/fan-in, one-dimensional ``weight`` (norms) 1 + 0.1 n, all other
    vectors and scalars 0.1 n.
    """
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(torch.from_numpy(seeded_array(name, tuple(parameter.shape), seed)))
    return module


def seeded_array(name: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """The values of the parameter ``name``, ``float32``."""
    random = np.random.default_rng([seed, zlib.crc32(name.encode())])
    values = random.standard_normal(shape)
    if len(shape) >= 2:
        values /= np.sqrt(np.prod(shape[1:]))
    else:
        values *= 0.1
        values += float(name.endswith("weight"))
    return values.astype(np.float32)


def seeded_images(batch: int, size: int, seed: int = 0) -> torch.Tensor:
    """``float32 [B,3,size,size]`` in [0, 1]: smooth shapes with some noise, as pictures have."""
    random = np.random.default_rng([seed, batch, size])
    coarse = torch.from_numpy(random.random((batch, 3, 4, 4)).astype(np.float32))
    smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=False)
    noise = torch.from_numpy(random.random((batch, 3, size, size)).astype(np.float32))
    return (0.8 * smooth + 0.2 * noise).clamp(0, 1)


def noise_images(batch: int, size: int, seed: int = 0) -> torch.Tensor:
    """``float32 [B,3,size,size]`` in [0, 1]: independent pixels, for networks to which smooth patches look alike."""
    random = np.random.default_rng([seed, batch, size, 1])
    return torch.from_numpy(random.random((batch, 3, size, size)).astype(np.float32))


def golden(name: str) -> dict[str, np.ndarray]:
    """Arrays of ``tests/golden/tokenizers/NAME.npz``, made by the published code with the same weights and images."""
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as arrays:
        return dict(arrays)
