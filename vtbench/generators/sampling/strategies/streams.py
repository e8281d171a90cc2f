"""Random numbers of speculation: every image draws all of its own from one generator of its own."""

from __future__ import annotations

import torch
from torch import Tensor


class Streams:
    """Uniform numbers in float64.

    An image takes as many numbers a pass as its window has slots, whatever it does with them; so the n-th pass of an
    image finds the same numbers in any company.

    Attributes:
        final: ``[B,count]``: for the token that is drawn where drafts end, by token; the very numbers that plain
            sampling draws with, so that a window of one token is plain sampling.
        accept: ``[B,W]`` of this pass: is a draft accepted.
        draft: ``[B,W]`` of this pass: the next drafts.
        fill: ``[B,W]`` of this pass: drafts where none was drawn.

    Args:
        seeds: ``int64 [B]``.
        count: tokens of an image.
        slots: drafts of a window, W.
        device: where they are wanted.
    """

    def __init__(self, seeds: Tensor, count: int, slots: int, device: torch.device) -> None:
        self._generators = [torch.Generator().manual_seed(int(seed)) for seed in seeds.tolist()]
        self._slots, self._device = slots, device
        self.final = self._drawn(count)
        self.next()

    def next(self) -> None:
        """Numbers of another pass."""
        self.accept, self.draft, self.fill = (
            self._drawn(3 * self._slots).view(len(self._generators), 3, self._slots).unbind(1)
        )

    def _drawn(self, count: int) -> Tensor:
        rows = [torch.rand(count, generator=generator, dtype=torch.float64) for generator in self._generators]
        return torch.stack(rows).to(self._device)
