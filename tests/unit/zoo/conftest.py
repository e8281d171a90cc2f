"""Images that recipes of the zoo are tried on."""

from __future__ import annotations

import pytest
import torch

from vtbench.zoo.images import FitImages


@pytest.fixture(scope="session")
def images() -> FitImages:
    """Smooth pictures, each of a colour and a slope of its own."""
    draw = torch.Generator().manual_seed(0)
    slopes = torch.linspace(-1, 1, 32)
    level, along, down = (torch.rand(8, 3, 1, 1, generator=draw) for _ in range(3))
    pictures = 255 * (0.25 + 0.5 * level + 0.2 * along * slopes + 0.2 * down * slopes[:, None]).clamp(0, 1)
    return FitImages(pictures.byte(), torch.arange(8) % 2, "drawn")
