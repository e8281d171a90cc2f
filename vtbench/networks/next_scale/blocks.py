"""Blocks whose norms are modulated by the condition (adaptive layer norm), under the names of VAR's files.

A block with n branches takes 3n vectors of the condition: n gates, n scales, n shifts, in this order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.modulation import modulated
from vtbench.networks.next_scale.attention import ScaleAttention, ScaleCache
from vtbench.networks.next_scale.pruning import TokenPruning, pruned

if TYPE_CHECKING:
    from torch import Tensor

GROWTH = 4
"""Channels inside the feed-forward part, as a multiple of the width."""


Branch = Callable[["Tensor", "Tensor | None"], "Tensor"]
"""Positions ``[R,T',width]`` and their places ``int64 [R,T']``, ``None`` for all, to what is made of them."""


def gated(branch: Branch, gate: Tensor, scale: Tensor, shift: Tensor) -> Branch:
    """The branch of a modulated norm, behind a gate; each vector ``[R,1,width]``."""

    def run(part: Tensor, kept: Tensor | None) -> Tensor:
        return branch(modulated(part, shift, scale), kept) * gate

    return run


class FeedForward(nn.Module):
    """Names: ``fc1``, ``fc2``; GELU in its tanh form between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, GROWTH * width)
        self.fc2 = nn.Linear(GROWTH * width, width)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.fc2(F.gelu(self.fc1(x), approximate="tanh"))
        return output


def condition_layer(width: int, vectors: int) -> nn.Sequential:
    """A condition ``[R,width]`` to so many vectors side by side; its linear layer is called ``1``."""
    return nn.Sequential(nn.SiLU(), nn.Linear(width, vectors * width))


class BlockModulation(nn.Module):
    """The vectors of one block. Name: ``ada_lin.1``, or ``ada_gss`` where all blocks share one layer.

    Args:
        width: of the positions and of the condition.
        branches: n.
        shared: the condition's own vectors come in, made once for all blocks, and a learnt offset is added to them.
    """

    def __init__(self, width: int, branches: int, *, shared: bool) -> None:
        super().__init__()
        self._count = 3 * branches
        if shared:
            self.ada_gss = nn.Parameter(torch.randn(1, 1, self._count, width) / width**0.5)
        else:
            self.ada_lin = condition_layer(width, self._count)

    def vectors(self, condition: Tensor) -> tuple[tuple[Tensor, ...], ...]:
        """The condition ``[R,width]``, or ``[R,1,3n,width]`` where shared, to n times ``(gate, scale, shift)``,
        ``[R,1,width]`` each."""
        if hasattr(self, "ada_gss"):
            every = (self.ada_gss + condition).unbind(2)
        else:
            every = self.ada_lin(condition).unflatten(-1, (1, self._count, -1)).unbind(2)
        branches = self._count // 3
        return tuple(every[branch::branches] for branch in range(branches))


class AdaLayerNormBlock(BlockModulation):
    """Attention, then feed-forward, each of a modulated norm and behind a gate.

    Names: ``attn``, ``ffn``, and those of :class:`BlockModulation`.

    Args:
        width: of the positions.
        heads: divide the width.
        cosine: see :class:`.attention.ScaleAttention`.
        shared: see :class:`BlockModulation`.
    """

    def __init__(self, width: int, heads: int, *, cosine: bool, shared: bool = False) -> None:
        super().__init__(width, 2, shared=shared)
        self.attn = ScaleAttention(width, heads, cosine=cosine)
        self.ffn = FeedForward(width)

    def forward(
        self,
        x: Tensor,
        condition: Tensor,
        mask: Tensor | None,
        cache: ScaleCache | None,
        layer: int,
        pruning: TokenPruning | None = None,
    ) -> Tensor:
        """One block: ``[R,T,width]`` to the same; ``condition`` as :meth:`BlockModulation.vectors` takes it, the others
        as attention and :func:`.pruning.pruned` take them."""
        branches: tuple[Branch, ...] = (
            lambda part, _: self.attn(part, mask, cache, layer),
            lambda part, _: self.ffn(part),
        )
        for number, (branch, vectors) in enumerate(zip(branches, self.vectors(condition), strict=True)):
            x = x + pruned(pruning, (layer, number), x, gated(branch, *vectors))
        return x


class AdaLayerNorm(nn.Module):
    """The modulated norm before the head. Name: ``ada_lin.1``, whose halves are scale and shift."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ada_lin = condition_layer(width, 2)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.ada_lin(condition).unflatten(-1, (1, 2, -1)).unbind(2)
        return modulated(x, shift, scale)
