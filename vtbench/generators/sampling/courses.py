"""Guidance that follows a curve over an image's tokens: the curves by name, and which token they count from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from vtbench.core.errors import UsageError

Curve = Literal["rising", "falling", "triangle", "sine", "half-cosine", "logarithm", "square", "square-root"]
Counted = Literal["t/N", "(t+1)/N", "t/(N-1), first full"]

CURVES: dict[str, Callable[[float], float]] = {
    "rising": lambda share: share,
    "falling": lambda share: 1 - share,
    "triangle": lambda share: share / 0.5 if share < 0.5 else (1 - share) / 0.5,
    "sine": lambda share: math.sin(math.pi / 2 * share),
    "half-cosine": lambda share: (1 - math.cos(math.pi * share)) / 2,
    "logarithm": lambda share: math.log1p(share * (math.e - 1)) / math.log1p(math.e - 1),
    "square": lambda share: share**2,
    "square-root": lambda share: share**0.5,
}
"""What a share of the tokens, 0 to 1, becomes."""


@dataclass(frozen=True)
class Course:
    """``1 + (scale - 1) curve(ρ) + added``.

    Attributes:
        scale: guidance where the curve is 1.
        curve: by name.
        counted: what ρ is of token t of N: ``t/N``, ``(t+1)/N`` (ELM), or ``t/(N-1), first full``, where token 0 has
            ``scale`` whatever the curve says (GigaTok).
        added: to the result; GigaTok adds 1e-4, which keeps guidance on where the curve is 0.

    Raises:
        UsageError: no such curve.
    """

    name: ClassVar[str] = "course"
    scale: float
    curve: Curve
    counted: Counted
    added: float = 0.0

    def __post_init__(self) -> None:
        if self.curve not in CURVES:
            raise UsageError(f"no curve of guidance is called {self.curve!r}", f"one of {', '.join(get_args(Curve))}")

    def strength(self, token: int, tokens: int) -> float:
        """Of token t."""
        if self.counted == "t/(N-1), first full":
            if token == 0:
                return self.scale
            share = token / (tokens - 1)
        else:
            share = (token + (self.counted == "(t+1)/N")) / tokens
        return 1 + (self.scale - 1) * CURVES[self.curve](share) + self.added
