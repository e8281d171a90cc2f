"""Photographs to extract features from, and seeded weights for a network whose real ones need a download."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data
from sklearn.datasets import load_sample_image
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

SIDE = 256


def as_image(pixels: np.ndarray) -> Tensor:
    """``[H,W,3]`` to ``uint8 [3,H,W]``."""
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).contiguous()


@pytest.fixture(scope="session")
def photographs() -> dict[str, Tensor]:
    """Whole photographs, ``uint8 [3,H,W]``."""
    names = ("astronaut", "chelsea", "coffee", "rocket")
    pictures = {name: as_image(getattr(data, name)()) for name in names}
    return pictures | {name: as_image(load_sample_image(f"{name}.jpg")) for name in ("china", "flower")}


@pytest.fixture(scope="session")
def crops(photographs: dict[str, Tensor]) -> Tensor:
    """Two crops a photograph, from opposite corners: ``uint8 [12,3,256,256]``."""
    corners = ((slice(0, SIDE), slice(0, SIDE)), (slice(-SIDE, None), slice(-SIDE, None)))
    return torch.stack([picture[:, rows, columns] for picture in photographs.values() for rows, columns in corners])


class _Unloaded(FeatureExtractorInceptionV3):
    """torch-fidelity's network before it reads any file."""

    def load_state_dict(self, *_: object, **__: object) -> None:  # type: ignore[override]
        return None


@pytest.fixture(scope="session")
def inception_state() -> dict[str, Tensor]:
    """Seeded weights: Kaiming, since PyTorch's default initialisation collapses the features to one point."""
    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    network = _Unloaded("unloaded", ["2048"], feature_extractor_weights_path=nothing)
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in (
                (module.running_mean, -0.2, 0.2),
                (module.running_var, 0.6, 1.4),
                (module.weight, 0.8, 1.2),
                (module.bias, -0.2, 0.2),
            ):
                tensor.data.uniform_(low, high, generator=generator)
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.fixture(scope="session")
def torch_fidelity_inception(
    inception_state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory
) -> FeatureExtractorInceptionV3:
    """torch-fidelity's own extractor, loaded from a file as it always is."""
    path: Path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(inception_state, path)
    wanted = ["2048", "logits_unbiased"]
    return FeatureExtractorInceptionV3("inception-v3-compat", wanted, feature_extractor_weights_path=str(path))
