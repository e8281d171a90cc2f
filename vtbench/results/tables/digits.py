"""Numbers as people read them: as many digits as their uncertainty supports, one precision a column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from vtbench.results.records.schema import MetricResult

MISSING, INFINITE = "–", "∞"
_MOST_DECIMALS = 6
_SIGNIFICANT = 4
_SIGNIFICANT_SMALLEST = 2
_LOPSIDED = 2.0


def column_decimals(results: Sequence[MetricResult]) -> int:
    """Decimals for one column: two significant digits of the typical half-width; without one, of the values.

    A narrower interval than the typical one earns at most one decimal more, so one exact row cannot widen the column.
    """
    halves = [half for result in results if (half := half_width(result)) is not None and half > 0]
    values = [abs(result.value) for result in results if math.isfinite(result.value) and result.value != 0]
    if halves:
        wanted = min(_decimals_for(min(halves), 2), _decimals_for(median(halves), 2) + 1)
    elif not values or all(value.is_integer() for value in values):
        wanted = 0
    else:
        wanted = max(_decimals_for(max(values), _SIGNIFICANT), _decimals_for(min(values), _SIGNIFICANT_SMALLEST))
    return max(0, min(_MOST_DECIMALS, wanted))


def half_width(result: MetricResult) -> float | None:
    """Half of a finite interval, or ``None``."""
    if result.ci_low is None or result.ci_high is None or not math.isfinite(result.value):
        return None
    half = (result.ci_high - result.ci_low) / 2
    return half if math.isfinite(half) else None


def is_lopsided(results: Sequence[MetricResult]) -> bool:
    """Whether ± would mislead: some interval reaches more than twice as far on one side as on the other."""
    return any(_one_sided(result) for result in results)


def value_text(value: float | None, decimals: int) -> str:
    """``27.31``, ``∞``, ``nan``; ``–`` for a missing value; ``1.2e-09`` for what would round to nothing."""
    if value is None:
        return MISSING
    if math.isinf(value):
        return INFINITE if value > 0 else f"-{INFINITE}"
    text = f"{value:.{decimals}f}"
    if value != 0 and float(text) == 0:
        return f"{value:.1e}" if decimals == _MOST_DECIMALS else text.lstrip("-")
    return text


def interval_text(result: MetricResult, decimals: int, ends: bool) -> str:
    """``±0.42``, or with ``ends`` ``[26.9, 27.7]``; empty where there is no interval or it is a point."""
    if result.ci_low is None or result.ci_high is None or result.ci_low == result.ci_high:
        return ""
    half = half_width(result)
    if ends or half is None:
        return f"[{value_text(result.ci_low, decimals)}, {value_text(result.ci_high, decimals)}]"
    text = f"{half:.{decimals}f}"
    return f"±<{10.0**-decimals:.{decimals}f}" if float(text) == 0 else f"±{text}"


def estimate_text(result: MetricResult, decimals: int) -> str:
    """``27.31 ±0.42``: a value with half of its interval, alone where it has none."""
    return f"{value_text(result.value, decimals)} {interval_text(result, decimals, ends=False)}".rstrip()


def _decimals_for(value: float, significant: int) -> int:
    return significant - 1 - math.floor(math.log10(value))


def _one_sided(result: MetricResult) -> bool:
    half = half_width(result)
    if half is None or half == 0 or result.ci_low is None or result.ci_high is None:
        return False
    arms = sorted([result.ci_high - result.value, result.value - result.ci_low])
    return arms[0] <= 0 or arms[1] / arms[0] > _LOPSIDED
