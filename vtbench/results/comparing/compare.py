"""``compare``: the first argument is the baseline, every other one is set against it, job by job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vtbench.core.errors import NotComparableError
from vtbench.results.comparing.differences import Comparison, comparable, compare_measurements
from vtbench.results.comparing.sides import sides_of
from vtbench.results.comparing.sources import alone, matched

_MOST_REASONS = 3


@dataclass(frozen=True)
class ComparisonReport:
    """Every row, and what had no counterpart, in words."""

    rows: tuple[Comparison, ...]
    alone: tuple[str, ...] = ()

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
    rows = (
        row
        for baseline, *candidates in jobs
        if baseline is not None
        for candidate in candidates
        if candidate is not None
        for row in compare_measurements(baseline, candidate, strata)
    )
    return ComparisonReport(tuple(rows), tuple(alone(jobs, names)))
