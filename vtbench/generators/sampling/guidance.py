"""Classifier-free guidance: the formula on logits, and schedules that say how strong it is at each token.

Every schedule is a frozen value that says by itself what it is: which token it counts from, and what the first one
gets. Token t runs from 0 (the one that the condition alone predicts) to N-1; of a masked generator, t is the step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from vtbench.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

OFF = 1.0
"""The strength at which the conditional logits stand alone."""

Formula = Literal["u + s (c - u)", "c + s (c - u)", "(1 + s) c - s u"]
"""What a strength s means; the second is the first at s + 1, and the third the second but for its last bits."""

FROM_UNCONDITIONAL: Formula = "u + s (c - u)"
FROM_CONDITIONAL: Formula = "c + s (c - u)"
FROM_BOTH: Formula = "(1 + s) c - s u"
NONE_AT: dict[Formula, float] = {FROM_UNCONDITIONAL: OFF, FROM_CONDITIONAL: 0.0, FROM_BOTH: 0.0}
"""The strength at which conditional logits stand alone."""


class Schedule(Protocol):
    """How strong guidance is at each token."""

    name: ClassVar[str]

    def strength(self, token: int, tokens: int) -> float:
        """Of token ``token`` of ``tokens``; 1 for none."""


@dataclass(frozen=True)
class Constant:
    """The same strength at every token."""

    name: ClassVar[str] = "constant"
    scale: float = OFF

    def __post_init__(self) -> None:
        _whole(self.scale, "cfg_scale")

    def strength(self, token: int, tokens: int) -> float:
        """``scale``."""
        return self.scale


@dataclass(frozen=True)
class Interval:
    """``scale`` up to token ``last + 1``, then none (LlamaGen's ``cfg_interval``: decode step i makes token i + 1)."""

    name: ClassVar[str] = "interval"
    scale: float
    last: int

    def strength(self, token: int, tokens: int) -> float:
        """``scale`` for the first ``last + 2`` tokens; for all where ``last`` is negative."""
        return self.scale if self.last < 0 or token - 1 <= self.last else OFF


@dataclass(frozen=True)
class WhileAtMost:
    """``scale`` while at most ``last`` tokens are there, then none (NAR's ``cfg_interval``, which counts tokens)."""

    name: ClassVar[str] = "while-at-most"
    scale: float
    last: int

    def strength(self, token: int, tokens: int) -> float:
        """Of what is drawn when ``token`` tokens are there; ``scale`` for all where ``last`` is negative."""
        return self.scale if self.last < 0 or token <= self.last else OFF


@dataclass(frozen=True)
class Step:
    """``scale`` for token 0 and from the share ``start`` of the tokens on; between them ``low`` (GigaTok)."""

    name: ClassVar[str] = "step"
    scale: float
    start: float
    low: float = 1.0001

    def strength(self, token: int, tokens: int) -> float:
        """Of token t: the share is t / (N - 1)."""
        return self.scale if token == 0 or token / (tokens - 1) >= self.start else self.low


@dataclass(frozen=True)
class Linspace:
    """From ``first`` to ``last`` in equal steps over the tokens, both ends included (D-AR)."""

    name: ClassVar[str] = "linspace"
    first: float
    last: float

    def strength(self, token: int, tokens: int) -> float:
        """``first + (last - first) t / (N - 1)``."""
        return self.first if tokens < 2 else self.first + (self.last - self.first) * token / (tokens - 1)


@dataclass(frozen=True)
class Linear:
    """``1 + (scale - 1) (t + offset) / N`` (ELM counts from 1: offset 1)."""

    name: ClassVar[str] = "linear"
    scale: float
    offset: int = 1

    def strength(self, token: int, tokens: int) -> float:
        """Of token t."""
        return 1 + (self.scale - 1) * (token + self.offset) / tokens


@dataclass(frozen=True)
class PowerCosine:
    """``1 + (scale - 1) (1 - cos(π (t/N)^power)) / 2`` (RAR): none at the first token, all but ``scale`` at the last.

    Attributes:
        scale: what it tends to.
        power: 0 for ``scale`` everywhere.
        from_second: t counts from the second token, N - 1 of them, and the first gets ``scale`` (VA-π).
    """

    name: ClassVar[str] = "power-cosine"
    scale: float
    power: float
    from_second: bool = False

    def strength(self, token: int, tokens: int) -> float:
        """Of token t."""
        if self.from_second and token == 0:
            return self.scale
        share = (token - 1) / (tokens - 1) if self.from_second else token / tokens
        return 1 + (self.scale - 1) * (1 - math.cos(math.pi * share**self.power)) / 2


@dataclass(frozen=True)
class Proportional:
    """``scale t / N``: 0 at the first (TiTok's and MaskBit's "linear", for ``c + s (c - u)``)."""

    name: ClassVar[str] = "proportional"
    scale: float

    def strength(self, token: int, tokens: int) -> float:
        """Of token t."""
        return self.scale * token / tokens


@dataclass(frozen=True)
class RisingCosine:
    """``scale (1 - cos(π (t/N)^power)) / 2``: 0 at the first (MaskBit's "cosine", for ``c + s (c - u)``)."""

    name: ClassVar[str] = "rising-cosine"
    scale: float
    power: float

    def strength(self, token: int, tokens: int) -> float:
        """Of token t."""
        return self.scale * (1 - math.cos(math.pi * (token / tokens) ** self.power)) / 2


def guide(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
    """``u + s (c - u)`` on logits (Ho and Salimans 2022, in the form of eq. 6 with s = 1 + w)."""
    return unconditional + scale * (conditional - unconditional)


def guided_by(formula: Formula, conditional: Tensor, unconditional: Tensor, strength: float) -> Tensor:
    """Logits of both kinds, equal in shape, to guided ones."""
    if formula == FROM_BOTH:
        return (1 + strength) * conditional - strength * unconditional
    start = unconditional if formula == FROM_UNCONDITIONAL else conditional
    return start + strength * (conditional - unconditional)


def guided_logits(logits: Tensor, strength: float) -> Tensor:
    """Logits ``[2B,…]``, the conditional half first, to ``float32 [B,…]``; the conditional ones at a strength of 1."""
    conditional, unconditional = logits.float().chunk(2)
    return conditional if strength == OFF else guide(conditional, unconditional, strength)


def guided(strengths: Sequence[float]) -> int:
    """How many of the first tokens need unconditional logits: behind them no token is guided."""
    return max((token + 1 for token, strength in enumerate(strengths) if strength != OFF), default=0)


def as_recorded(schedule: Schedule, formula: Formula = FROM_UNCONDITIONAL, of: str = "logits") -> dict[str, Any]:
    """The schedule by name, its parameters, and the formula with what it is of."""
    parameters = {f"cfg_{name}": value for name, value in asdict(schedule).items()}  # type: ignore[call-overload]
    return {"cfg_schedule": schedule.name, **parameters, "cfg_formula": f"{formula}, {of}"}


def _whole(scale: float, name: str) -> None:
    if scale < 0:
        raise UsageError(f"{name}={scale}: must be 0 or more")
