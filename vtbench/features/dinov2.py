"""DINOv2 ViT-L/14, for ``fd_dinov2``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from vtbench.assets.checkpoint import load_checkpoint
from vtbench.assets.hub import hub_file
from vtbench.core.digests import digest_file
from vtbench.core.errors import AdapterError
from vtbench.features.network import NetworkExtractor
from vtbench.features.resizing import pillow_bicubic_float

SIDE = 224
ARCHITECTURE = "vit_large_patch14_dinov2"
REPOSITORY, FILE = "timm/vit_large_patch14_dinov2.lvd142m", "model.safetensors"
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class DinoV2(NetworkExtractor):
    """DINOv2 ViT-L/14 (Oquab et al. 2023): ``pool``, the normalised class token, 1024-d, as Stein et al. 2023 use it.

    The whole image is resized by Pillow's antialiased bicubic to 224×224, scaled to [0, 1] and normalised with
    ImageNet's mean and standard deviation. The network class is timm's, which stretches the learnt 37×37 positions to
    16×16 by antialiased bicubic; the authors' own code does so without antialiasing, so features differ slightly from
    theirs, and the id says whose they are.

    Args:
        weights: local file under timm's names; the hub's unless given.
        model: the network itself, instead of weights.

    Raises:
        AssetMissingError: the weights cannot be had.
        AdapterError: they do not fill the network.
    """

    features: ClassVar[tuple[str, ...]] = ("pool",)
    required_assets: ClassVar[tuple[str, ...]] = ()

    def __init__(self, weights: str | None = None, model: Any = None) -> None:
        fingerprint = "given"
        if model is None:
            file = Path(weights).expanduser() if weights else hub_file(REPOSITORY, FILE)
            model, fingerprint = filled_dinov2(load_checkpoint(file), str(file)), digest_file(file)[:12]
        super().__init__(model, f"dinov2-timm-vitl14-pillowbicubic{SIDE}-{fingerprint}-float32")

    @classmethod
    def check_available(cls) -> None:
        """Raise ``AssetMissingError`` where the default weights cannot be had."""
        hub_file(REPOSITORY, FILE)

    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        return pillow_bicubic_float(images, SIDE).to(device)

    def _forward(self, images: Tensor) -> dict[str, Tensor]:
        mean, std = (torch.tensor(values, device=images.device).view(3, 1, 1) for values in (_MEAN, _STD))
        tokens: Tensor = self._network.forward_features((images / 255.0 - mean) / std)  # type: ignore[operator, unused-ignore]
        return {"pool": tokens[:, 0]}


def filled_dinov2(state: dict[str, Tensor], source: str, architecture: str = ARCHITECTURE) -> Any:
    """timm's network with these tensors, its positions stretched from the side they were learnt at."""
    import timm
    from timm.layers import resample_abs_pos_embed  # type: ignore[attr-defined, unused-ignore]

    with torch.device("meta"):
        model: Any = timm.create_model(architecture, pretrained=False, num_classes=0, img_size=SIDE)
    tensors = dict(state)
    positions, wanted = tensors.get("pos_embed"), model.pos_embed.shape
    if positions is not None and positions.shape != wanted:
        grid = model.patch_embed.grid_size
        tensors["pos_embed"] = resample_abs_pos_embed(positions, new_size=grid, num_prefix_tokens=1)
    try:
        model.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise AdapterError(
            f"{source} does not fill {architecture}: {str(error)[:300]}", "are they timm's names?"
        ) from error
    return model.eval().requires_grad_(False)
