"""Small pixels as features: what copies of whole images have in common before any network looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from vtbench.features.network import NetworkExtractor
from vtbench.features.resizing import antialiased_bicubic

SIDE = 32


class Pixels32(NetworkExtractor):
    """The whole image as RGB of 32×32 (antialiased bicubic, aspect ratio not kept) in [0, 1]: ``pool``, 3072-d.

    There is no network. A squared distance is 3072 times the mean squared error of the small images.
    """

    features: ClassVar[tuple[str, ...]] = ("pool",)
    widths: ClassVar[Mapping[str, int]] = {"pool": 3 * SIDE * SIDE}
    required_assets: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__(_Flat(), f"pixels{SIDE}-bicubic-float32")

    def _resize(self, images: Tensor, device: torch.device) -> Tensor:
        return antialiased_bicubic(images.to(device), SIDE)

    def _forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"pool": self._network(images)}


class _Flat(nn.Module):
    """``float32 [B,3,h,w]`` in [0, 255] to ``[B,3hw]`` in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(255.0), requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        return (images / self.scale).flatten(1)
