"""The networks that all contenders share: Inception with seeded random weights, AlexNet with the weights of LPIPS.

Speed does not depend on what the weights are, and the trained Inception is on no package index. Kaiming initialisation
keeps the features apart; the default one would collapse them to a point.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
import torchvision
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from vtbench import assets


class _Unloaded(FeatureExtractorInceptionV3):
    """The network as its constructor leaves it, before any weights."""

    def __init__(self) -> None:
        empty = io.BytesIO()
        torch.save({}, empty)
        empty.seek(0)
        super().__init__("unloaded", ["2048"], feature_extractor_weights_path=empty)

    def load_state_dict(self, *_: Any, **__: Any) -> None:
        return None


def seeded_inception(seed: int = 0) -> dict[str, Tensor]:
    """Weights for torch-fidelity's Inception, the same for every contender."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = _Unloaded()
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d) and module.running_var is not None:
                module.running_var.uniform_(0.8, 1.25)
    return dict(network.state_dict())


def save_weights(state: dict[str, Tensor], folder: Path) -> Path:
    """The file that torchmetrics and torch-fidelity take by path."""
    path = folder / "inception.pth"
    torch.save(state, path)
    return path


def lpips_backbone() -> nn.Sequential:
    """torchvision's AlexNet convolutions with the verified weights of LPIPS."""
    state = {name: tensor for name, tensor in assets.load_tensors("lpips_alex").items() if name.startswith("features.")}
    features: nn.Sequential = torchvision.models.AlexNet().features
    features.load_state_dict({name.removeprefix("features."): tensor for name, tensor in state.items()})
    return features.eval().requires_grad_(False)


@contextmanager
def torchvision_without_download() -> Iterator[None]:
    """While open, torchmetrics gets its AlexNet from here instead of torchvision's download."""
    with patch("torchmetrics.functional.image.lpips._get_tv_model_features", lambda *_, **__: lpips_backbone()):
        yield
