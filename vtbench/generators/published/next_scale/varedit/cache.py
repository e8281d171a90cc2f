"""Keys and values of a source image before those of the scales; block 0 sees the source at the sides of the scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.next_scale.infinity.schedules import Sides
    from vtbench.networks.next_scale.attention import ScaleCache


class SourceCache:
    """A cache whose first positions are those of the source.

    Args:
        held: where all keys and values are kept.
        sides: of the source, in tokens.
    """

    def __init__(self, held: ScaleCache, sides: Sides) -> None:
        self._held, self._sides, self._seen_at = held, sides, sides
        self.length = held.length

    @property
    def nbytes(self) -> int:
        """Bytes it takes, the source included."""
        return self._held.nbytes

    @property
    def peak_nbytes(self) -> int:
        """As of what holds them."""
        return self._held.peak_nbytes

    def at(self, sides: Sides) -> None:
        """A pass over a scale of these sides begins."""
        self._seen_at = sides

    def extended(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of the source, then of the scales; in layer 0 the source's are means over areas."""
        keys, values = self._held.extended(layer, key, value)
        if layer or not self.length or self._seen_at == self._sides:
            return keys, values
        return self._resized(keys), self._resized(values)

    def seen(self, layer: int) -> Tensor | None:
        """As the cache that holds them."""
        return self._held.seen(layer)

    def attended(self, layer: int, query: Tensor, raw: Callable[[], Tensor]) -> None:
        """Whatever was looked at, all is kept."""

    def advance(self, positions: int) -> None:
        """Count the positions that every layer has got since."""
        self._held.advance(positions)
        self.length = self._held.length

    def halved(self) -> None:
        """Keep the first half of the sequences."""
        self._held.halved()

    def _resized(self, held: Tensor) -> Tensor:
        """``[R,heads,S,D]`` with the source at the sides of the scale."""
        height, width = self._sides
        rows, heads, _, channels = held.shape
        source = held[:, :, : height * width].transpose(2, 3).reshape(rows, heads * channels, height, width)
        small = F.interpolate(source, size=self._seen_at, mode="area").reshape(rows, heads, channels, -1)
        return torch.cat([small.transpose(2, 3), held[:, :, height * width :]], dim=2)
