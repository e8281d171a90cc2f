"""CLIP image embeddings, for ``fd_clip`` and ``cmmd``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from vtbench.features.clip.model import clip_file, load_clip, standardised
from vtbench.features.network import NetworkExtractor
from vtbench.features.resizing import pillow_bicubic_float, square_bicubic_8bit


class ClipL14(NetworkExtractor):
    """CLIP ViT-L/14 (Radford et al. 2021): ``pool``, the projected image embedding scaled to length 1, 768-d.

    The whole image is resized by Pillow's antialiased bicubic to 224×224 (aspect ratio not kept), scaled to [0, 1] and
    normalised with OpenAI's mean and standard deviation. The network class is open_clip's.

    Args:
        weights: local file as open_clip saves it (safetensors, or a PyTorch file of tensors alone); the hub's unless
            given.
        model: the network itself, instead of weights.

    Raises:
        AssetMissingError: the weights cannot be had.
        AdapterError: they do not fill the network.
    """

    features: ClassVar[tuple[str, ...]] = ("pool",)
    widths: ClassVar[Mapping[str, int]] = {"pool": 768}
    required_assets: ClassVar[tuple[str, ...]] = ()
    variant: ClassVar[str] = "ViT-L-14"
    side: ClassVar[int] = 224
    resize: ClassVar[str] = "pillowbicubic"

    def __init__(self, weights: str | None = None, model: Any = None) -> None:
        fingerprint = "given"
        if model is None:
            model, fingerprint = load_clip(self.variant, weights)
        super().__init__(model.visual, f"clip-{self.variant}-{self.resize}{self.side}-{fingerprint}-float32")

    @classmethod
    def check_available(cls) -> None:
        """Raise ``AssetMissingError`` where the default weights cannot be had."""
        clip_file(cls.variant, None)

    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        return pillow_bicubic_float(images.to(device), self.side)

    def _forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"pool": F.normalize(self._network(standardised(images)).float(), dim=-1)}


class ClipL14At336(ClipL14):
    """The same at 336×336, its own training size: what CMMD is defined on (Jayasumana et al. 2024)."""

    variant = "ViT-L-14-336"
    side = 336


class ClipL14At336Square(ClipL14At336):
    """The same of the largest centred square, resized on ``uint8``: what CMMD's authors feed the network.

    Their reader (``google-research/google-research@5b09c22``, cmmd) crops, then resizes by Pillow's bicubic. Of square
    images only the rounding to 8 bits differs from :class:`ClipL14At336`.
    """

    resize = "square-pillowbicubic8bit"

    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        return square_bicubic_8bit(images, self.side).to(device)
