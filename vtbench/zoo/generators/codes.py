"""Codes of all images and of their mirror images, made once before a fit and held in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from vtbench.core.codes import Codes

if TYPE_CHECKING:
    from torch import Tensor

_AT_ONCE = 250


@dataclass(frozen=True, eq=False)
class ImageCodes:
    """Of N images, then of their N mirror images.

    Attributes:
        levels: of a codebook, ``int32 [2N,…]`` each; one, or one a scale.
        latents: of none, ``float32 [2N,C,h,w]``.
    """

    levels: tuple[Tensor, ...] = ()
    latents: Tensor | None = None

    def __len__(self) -> int:
        return len(self.levels[0] if self.latents is None else self.latents) // 2

    def at(self, images: Tensor, mirrored: Tensor, device: torch.device) -> ImageCodes:
        """Those of a batch: images ``int64 [B]``, of which some are mirrored, ``bool [B]``."""
        rows = images + len(self) * mirrored
        latents = None if self.latents is None else self.latents[rows].to(device)
        return ImageCodes(tuple(level[rows].to(device).long() for level in self.levels), latents)


def codes_of(
    tokenizer: Any, pixels: Tensor, device: torch.device, tell: Callable[[int], None] = lambda _: None
) -> ImageCodes:
    """Encode images ``uint8 [N,3,H,W]`` and their mirror images.

    Args:
        tokenizer: discrete, or of latents.
        pixels: the images.
        device: of the tokenizer.
        tell: is told how many images more are encoded, of 2N.
    """
    parts: list[Codes] = []
    with torch.inference_mode():
        for whole in (pixels, pixels.flip(-1)):
            for images in torch.split(whole, _AT_ONCE):
                parts.append(tokenizer.encode(images.to(device).float() / 255))
                tell(len(images))
        if parts[0].latents is not None:
            found = torch.cat([part.latents.float().cpu() for part in parts if part.latents is not None])
            return ImageCodes(latents=found.clone())
        levels = zip(*(part.levels for part in parts), strict=True)
        return ImageCodes(tuple(torch.cat(level).int().cpu() for level in levels))
