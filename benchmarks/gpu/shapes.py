"""Networks of the real shapes with seeded random weights: speed does not depend on what the weights are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
import torchvision
from networks import seeded_inception
from torch import Tensor, nn

from vtbench.core.contracts import FeatureExtractor, ImageMetric
from vtbench.features.clip.extractors import ClipL14
from vtbench.features.inception import InceptionTF
from vtbench.metrics.images.lpips import LpipsAlex
from vtbench.metrics.images.pixel import Psnr
from vtbench.metrics.images.ssim import MsSsim, Ssim

ALEX_CHANNELS = (64, 192, 384, 256, 256)
CLIP_L14 = {"image_size": 224, "patch_size": 14, "width": 1024, "layers": 24, "heads": 16, "output_dim": 768}
CLIP_TINY = {"image_size": 224, "patch_size": 56, "width": 32, "layers": 1, "heads": 2, "output_dim": 768}


def alexnet() -> nn.Sequential:
    """torchvision's convolutions."""
    torch.manual_seed(0)
    made: nn.Sequential = torchvision.models.AlexNet().features
    return made.eval().requires_grad_(False)


def lpips_alex() -> LpipsAlex:
    """Random convolutions, and heads that count every channel alike."""
    tensors = {f"features.{name}": tensor for name, tensor in alexnet().state_dict().items()}
    heads = {f"heads.{k}.weight": torch.full((1, n, 1, 1), 1 / n) for k, n in enumerate(ALEX_CHANNELS)}
    return LpipsAlex(tensors | heads)


def clip_tower(tiny: bool) -> nn.Module:
    """open_clip's image tower of ViT-L/14."""
    from open_clip.transformer import VisionTransformer

    torch.manual_seed(0)
    shape: dict[str, Any] = CLIP_TINY if tiny else CLIP_L14
    return VisionTransformer(mlp_ratio=4.0, **shape).eval().requires_grad_(False)


def image_metrics(device: torch.device) -> dict[str, ImageMetric]:
    """Under the names of the task."""
    return {"psnr": Psnr(), "ssim": Ssim(), "ms_ssim": MsSsim(), "lpips_alex": lpips_alex().to(device=device)}


def extractors(device: torch.device, tiny: bool) -> dict[str, FeatureExtractor]:
    """Inception behind TensorFlow's resize, CLIP behind Pillow's."""
    clip = ClipL14(model=SimpleNamespace(visual=clip_tower(tiny)))
    return {"inception_tf": InceptionTF(seeded_inception()).to(device=device), "clip": clip.to(device=device)}


def pool(count: int, side: int) -> tuple[Tensor, Tensor]:
    """References and predictions, ``uint8 [count,3,side,side]``: smooth noise, and the same with some more on it."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, side // 8, side // 8, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear").mul(255)
    noisy = smooth + torch.randn(smooth.shape, generator=generator).mul(6)
    return smooth.round().to(torch.uint8), noisy.round().clamp(0, 255).to(torch.uint8)
