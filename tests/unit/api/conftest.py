"""Small images and quick tasks for the Python door."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

QUICK = """
name: quick
version: 1
kind: reconstruction
summary: Pixels as they are; two metrics without a network.
preprocess: {preset: native@1}
image_metrics: [psnr, mae]
block_size: 4
table: [psnr, mae]
"""


@pytest.fixture
def quick(tmp_path: Path) -> str:
    """The path of a task that takes milliseconds."""
    path = tmp_path / "quick.yaml"
    path.write_text(QUICK, encoding="utf-8")
    return str(path)


@pytest.fixture
def images() -> Tensor:
    """Smooth ``uint8 [10,3,32,40]``, each another."""
    low = torch.rand(10, 3, 4, 5, generator=torch.Generator().manual_seed(7))
    return (torch.nn.functional.interpolate(low, size=(32, 40), mode="bilinear") * 255).round().to(torch.uint8)
