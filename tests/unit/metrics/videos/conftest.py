"""A short video of a photograph that drifts, and what a lossy model makes of it."""

from __future__ import annotations

import pytest
import torch
from skimage import data
from torch import Tensor

FRAMES, SIDE = 5, 48


def as_video(left: int) -> Tensor:
    photo = torch.from_numpy(data.astronaut().copy()).permute(2, 0, 1)
    return torch.stack([photo[:, 60:108, left + 2 * t : left + 2 * t + SIDE] for t in range(FRAMES)])


@pytest.fixture(scope="session")
def pair() -> tuple[Tensor, Tensor]:
    """Prediction and reference, ``uint8 [3,5,3,48,48]``: noise that grows by frame."""
    generator = torch.Generator().manual_seed(0)
    reference = torch.stack([as_video(left) for left in (40, 180, 300)])
    strength = torch.tensor([2.0, 4.0, 8.0, 12.0, 30.0]).view(1, -1, 1, 1, 1)
    noise = torch.randn(reference.shape, generator=generator) * strength
    return (reference + noise).round().clamp(0, 255).to(torch.uint8), reference
