"""Rotary positions on interleaved pairs (Su et al. 2021): tables of (cos, sin), and the rotation by them.

Pair m of a head is its elements 2m and 2m+1. A table row of (0, 0) makes the vector zero, which is no rotation at all:
generators of the LlamaGen kind publish weights that were trained with such rows for their conditions.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class HeldTable:
    """A table made when it is first asked for, and kept on the device that asked last.

    It is no buffer of a module, so it stays float32 whatever the weights become, and stands in no state dict.

    Args:
        make: makes it, on the CPU.
    """

    def __init__(self, make: Callable[[], Tensor]) -> None:
        self._make = make
        self._held: Tensor | None = None

    def on(self, device: torch.device) -> Tensor:
        """The table there."""
        if self._held is None or self._held.device != device:
            with torch.inference_mode(False):  # a table made in inference mode would serve in nothing else
                self._held = self._make().to(device)
        return self._held


def line_table(length: int, head_width: int, *, base: float = 10000.0, zero_rows: int = 0) -> Tensor:
    """``float32 [zero_rows+length, head_width/2, 2]``: position p turns pair j by p · base^(-2j/head_width).

    Args:
        length: positions, from 0.
        head_width: channels of a head; even.
        base: of the frequencies.
        zero_rows: rows of (0, 0) before them.
    """
    angles = torch.outer(torch.arange(length).float(), _frequencies(head_width, base))
    return _table(angles, zero_rows)


def grid_table(height: int, width: int, head_width: int, *, base: float = 10000.0, zero_rows: int = 0) -> Tensor:
    """``float32 [zero_rows+height*width, head_width/2, 2]`` of a grid in raster order.

    The first half of the pairs turns by the row, the second by the column, each with the frequencies of half a head.

    Args:
        height: rows of the grid.
        width: columns.
        head_width: channels of a head; a multiple of four.
        base: of the frequencies.
        zero_rows: rows of (0, 0) before them.
    """
    frequencies = _frequencies(head_width // 2, base)
    rows = torch.outer(torch.arange(height).float(), frequencies)[:, None].expand(height, width, -1)
    columns = torch.outer(torch.arange(width).float(), frequencies)[None].expand(height, width, -1)
    return _table(torch.cat([rows, columns], dim=-1).flatten(0, 1), zero_rows)


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """Turn every pair of channels by its position.

    Args:
        x: ``[B,T,heads,head_width]`` of any floating dtype; computed in float32, returned in its own.
        table: ``float32 [T,head_width/2,2]``, or ``[B,T,head_width/2,2]`` where each sequence has its own positions.
    """
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    turned = torch.view_as_real(pairs * torch.view_as_complex(table).unsqueeze(-2))
    return turned.flatten(-2).type_as(x)


def _frequencies(channels: int, base: float) -> Tensor:
    exponents = torch.arange(0, channels, 2)[: channels // 2].float() / channels
    return torch.pow(torch.tensor(base), exponents).reciprocal()


def _table(angles: Tensor, zero_rows: int) -> Tensor:
    turns = torch.stack([angles.cos(), angles.sin()], dim=-1)
    return torch.cat([turns.new_zeros(zero_rows, *turns.shape[1:]), turns])
