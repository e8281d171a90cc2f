"""DISTS against the paper's formula in its own form, and pinned on pictures of scikit-image."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image, ImageFilter
from skimage import data

from vtbench import assets
from vtbench.metrics.images.dists import CHANNELS, DEVIATION, MEAN, Dists

PINNED = {"jpeg": 0.2529252, "blur": 0.2870726, "noise": 0.2861919, "shift": 0.0974621}


@pytest.fixture(scope="module")
def tensors() -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    for name in Dists.required_assets:
        if os.environ.get("VTBENCH_OFFLINE") == "1" and not assets.status(name).available:
            pytest.skip(f"{name} is not at hand, and VTBENCH_OFFLINE=1")
    network, weights = (assets.load_tensors(name) for name in Dists.required_assets)
    return network, weights


@pytest.fixture(scope="module")
def metric(tensors: tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]) -> Dists:
    return Dists(*tensors)


def photo() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[40:136, 180:276])


def distorted() -> dict[str, np.ndarray]:
    image = photo()
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=10)
    noise = np.random.default_rng(0).normal(0, 20, image.shape)
    return {
        "jpeg": np.asarray(Image.open(buffer)),
        "blur": np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(2))),
        "noise": np.clip(np.rint(image + noise), 0, 255).astype(np.uint8),
        "shift": np.roll(image, 3, axis=1),
    }


def batch(*images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def of_the_paper(
    x: torch.Tensor, y: torch.Tensor, network: dict[str, torch.Tensor], weights: dict[str, torch.Tensor]
) -> torch.Tensor:
    """Equations 5 to 7 term by term in float64, on torchvision's own VGG16."""
    layers = torchvision.models.vgg16(weights=None).features
    layers.load_state_dict({k.removeprefix("features."): v for k, v in network.items() if k.startswith("features")})
    layers = layers.double().eval()
    hann = torch.tensor(np.outer(np.hanning(5)[1:-1], np.hanning(5)[1:-1]))
    hann = hann / hann.sum()

    def stages(images: torch.Tensor) -> list[torch.Tensor]:
        pixels = images.double() / 255
        mean, deviation = (torch.tensor(v, dtype=torch.float64).view(1, 3, 1, 1) for v in (MEAN, DEVIATION))
        maps, found = (pixels - mean) / deviation, [pixels]
        for layer in layers[:30]:
            if isinstance(layer, torch.nn.MaxPool2d):
                found.append(maps)
                kernel = hann.expand(maps.shape[1], 1, 3, 3)
                pooled = F.conv2d(maps**2, kernel, stride=2, padding=1, groups=maps.shape[1])
                maps = (pooled + 1e-12).sqrt()
            else:
                maps = layer(maps)
        return [*found, maps]

    total = weights["alpha"].double().sum() + weights["beta"].double().sum()
    alpha, beta = (torch.split(weights[n].double().flatten() / total, CHANNELS) for n in ("alpha", "beta"))
    score = torch.ones(len(x), dtype=torch.float64)
    for k, (f, g) in enumerate(zip(stages(x), stages(y), strict=True)):
        mf, mg = f.mean((2, 3)), g.mean((2, 3))
        vf, vg = f.var((2, 3), unbiased=False), g.var((2, 3), unbiased=False)
        covariance = (f * g).mean((2, 3)) - mf * mg
        score -= (alpha[k] * (2 * mf * mg + 1e-6) / (mf**2 + mg**2 + 1e-6)).sum(1)
        score -= (beta[k] * (2 * covariance + 1e-6) / (vf + vg + 1e-6)).sum(1)
    return score


@torch.inference_mode()
def test_it_is_the_papers_formula(
    metric: Dists, tensors: tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]
) -> None:
    predictions = batch(*(distorted()[name] for name in ("jpeg", "shift")))
    references = batch(photo()).expand(2, -1, -1, -1)
    expected = of_the_paper(predictions, references, *tensors)
    torch.testing.assert_close(metric(predictions, references), expected, atol=2e-6, rtol=0)


def test_values_on_a_photograph(metric: Dists) -> None:
    for name, image in distorted().items():
        assert metric(batch(image), batch(photo())).item() == pytest.approx(PINNED[name], abs=2e-6), name


def test_equal_images_are_exactly_0_apart_and_the_order_does_not_matter(metric: Dists) -> None:
    original, other = batch(photo()), batch(distorted()["blur"])
    assert metric(original, original).item() == 0.0
    assert metric(original, other).item() == pytest.approx(metric(other, original).item(), abs=1e-9)


def test_a_batch_is_its_images(metric: Dists) -> None:
    x = batch(*distorted().values())
    y = batch(photo()).expand(len(x), -1, -1, -1)
    alone = [metric(a[None], b[None]).item() for a, b in zip(x, y, strict=True)]
    assert metric(x, y).tolist() == alone
    assert metric(x[:0], y[:0]).shape == (0,)
    small = torch.randint(0, 256, (9, 3, 40, 52), dtype=torch.uint8)
    assert metric(small, small.flip(0)).tolist() == [
        metric(small[i : i + 1], small[8 - i : 9 - i]).item() for i in range(9)
    ]


def test_texture_moved_costs_less_than_texture_lost(metric: Dists) -> None:
    grass = np.repeat(data.grass()[:, :, None], 3, axis=2)
    here, there = (np.ascontiguousarray(grass[a : a + 128, a : a + 128]) for a in (0, 200))
    lost = np.asarray(Image.fromarray(here).filter(ImageFilter.GaussianBlur(2)))
    moved, gone = (metric(batch(image), batch(here)).item() for image in (there, lost))
    errors = [np.mean((image.astype(float) - here) ** 2) for image in (there, lost)]
    assert moved < 0.8 * gone and errors[0] > 2 * errors[1]
