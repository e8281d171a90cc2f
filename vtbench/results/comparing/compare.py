"""``compare``: the first argument is the baseline, every other one is set against it, job by job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vtbench.core.errors import NotComparableError
from vtbench.results.comparing.acceleration.row import Acceleration, accelerated, acceleration
from vtbench.results.comparing.differences import Comparison, comparable, compare_measurements
from vtbench.results.comparing.measurement import Measurement
from vtbench.results.comparing.sides import sides_of
from vtbench.results.comparing.sources import alone, matched

_MOST_REASONS = 3


@dataclass(frozen=True)
class ComparisonReport:
    """Every row, and what had no counterpart, in words."""

    rows: tuple[Comparison, ...]
    alone: tuple[str, ...] = ()
    pairs: tuple[tuple[Measurement, Measurement], ...] = ()

    def costs(self, asked: bool) -> list[tuple[Acceleration, Measurement, Measurement]]:
        """Rows of speed, memory and sameness, with their two sides: of one generator under two strategies; where they
        are ``asked`` for, of any two generators under one protocol."""
        wanted = [pair for pair in self.pairs if asked or accelerated(*pair)]
        found = [(acceleration(*pair), *pair) for pair in wanted]
        return [(row, before, after) for row, before, after in found if row is not None]

    def require_comparable(self) -> None:
        """Refuse a comparison without a single comparable number.

        Raises:
            NotComparableError: saying why, reason by reason.
        """
        if comparable(self.rows):
            return
        reasons = list(dict.fromkeys(row.why for row in self.rows)) or list(self.alone) or ["there is no number"]
        more = f" (+{len(reasons) - _MOST_REASONS} more)" if len(reasons) > _MOST_REASONS else ""
        raise NotComparableError(
            f"nothing compares: {'; '.join(reasons[:_MOST_REASONS])}{more}",
            "measure both under one protocol, on one data set",
        )


def compare(arguments: Sequence[str | Path], strata: bool = False) -> ComparisonReport:
    """Set every other argument against the first.

    Args:
        arguments: places, or models in them, as :func:`~vtbench.results.comparing.sides.sides_of` takes them.
        strata: parts of the samples too.

    Raises:
        UsageError: fewer than two sides, or an argument with nothing behind it.
    """
    sides = sides_of(arguments)
    names = [side.name for side in sides]
    jobs = matched([side.measurements for side in sides], names)
    pairs = tuple(
        (baseline, candidate)
        for baseline, *candidates in jobs
        if baseline is not None
        for candidate in candidates
        if candidate is not None
    )
    rows = tuple(row for pair in pairs for row in compare_measurements(*pair, strata))
    return ComparisonReport(rows, tuple(alone(jobs, names)), pairs)
