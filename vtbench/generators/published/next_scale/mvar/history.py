"""What the scan of every block has seen so far: the positions of all scales, behind their attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class ScanHistory:
    """Positions of every block, filled from the left.

    Args:
        depth: blocks.
        rows: sequences, those of guidance included.
        positions: at most.
        like: gives width, device and dtype: ``[…,width]``.
    """

    def __init__(self, depth: int, rows: int, positions: int, like: Tensor) -> None:
        self._stored = like.new_zeros(depth, rows, positions, like.shape[-1])
        self.length = 0

    @property
    def nbytes(self) -> int:
        """Bytes it takes: depth · rows · positions · width · bytes a value."""
        return self._stored.numel() * self._stored.element_size()

    @property
    def peak_nbytes(self) -> int:
        """The same: it only grows."""
        return self.nbytes

    def joined(self, layer: int, x: Tensor) -> Tensor:
        """All positions of a block up to and with ``x [R,T,width]``; :meth:`advance` keeps these."""
        stop = self.length + x.shape[1]
        self._stored[layer, :, self.length : stop] = x
        return self._stored[layer, :, :stop]

    def advance(self, positions: int) -> None:
        """Every block has got so many."""
        self.length += positions

    def halved(self) -> None:
        """Keep the first half of the sequences: what follows is not guided any more."""
        self._stored = self._stored[:, : self._stored.shape[1] // 2].clone()
