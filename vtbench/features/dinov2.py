"""DINOv2 ViT-L/14, for ``fd_dinov2``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from vtbench.assets.checkpoint import load_checkpoint
from vtbench.assets.hub import hub_file
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.features.network import NetworkExtractor, filled, standardised
from vtbench.features.resizing import pillow_bicubic_8bit, pillow_bicubic_float

SIDE = 224
ARCHITECTURE = "vit_large_patch14_dinov2"
REPOSITORY, FILE = "timm/vit_large_patch14_dinov2.lvd142m", "model.safetensors"
_OFFSET = 0.1


class DinoV2(NetworkExtractor):
    """DINOv2 ViT-L/14 (Oquab et al. 2023): ``pool``, the normalised class token, 1024-d, as Stein et al. 2023 use it.

    The whole image is resized by Pillow's antialiased bicubic to 224×224, in float, scaled to [0, 1] and normalised
    with ImageNet's mean and standard deviation. The network class is timm's; the 37×37 positions it learnt are brought
    to 16×16 as the authors' own code does it (:func:`authors_positions`), not as timm would.

    Args:
        weights: local file: the authors' ``dinov2_vitl14_pretrain.pth``, or timm's; timm's on the hub unless given.
        model: the network itself, instead of weights.

    Raises:
        AssetMissingError: the weights cannot be had.
        AdapterError: they do not fill the network.
    """

    features: ClassVar[tuple[str, ...]] = ("pool",)
    widths: ClassVar[Mapping[str, int]] = {"pool": 1024}
    required_assets: ClassVar[tuple[str, ...]] = ()
    resize: ClassVar[str] = "pillowbicubic"

    def __init__(self, weights: str | None = None, model: Any = None) -> None:
        fingerprint = "given"
        if model is None:
            file = user_path(weights) if weights else hub_file(REPOSITORY, FILE)
            model, fingerprint = filled_dinov2(load_checkpoint(file), str(file)), digest_file(file)[:12]
        super().__init__(model, f"dinov2-vitl14-{self.resize}{SIDE}-{fingerprint}-float32")

    @classmethod
    def check_available(cls) -> None:
        """Raise ``AssetMissingError`` where the default weights cannot be had."""
        hub_file(REPOSITORY, FILE)

    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        return pillow_bicubic_float(images.to(device), SIDE)

    def _forward(self, images: Tensor) -> dict[str, Tensor]:
        tokens: Tensor = self._network.forward_features(standardised(images / 255.0))  # type: ignore[operator, unused-ignore]
        return {"pool": tokens[:, 0]}


class DinoV2Of8Bit(DinoV2):
    """The same with the resized picture rounded to 8 bits, as torchvision's ``Resize`` leaves it.

    dgm-eval's default (``layer6ai-labs/dgm-eval@74c79f7``); the float resize of :class:`DinoV2` is its
    ``--clean_resize``.
    """

    resize = "pillowbicubic8bit"

    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        return pillow_bicubic_8bit(images, SIDE).to(device)


def filled_dinov2(state: dict[str, Tensor], source: str, architecture: str = ARCHITECTURE) -> Any:
    """timm's network with these tensors, its positions brought from the side they were learnt at.

    Raises:
        AdapterError: the tensors do not fill it.
    """
    import timm

    with torch.device("meta"):
        model: Any = timm.create_model(architecture, pretrained=False, num_classes=0, img_size=SIDE)
    # what replaces masked patches in training: the authors' files have it, timm's network does not
    tensors = {name: tensor for name, tensor in state.items() if name != "mask_token"}
    positions, wanted = tensors.get("pos_embed"), model.pos_embed.shape
    if positions is not None and positions.shape != wanted:
        tensors["pos_embed"] = authors_positions(positions, model.patch_embed.grid_size[0])
    return filled(model, tensors, source, architecture, "give the authors' file, or timm's")


def authors_positions(positions: Tensor, side: int) -> Tensor:
    """``[1,1+n²,D]`` to ``[1,1+side²,D]``: bicubic without antialiasing, by the scale ``(side + 0.1) / n``.

    The tenth guards against a side rounded down, and moves the sampling points a little: published features have it.
    """
    token, patches = positions[:, :1].float(), positions[:, 1:].float()
    n = math.isqrt(patches.shape[1])
    scale = (side + _OFFSET) / n
    grid = patches.reshape(1, n, n, -1).permute(0, 3, 1, 2)
    stretched = F.interpolate(grid, scale_factor=(scale, scale), mode="bicubic", antialias=False)
    return torch.cat([token, stretched.flatten(2).transpose(1, 2)], dim=1)
