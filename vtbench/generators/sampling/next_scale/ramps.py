"""Guidance that grows from scale to scale; its strength is t in ``(1 + t) c - t u``, where 0 is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vtbench.core.errors import UsageError


@dataclass(frozen=True)
class Ramp:
    """``scale k / D`` at scale k of K: none at the first.

    Attributes:
        scale: reached after D scales.
        longest: D is K-1, or this where that is less (FlexVAR: 9, so that longer lists pass ``scale``).
        full_from: from this scale on it is ``scale`` itself (FlexVAR: from the first map wider than 16); ``None`` for
            nowhere.

    Raises:
        UsageError: a negative scale.
    """

    name: ClassVar[str] = "ramp over scales"
    scale: float
    longest: int | None = None
    full_from: int | None = None

    def __post_init__(self) -> None:
        if self.scale < 0:
            raise UsageError(f"cfg_scale={self.scale}: must be 0 or more", "0 is no guidance")

    def strength(self, token: int, tokens: int) -> float:
        """Of scale ``token`` of ``tokens``."""
        if self.full_from is not None and token >= self.full_from:
            return self.scale
        steps = tokens - 1 if self.longest is None else min(tokens - 1, self.longest)
        # the very order of the authors' arithmetic: a factor times a rounded share
        return self.scale * (token / steps) if token else 0.0
