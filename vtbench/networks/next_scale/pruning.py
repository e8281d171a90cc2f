"""Token pruning inside blocks: a branch is computed for some positions, and the others get what a strategy gives them.

Guo et al., FastVAR, 2503.23367; what is kept, and what fills the rest, is the strategy's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

Place = tuple[int, int]
"""Block and branch, from 0."""


class TokenPruning(Protocol):
    """Of one batch; it may keep what it has seen."""

    @property
    def spared(self) -> int:
        """Positions that were not computed so far, the mean over all branches."""

    def at(self, scale: int) -> None:
        """A pass over this scale begins."""

    def kept(self, place: Place, x: Tensor) -> Tensor | None:
        """Positions ``int64 [R,T']``, ascending, of the residual stream ``[R,T,width]`` that the branch computes;
        ``None`` for all."""

    def restored(self, place: Place, computed: Tensor, kept: Tensor | None) -> Tensor:
        """What the branch adds, gate included: ``[R,T',width]`` of the kept positions to ``[R,T,width]`` of all. It is
        called after every branch, also where all were kept."""


def pruned(
    pruning: TokenPruning | None, place: Place, x: Tensor, branch: Callable[[Tensor, Tensor | None], Tensor]
) -> Tensor:
    """What a branch adds to ``x [R,T,width]``.

    Args:
        pruning: ``None`` to compute all.
        place: block and branch.
        x: the residual stream.
        branch: of positions ``[R,T',width]`` and their places ``int64 [R,T']``, ``None`` for all of them.
    """
    if pruning is None:
        return branch(x, None)
    kept = pruning.kept(place, x)
    part = x if kept is None else x.gather(1, kept[..., None].expand(-1, -1, x.shape[-1]))
    return pruning.restored(place, branch(part, kept), kept)
