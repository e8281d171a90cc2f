"""What is asked of a leaderboard: which metrics, models, task and rates, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

BY_RATE, BY_MODEL = "rate", "model"


@dataclass(frozen=True)
class Selection:
    """Which rows and columns, and their order.

    Attributes:
        metrics: only these; all where empty.
        model: only models whose name holds this text, whatever its case.
        task: only this task's measurements.
        max_bpp: bits a pixel at most; what has no rate is left out.
        sort: ``rate``, ``model``, or a metric, whose best comes first.
    """

    metrics: tuple[str, ...] = ()
    model: str | None = None
    task: str | None = None
    max_bpp: float | None = None
    sort: str = BY_RATE

    def takes_name(self, name: str) -> bool:
        """Whether a model of this name is asked for."""
        return self.model is None or self.model.lower() in name.lower()

    def takes_rate(self, rate: float | None) -> bool:
        """Whether so many bits a pixel are asked for; ``None`` is not known."""
        return self.max_bpp is None or (rate is not None and rate <= self.max_bpp)
