"""A cache that forgets: after every scale each head keeps as many positions as a policy grants, its own by image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from vtbench.networks.key_value_cache import CacheGeometry


@dataclass(frozen=True, eq=False)
class Look:
    """What heads of one layer looked at during a scale, and what with. S counts what they hold, its positions last.

    Attributes:
        layer: from 0.
        group: of the layer's heads, from 0.
        scale: that was predicted.
        places: ``int64 [R,heads,S]``: positions of the sequence, over all scales, ascending.
        key: ``[R,heads,S,D]``, as attention used them.
        value: ``[R,heads,S,D]``.
        query: ``[R,heads,T,D]``, as attention used them, the scale of the softmax included.
        raw: to the same without bias, norm and rotation.
        before: ``float32 [R,heads,S]``: the importance that was told after the scale before; 0 of new positions.
    """

    layer: int
    group: int
    scale: int
    places: Tensor
    key: Tensor
    value: Tensor
    query: Tensor
    raw: Callable[[], Tensor]
    before: Tensor


class CachePolicy(Protocol):
    """Which positions stay. Frozen, and without a random number: rows of a batch are chosen for one by one."""

    @property
    def cumulative(self) -> bool:
        """Importance builds on that of the scales before, so that it is asked for where nothing has to go, too."""

    def groups(self, layer: int, heads: int) -> Sequence[Sequence[int]]:
        """Heads of a layer that are granted alike; all of them, each once."""

    def granted(self, layer: int, group: int, scale: int) -> int:
        """Positions that each head of a group keeps after a scale; it keeps all where it holds no more."""

    def importance(self, look: Look) -> Tensor:
        """``float32 [R,heads,S]``: the most important positions stay."""


@dataclass(eq=False)
class _Held:
    """What one group of heads holds: ``[R,heads,S,D]``, ``[R,heads,S]``."""

    heads: Tensor
    key: Tensor
    value: Tensor
    places: Tensor
    importance: Tensor

    @property
    def nbytes(self) -> int:
        return sum(part.numel() * part.element_size() for part in (self.key, self.value))


class BudgetedCache:
    """Keys and values of every layer, in tensors of their very size: one a group of heads.

    A layer is cut down as soon as it has attended, so that no two layers hold a whole new scale at once. Its bytes are
    those of keys and values; places and importance are kept beside them (12 bytes a head and position), and attention
    over heads of unequal numbers pads a layer at a time.

    Args:
        geometry: of the network; its length plays no part.
        rows: sequences, those of guidance included.
        like: an empty cache of the network's own kind, which has the precisions.
        policy: what stays.
    """

    def __init__(self, geometry: CacheGeometry, rows: int, like: Precisions, policy: CachePolicy) -> None:
        self._policy, (keys, values, device) = policy, like.precisions
        self.length = self._scale = self._peak = 0
        self._layers = [
            [
                _empty(torch.tensor(list(group), device=device), rows, geometry.head_width, keys, values)
                for group in policy.groups(layer, geometry.heads)
            ]
            for layer in range(geometry.depth)
        ]

    @property
    def nbytes(self) -> int:
        """Bytes of the keys and values that it holds now."""
        return sum(held.nbytes for layer in self._layers for held in layer)

    @property
    def peak_nbytes(self) -> int:
        """Bytes it took at most, one layer's new scale whole among them."""
        return self._peak

    def extended(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """What each head has kept, and the new ones: ``[R,heads,S,D]`` each, filled up from the left."""
        for held in self._layers[layer]:
            held.key = torch.cat([held.key, key[:, held.heads].to(held.key)], dim=2)
            held.value = torch.cat([held.value, value[:, held.heads].to(held.value)], dim=2)
            new = torch.arange(self.length, self.length + key.shape[2], device=key.device)
            new = new.expand(*held.places.shape[:2], -1)
            held.places = torch.cat([held.places, new], dim=2)
            held.importance = torch.cat([held.importance, torch.zeros_like(new, dtype=torch.float32)], dim=2)
        self._peak = max(self._peak, self.nbytes)
        groups = self._layers[layer]
        if len(groups) == 1:
            return groups[0].key, groups[0].value
        heads = [held.heads for held in groups]
        return _together(heads, [held.key for held in groups]), _together(heads, [held.value for held in groups])

    def seen(self, layer: int) -> Tensor | None:
        """``bool [heads,1,S]``: not what was filled up; ``None`` where all heads hold equally many."""
        groups = self._layers[layer]
        counts = [held.key.shape[2] for held in groups]
        if len(set(counts)) == 1:
            return None
        shown = groups[0].key.new_zeros(sum(len(held.heads) for held in groups), 1, max(counts), dtype=torch.bool)
        for held, count in zip(groups, counts, strict=True):
            shown[held.heads, :, max(counts) - count :] = True
        return shown

    def attended(self, layer: int, query: Tensor, raw: Callable[[], Tensor]) -> None:
        """Cut the layer down to what the policy grants; arguments as of :class:`.attention.ScaleCache`."""
        for group, held in enumerate(self._layers[layer]):
            count, granted = held.key.shape[2], self._policy.granted(layer, group, self._scale)
            if count > granted or self._policy.cumulative:
                heads = held.heads
                held.importance = self._policy.importance(
                    Look(
                        *(layer, group, self._scale, held.places, held.key, held.value, query[:, heads]),
                        *(lambda heads=heads: raw()[:, heads], held.importance),
                    )
                )
            if count > granted:
                _cut(held, granted)

    def advance(self, positions: int) -> None:
        """A scale is through."""
        self.length += positions
        self._scale += 1

    def halved(self) -> None:
        """Keep the first half of the sequences: what follows is not guided any more."""
        for held in (held for layer in self._layers for held in layer):
            for name in ("key", "value", "places", "importance"):
                part: Tensor = getattr(held, name)
                setattr(held, name, part[: len(part) // 2].clone())


class Precisions(Protocol):
    """A cache that tells what it keeps keys and values in."""

    @property
    def precisions(self) -> tuple[torch.dtype, torch.dtype, torch.device]:
        """Of keys, of values, and where they lie."""


def _empty(heads: Tensor, rows: int, width: int, keys: torch.dtype, values: torch.dtype) -> _Held:
    shape = (rows, len(heads), 0)
    key, value = (torch.zeros(*shape, width, dtype=dtype, device=heads.device) for dtype in (keys, values))
    places = torch.zeros(shape, dtype=torch.int64, device=heads.device)
    return _Held(heads, key, value, places, torch.zeros(shape, device=heads.device))


def _cut(held: _Held, granted: int) -> None:
    """Keep the most important positions of every row and head, in their order; of equals, the first."""
    kept = held.importance.argsort(dim=-1, descending=True, stable=True)[..., :granted].sort(dim=-1).values
    wide = kept[..., None].expand(-1, -1, -1, held.key.shape[-1])
    held.key, held.value = held.key.gather(2, wide), held.value.gather(2, wide)
    held.places, held.importance = held.places.gather(2, kept), held.importance.gather(2, kept)


def _together(heads: Sequence[Tensor], parts: Sequence[Tensor]) -> Tensor:
    """Groups ``[R,heads,S,D]`` in the order of their heads, filled up from the left to the longest."""
    longest = max(part.shape[2] for part in parts)
    rows, _, _, width = parts[0].shape
    whole = parts[0].new_zeros(rows, sum(map(len, heads)), longest, width)
    for own, part in zip(heads, parts, strict=True):
        whole[:, own, longest - part.shape[2] :] = part
    return whole
