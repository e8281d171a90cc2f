"""Codes of many images as sequences of tokens: what is predicted, by which table, after what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """What the codes of an image are made of, and which of their parts share a table.

    Attributes:
        grids: shape of each level, coarsest first.
        sizes: entries of each level's codebook; of bits, how many a token has.
        shared: all levels index one codebook.
        binary: tokens are bits, each predicted by itself.
    """

    grids: tuple[tuple[int, ...], ...]
    sizes: tuple[int, ...]
    shared: bool
    binary: bool

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of each level."""
        return tuple(math.prod(grid) for grid in self.grids)

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return sum(self.lengths)

    @property
    def spans(self) -> tuple[slice, ...]:
        """Where each level lies in the sequence."""
        ends = torch.tensor(self.lengths).cumsum(0).tolist()
        return tuple(slice(end - length, end) for end, length in zip(ends, self.lengths, strict=True))

    @property
    def tables(self) -> tuple[int, ...]:
        """The table of embeddings and the head that each level uses: one for all where they share a codebook."""
        return (0,) * len(self.grids) if self.shared else tuple(range(len(self.grids)))

    @property
    def growing(self) -> bool:
        """Whether levels are scales of one image, each with more tokens than the one before."""
        return len(self.grids) > 1 and all(a < b for a, b in zip(self.lengths, self.lengths[1:], strict=False))


@dataclass(frozen=True, eq=False)
class Order:
    """After what each token is predicted.

    Attributes:
        parents: ``int64 [T]``, the token whose embedding is the input at each place; -1 where nothing came before.
        visible: ``bool [T,T]``, which inputs (columns) a place (row) may look at.
    """

    parents: Tensor
    visible: Tensor


def next_token(geometry: Geometry) -> Order:
    """Every token after all before it: in a grid row by row, level after level."""
    places = torch.arange(geometry.tokens)
    return Order(places - 1, places[:, None] >= places)


def next_scale(geometry: Geometry) -> Order:
    """All tokens of a level at once, after the levels before (Tian et al. 2024, section 3.2).

    The input of a place is the nearest token of the level before; a place looks at its own level's inputs and those of
    all before.
    """
    spans, grids = geometry.spans, geometry.grids
    parents = [torch.full((geometry.lengths[0],), -1)]
    for before, grid, span in zip(grids, grids[1:], spans, strict=False):
        parents.append(span.start + _nearest(before, grid))
    level = torch.cat([torch.full((length,), number) for number, length in enumerate(geometry.lengths)])
    return Order(torch.cat(parents), level[:, None] >= level)


ORDERS = {"next-token": next_token, "next-scale": next_scale}


def _nearest(coarse: tuple[int, ...], fine: tuple[int, ...]) -> Tensor:
    """``int64 [prod(fine)]``: of each cell of a grid, the cell of a coarser one whose centre's cell holds its own."""
    if len(coarse) != len(fine):  # levels of unlike dimensions: along the sequence
        coarse, fine = (math.prod(coarse),), (math.prod(fine),)
    along = [
        torch.div((2 * torch.arange(many) + 1) * few, 2 * many, rounding_mode="floor")
        for few, many in zip(coarse, fine, strict=True)
    ]
    return _flat(torch.meshgrid(*along, indexing="ij"), coarse)


def _flat(cells: Sequence[Tensor], grid: tuple[int, ...]) -> Tensor:
    """Row-major numbers of cells given by their coordinates."""
    found = torch.zeros_like(cells[0])
    for coordinate, side in zip(cells, grid, strict=True):
        found = found * side + coordinate
    return found.flatten()
