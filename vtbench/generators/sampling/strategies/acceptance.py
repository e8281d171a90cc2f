"""Whether a draft may stay: the chance that it is accepted, and what is drawn where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Acceptance(Protocol):
    """The chance that a draft ``x``, drawn from ``q``, stays where the host says ``p``."""

    name: ClassVar[str]
    lossless: ClassVar[bool]
    in_words: ClassVar[str]

    def chance(self, host: Tensor, draft: Tensor, token: Tensor) -> Tensor:
        """Probabilities ``[…,V]`` of the host and of the draft, and the drafts ``int64 […]``, to chances ``[…]``;
        1 and more for certainty."""


@dataclass(frozen=True)
class Ratio:
    """``p(x) / q(x)`` (Leviathan et al. 2023): with :func:`residual`, what comes out has the host's distribution."""

    name: ClassVar[str] = "sjd"
    lossless: ClassVar[bool] = True
    in_words: ClassVar[str] = "p(x) / q(x)"

    def chance(self, host: Tensor, draft: Tensor, token: Tensor) -> Tensor:
        """See :class:`Acceptance`."""
        return _of(host, token) / _of(draft, token)


@dataclass(frozen=True)
class GroupedRatio:
    """The sums of p and q over tokens that the host finds about as likely as the draft (So et al. 2025, GSD).

    The group of x holds the tokens of ranks ``rank(x) - half`` to ``rank(x) + half - 1``, from the least likely up,
    whose probability lies within ``near`` of p(x). Where fewer than ``half`` tokens are less likely, x stands alone, as
    in the authors' code (junhyukso/GSD, 4216c7c). Their second limit, on distances between token embeddings, is left
    out: they drop it for groups with a token above 10,000. What comes out has not the host's distribution.

    Attributes:
        half: ranks below the draft's; 0 leaves x alone.
        near: difference of probability.
    """

    name: ClassVar[str] = "gsd"
    lossless: ClassVar[bool] = False
    in_words: ClassVar[str] = "sum of p / sum of q over a group of tokens about as likely as x"
    half: int = 7
    near: float = 0.15

    def chance(self, host: Tensor, draft: Tensor, token: Tensor) -> Tensor:
        """See :class:`Acceptance`."""
        import torch

        if self.half == 0:
            return Ratio().chance(host, draft, token)
        order = host.argsort(dim=-1, stable=True)
        rank = (order == token[..., None]).int().argmax(dim=-1, keepdim=True)
        ranks = rank + torch.arange(-self.half, self.half, device=token.device)
        there = (ranks >= 0) & (ranks < host.shape[-1])
        members = order.gather(-1, ranks.clamp(0, host.shape[-1] - 1))
        mine, drafted = host.gather(-1, members), draft.gather(-1, members)
        kept = there & ((mine - host.gather(-1, token[..., None])).abs() < self.near)
        grouped = (mine * kept).sum(dim=-1) / (drafted * kept).sum(dim=-1)
        return torch.where(rank[..., 0] < self.half, Ratio().chance(host, draft, token), grouped)


def residual(host: Tensor, draft: Tensor) -> Tensor:
    """``(p - q)₊``, not yet normalised, ``[…,V]``: what a rejected draft is replaced from.

    It is p itself where nothing is left, which rounding alone can bring about.
    """
    import torch

    left = (host - draft).clamp(min=0)
    return torch.where(left.sum(dim=-1, keepdim=True) > 0, left, host)


def _of(found: Tensor, token: Tensor) -> Tensor:
    return found.gather(-1, token[..., None])[..., 0]
