"""One metric of a gate: a regression is a change for the worse that is larger than its tolerance, and real."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vtbench.results.comparing.differences import direction, equal_but_for_noise, paired_rows, unequal_samples
from vtbench.results.comparing.intervals import Pairs, unpaired_interval
from vtbench.results.comparing.measurement import Key, Measurement, results_differ
from vtbench.results.records.schema import MetricResult

OK, BETTER, CHANGED, REGRESSION = "ok", "better", "changed", "regression"
NOT_COMPARABLE, NEW = "not comparable", "new"
DEFAULT_TOLERANCE = 0.01
"""Share of the baseline's value, for a metric whose task states no tolerance."""
DEFAULT_DECIBELS = 0.05
"""The same of a metric in decibels, whose zero means nothing."""
_LEAST_TOLERANCE = 1e-6
_SLACK = 1e-9
ALONE = "the tolerance alone decides"


@dataclass(frozen=True)
class Verdict:
    """What was decided on one metric, and from what."""

    verdict: str
    why: str
    difference: float | None = None
    interval: tuple[float, float] | None = None
    tolerance: float | None = None


@dataclass(frozen=True)
class _Evidence:
    """Whether a change can be told from noise; ``interval`` is that of the difference, where there is one."""

    real: bool
    why: str
    interval: tuple[float, float] | None = None


def judge(
    baseline: Measurement, candidate: Measurement, key: Key, alpha: float, stated: dict[str, float] | None = None
) -> Verdict:
    """The verdict on one metric of two measurements under one protocol.

    Args:
        baseline: what is kept to.
        candidate: what is checked.
        key: metric and stratum, of either.
        alpha: probability of a false alarm that this one test may have.
        stated: tolerances that come before those of the task.
    """
    before, after = baseline.results.get(key), candidate.results.get(key)
    if after is None:
        return Verdict(REGRESSION, "missing now")
    if before is None:
        return Verdict(NEW, "not in the baseline")
    refused = results_differ(before, after)
    if refused:
        return Verdict(NOT_COMPARABLE, refused)
    if math.isnan(after.value) or math.isnan(before.value):
        return _undefined(before, after)
    tolerance = tolerance_of(baseline, candidate, before, stated or {})
    pairs = paired_rows(baseline, candidate, before, after)
    if pairs is not None and pairs.n_lost:
        return Verdict(REGRESSION, f"{_samples(pairs.n_lost)} without a value now", tolerance=tolerance)
    if pairs is None and (unequal := unequal_samples(baseline, candidate, before, after)):
        return Verdict(NOT_COMPARABLE, f"{unequal}, and no rows to pair", tolerance=tolerance)
    return _judged(baseline, before, after, pairs, tolerance, alpha)


def tolerance_of(
    baseline: Measurement, candidate: Measurement, before: MetricResult, stated: dict[str, float]
) -> float:
    """The stated one, the baseline's, the candidate's, or the default: 0.05 dB, else one percent of the value."""
    for known in (stated, baseline.tolerances, candidate.tolerances):
        if before.metric in known:
            return known[before.metric]
    if before.unit == "dB":
        return DEFAULT_DECIBELS
    return max(_LEAST_TOLERANCE, DEFAULT_TOLERANCE * abs(before.value)) if math.isfinite(before.value) else 0.0


def _undefined(before: MetricResult, after: MetricResult) -> Verdict:
    if math.isnan(before.value) and math.isnan(after.value):
        return Verdict(OK, "not a number, as in the baseline")
    if math.isnan(after.value):
        return Verdict(REGRESSION, "not a number now")
    return Verdict(CHANGED, "not a number in the baseline")


def _judged(
    baseline: Measurement,
    before: MetricResult,
    after: MetricResult,
    pairs: Pairs | None,
    tolerance: float,
    alpha: float,
) -> Verdict:
    paired = pairs if pairs is not None and not math.isnan(pairs.difference) else None
    change = 0.0 if before.value == after.value else after.value - before.value
    change = paired.difference if paired is not None else change
    higher = direction(before, after)
    shown = paired.interval() if paired is not None and len(paired) > 1 else None
    if paired is not None and paired.n_imperfect and higher is not None:
        why = f"{_samples(paired.n_imperfect)} no longer reproduced perfectly"
        return Verdict(REGRESSION, why, change, shown, tolerance)
    if equal_but_for_noise(before.value, before.value + change):
        return Verdict(OK, "equal" if change == 0 else "equal but for float noise", change, shown, tolerance)
    if abs(change) <= tolerance * (1 + _SLACK):
        return Verdict(OK, "within the tolerance", change, shown, tolerance)
    if higher is None:
        return Verdict(CHANGED, "neither direction is better", change, shown, tolerance)
    found = _evidence(baseline, before, after, paired, change, alpha)
    if not found.real:
        return Verdict(OK, f"not told from noise: {found.why}", change, found.interval, tolerance)
    worse = (change < 0) == higher
    return Verdict(REGRESSION if worse else BETTER, found.why, change, found.interval, tolerance)


def _evidence(
    baseline: Measurement,
    before: MetricResult,
    after: MetricResult,
    pairs: Pairs | None,
    change: float,
    alpha: float,
) -> _Evidence:
    """Paired rows where there are any; else repeats of the baseline; else the two intervals; else nothing."""
    if pairs is not None:
        if len(pairs) < 2:
            return _Evidence(True, f"one sample: {ALONE}")
        interval = pairs.tested_interval(alpha)
        return _Evidence(_excludes_zero(interval), f"paired on {_samples(len(pairs))}", interval)
    values = baseline.repeats.get((before.metric, before.stratum))
    if values is not None:
        margin = _repeat_margin(values, alpha)
        return _Evidence(abs(change) > margin, f"{len(values)} repeats allow {margin:.3g}", None)
    own = unpaired_interval(before, after)
    if own is None:
        return _Evidence(True, f"no rows, no repeats, no interval: {ALONE}")
    return _Evidence(_excludes_zero(own), "unpaired: from the two intervals", own)


def _repeat_margin(values: tuple[float, ...], alpha: float) -> float:
    """How far two runs of one job lie apart but with probability ``alpha`` a side: Student's t on the repeats."""
    from statistics import stdev

    from scipy.special import stdtrit

    spread = stdev(values)
    return 0.0 if spread == 0 else -float(stdtrit(len(values) - 1, alpha)) * spread * math.sqrt(2.0)


def _excludes_zero(interval: tuple[float, float]) -> bool:
    return interval[0] > 0 or interval[1] < 0


def _samples(count: int) -> str:
    return "1 sample" if count == 1 else f"{count} samples"
