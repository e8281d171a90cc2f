"""A training loop with evaluations in it ends where it ends without them, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import vtbench

STEPS = 6
TASK = """
name: while-training
version: 1
kind: reconstruction
summary: Cheap metrics, one with a network.
preprocess: {preset: native@1}
image_metrics: [psnr, ssim]
set_metrics: [fd_efflite0]
block_size: 4
"""


class Autoencoder(nn.Module):
    """With everything that behaves otherwise in training: dropout, batch norm, and a part that is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.encode_ = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout2d(0.2))
        self.decode_ = nn.Sequential(nn.ConvTranspose2d(8, 3, 4, 4), nn.Sigmoid())
        self.frozen = nn.Conv2d(3, 3, 1).requires_grad_(False)
        self.frozen.eval()
        self._position: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor:
        if self._position is None or self._position.shape[-1] != images.shape[-1]:
            # Made when first needed, as rotary tables are: an inference tensor here would stop the next backward pass.
            self._position = torch.linspace(0, 0.01, images.shape[-1])
        return self.decode_(self.encode_(images + self._position)) + 0 * self.frozen(images)


def train(
    task: str, images: Tensor, measure_at: tuple[int, ...]
) -> tuple[dict[str, Tensor], dict[str, Any], list[float]]:
    """Weights, state of the optimizer and PSNR of the evaluations."""
    torch.manual_seed(3)
    np.random.seed(3)
    model = Autoencoder().train()
    model.frozen.eval()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    found: list[float] = []
    evaluator = vtbench.Evaluator(task, data=images, limit=8)
    for step in range(STEPS):
        batch = images[torch.randint(len(images), (4,))].float() / 255
        loss = (model(batch + 0.01 * torch.randn_like(batch)) - batch).square().mean() + float(np.random.rand())
        optimizer.zero_grad()
        loss.backward()
        if step in measure_at:  # between the backward pass and the step: gradients must survive
            found.append(evaluator(vtbench.reconstructor(lambda x: model(x), name=f"step-{step}")).value("psnr"))
        optimizer.step()
    evaluator.close()
    return model.state_dict(), optimizer.state_dict(), found


@pytest.fixture
def task(tmp_path: Path) -> str:
    path = tmp_path / "while-training.yaml"
    path.write_text(TASK, encoding="utf-8")
    return str(path)


def test_weights_are_the_same_bit_for_bit_with_two_evaluations_in_between(task: str) -> None:
    images = torch.randint(0, 256, (12, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    plain, of_plain, _ = train(task, images, ())
    measured, of_measured, found = train(task, images, (1, 4))
    assert len(found) == 2 and found[0] != found[1]
    assert plain.keys() == measured.keys()
    for name, weights in plain.items():
        assert torch.equal(weights, measured[name]), name
    for key, state in of_plain["state"].items():
        for name, value in state.items():
            assert torch.equal(value, of_measured["state"][key][name]), (key, name)
