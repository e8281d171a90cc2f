"""Settings that are told once for all scales, or once for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.guidance import Constant, Schedule


@dataclass(frozen=True)
class Listed:
    """A strength for each scale.

    Attributes:
        scale: strengths, the coarsest scale's first.

    Raises:
        UsageError: one below 0.
    """

    name: ClassVar[str] = "listed"
    scale: tuple[float, ...]

    def __post_init__(self) -> None:
        if min(self.scale) < 0:
            raise UsageError(f"cfg_scale={list(self.scale)}: must be 0 or more")

    def strength(self, token: int, tokens: int) -> float:
        """Of scale ``token``."""
        return self.scale[token]


def guidance_of(cfg_scale: float | Sequence[float], scales: int) -> Schedule:
    """Constant, or listed; raises ``UsageError`` for a list of another length than there are scales."""
    if isinstance(cfg_scale, Sequence):
        return Listed(each_scale("cfg_scale", cfg_scale, scales))
    return Constant(cfg_scale)


def each_scale(name: str, value: float | Sequence[float], scales: int) -> tuple[float, ...]:
    """One value for all scales, or as many as there are scales.

    Raises:
        UsageError: a list of another length.
    """
    if not isinstance(value, Sequence):
        return (value,)
    if len(value) != scales:
        raise UsageError(
            f"{name} has {len(value)} values, but there are {scales} scales", "give one value, or one for each scale"
        )
    return tuple(float(one) for one in value)
