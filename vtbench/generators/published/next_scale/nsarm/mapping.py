"""From the latents of a small image to the bits of the first scales, under the names of NSARM's file."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

STEM = (64, 128)
GROWTH = 4


@dataclass(frozen=True, kw_only=True)
class MappedScale:
    """What makes one scale.

    Attributes:
        side: of the scale, in latents.
        width: channels.
        layers: of its transformer.
        heads: divide the width.
    """

    side: int
    width: int
    layers: int
    heads: int


@dataclass(frozen=True, kw_only=True)
class MapGeometry:
    """Sizes of the network.

    Attributes:
        channels: of a latent.
        side: of the small image, in latents.
        scales: that it makes, the coarsest first.
        stem: channels of the layers that all scales share.
    """

    channels: int
    side: int
    scales: tuple[MappedScale, ...]
    stem: tuple[int, int] = STEM


PUBLISHED = MapGeometry(
    channels=14,
    side=32,
    scales=(
        MappedScale(side=2, width=64, layers=4, heads=4),
        MappedScale(side=4, width=128, layers=6, heads=4),
        MappedScale(side=8, width=256, layers=8, heads=8),
        MappedScale(side=12, width=384, layers=10, heads=8),
        MappedScale(side=16, width=512, layers=12, heads=8),
        MappedScale(side=24, width=768, layers=14, heads=12),
        MappedScale(side=32, width=1024, layers=16, heads=16),
    ),
)
TINY = MapGeometry(
    channels=6,
    side=4,
    scales=tuple(MappedScale(side=side, width=8, layers=1, heads=2) for side in (1, 2, 4)),
    stem=(8, 8),
)


class ScaleMap(nn.Module):
    """Latents of a small image to bits.

    Names: ``feature_extractor``, and by scale ``feature_transforms``, ``transformers``, ``output_projs``.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: MapGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        channels, side, scales = geometry.channels, geometry.side, geometry.scales
        self.feature_extractor = _convolutions((channels, *geometry.stem, channels), side)
        self.feature_transforms = nn.ModuleList(
            _convolutions((channels, scale.width // 2, scale.width), side) for scale in scales
        )
        self.transformers = nn.ModuleList(_transformer(scale) for scale in scales)
        self.output_projs = nn.ModuleList(_projection(scale.width, channels) for scale in scales)

    def forward(self, latents: Tensor) -> list[Tensor]:
        """``float32 [B,C,side,side]`` to values of each scale, ``[B,C,s,s]``, whose signs are its bits.

        The values of a place lie side by side when they leave the network, and are read as a map a channel all the
        same: so the published network was trained.
        """
        features = self.feature_extractor(latents)
        found = []
        for number, scale in enumerate(self.geometry.scales):
            pooled = F.adaptive_avg_pool2d(self.feature_transforms[number](features), scale.side)
            places = self.transformers[number](pooled.flatten(2).transpose(1, 2))
            values: Tensor = self.output_projs[number](places)
            found.append(values.reshape(len(latents), -1, scale.side, scale.side))
        return found

    def bits(self, latents: Tensor, patch: int) -> list[Tensor]:
        """The same to bits of tokens, ``int64 [B,T,p²·C]``, channel 0 first."""
        return [F.pixel_unshuffle(values, patch).gt(0).flatten(2).transpose(1, 2).long() for values in self(latents)]


def _convolutions(channels: tuple[int, ...], side: int) -> nn.Sequential:
    """Each is followed by a norm over all of the map, and a GELU."""
    layers: list[nn.Module] = []
    for narrow, wide in pairwise(channels):
        layers += [nn.Conv2d(narrow, wide, 3, padding=1), nn.LayerNorm([wide, side, side]), nn.GELU()]
    return nn.Sequential(*layers)


def _transformer(scale: MappedScale) -> nn.TransformerEncoder:
    layer: Any = nn.TransformerEncoderLayer(scale.width, scale.heads, GROWTH * scale.width, batch_first=True)
    return nn.TransformerEncoder(layer, scale.layers)


def _projection(width: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, width // 2), nn.LayerNorm(width // 2), nn.GELU(), nn.Linear(width // 2, channels)
    )
