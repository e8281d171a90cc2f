"""The five networks beside Inception that FDr is defined on, by timm, as ``Jiawei-Yang/FD-loss@5c03b81`` uses them.

All resize the whole image in float by PyTorch's antialiased bicubic, not clipped, and normalise as timm says of their
weights. The authors run them under bfloat16 autocast; here they run in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from vtbench.assets.checkpoint import load_checkpoint
from vtbench.assets.hub import hub_file
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.features.network import IMAGENET_MEAN, IMAGENET_STD, NetworkExtractor, filled, standardised

_FILE = "model.safetensors"


class Tower(NetworkExtractor):
    """A network of timm's as an extractor: ``pool``.

    Args:
        weights: local file of timm's; the hub's unless given.
        model: the network itself, instead of weights.

    Raises:
        AssetMissingError: the weights cannot be had.
        AdapterError: they do not fill the network.
    """

    features: ClassVar[tuple[str, ...]] = ("pool",)
    required_assets: ClassVar[tuple[str, ...]] = ()
    network: ClassVar[str]
    """timm's name, with the tag of the weights."""
    side: ClassVar[int]
    mean: ClassVar[tuple[float, ...]] = IMAGENET_MEAN
    std: ClassVar[tuple[float, ...]] = IMAGENET_STD

    def __init__(self, weights: str | None = None, model: Any = None) -> None:
        fingerprint = "given"
        if model is None:
            file = user_path(weights) if weights else hub_file(f"timm/{self.network}", _FILE)
            model, fingerprint = filled_tower(self.network, load_checkpoint(file), str(file)), digest_file(file)[:12]
        super().__init__(model, f"{self.network}-bicubic{self.side}-{fingerprint}-float32")

    @classmethod
    def check_available(cls) -> None:
        """Raise ``AssetMissingError`` where the default weights cannot be had."""
        hub_file(f"timm/{cls.network}", _FILE)

    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        placed, sides = images.to(device).float(), (self.side, self.side)
        if placed.shape[-2:] == sides:
            return placed
        return F.interpolate(placed, sides, mode="bicubic", align_corners=False, antialias=True)

    def _forward(self, images: Tensor) -> dict[str, Tensor]:
        pixels = standardised(images / 255.0, self.mean, self.std)
        return {"pool": self._pooled(self._network.forward_features(pixels))}  # type: ignore[operator, unused-ignore]

    def _pooled(self, found: Tensor) -> Tensor:
        """What ``forward_features`` gives, as one vector an image: the class token."""
        return found[:, 0]


class ConvNextV2Base(Tower):
    """ConvNeXt V2-B, FCMAE and ImageNet-22k, then 1k (Woo et al. 2023), at 224: the last map's mean, 1024-d."""

    network = "convnextv2_base.fcmae_ft_in22k_in1k"
    side = 224
    widths: ClassVar[Mapping[str, int]] = {"pool": 1024}

    def _pooled(self, found: Tensor) -> Tensor:
        return found.mean(dim=(2, 3))


class DinoV2At256(Tower):
    """DINOv2 ViT-L/14 at 256, padded to 266 below and on the right, positions stretched by timm: class token."""

    network = "vit_large_patch14_dinov2.lvd142m"
    side = 256
    widths: ClassVar[Mapping[str, int]] = {"pool": 1024}


class Mae(Tower):
    """MAE ViT-L/16 (He et al. 2022), not fine-tuned, at 224: class token, 1024-d."""

    network = "vit_large_patch16_224.mae"
    side = 224
    widths: ClassVar[Mapping[str, int]] = {"pool": 1024}


class ClipClassAt256(Tower):
    """CLIP ViT-L/14 of OpenAI by timm at 256, padded to 266: normalised class token before the projection, 1024-d."""

    network = "vit_large_patch14_clip_224.openai"
    side = 256
    widths: ClassVar[Mapping[str, int]] = {"pool": 1024}
    mean = (0.48145466, 0.4578275, 0.40821073)
    std = (0.26862954, 0.26130258, 0.27577711)


class SigLip2At224(Tower):
    """SigLIP 2 So400m/16 (Tschannen et al. 2025), trained at 256, at 224: its attention pooling, 1152-d."""

    network = "vit_so400m_patch16_siglip_256.v2_webli"
    side = 224
    widths: ClassVar[Mapping[str, int]] = {"pool": 1152}
    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)

    def _pooled(self, found: Tensor) -> Tensor:
        pooled: Tensor = self._network.pool(found)  # type: ignore[operator, unused-ignore]
        return pooled


def made_tower(network: str, **geometry: Any) -> Any:
    """timm's network without weights or classifier; a vision transformer takes images of any size, padding them.

    Args:
        network: timm's name.
        geometry: what departs from it, for a smaller twin.
    """
    import timm

    if network.startswith("vit_"):
        geometry = {"dynamic_img_size": True, "dynamic_img_pad": True, **geometry}
    return timm.create_model(network, pretrained=False, num_classes=0, **geometry)


def filled_tower(network: str, state: Mapping[str, Tensor], source: str, **geometry: Any) -> Any:
    """timm's network with these tensors; those of its classifier are left out.

    Raises:
        AdapterError: the tensors do not fill it.
    """
    with torch.device("meta"):
        model = made_tower(network, **geometry)
    classifier = f"{model.pretrained_cfg.get('classifier') or 'head'}."
    tensors = {name: tensor.float() for name, tensor in state.items() if not name.startswith(classifier)}
    return filled(model, tensors, source, network, "give timm's file")
