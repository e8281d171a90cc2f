"""Two measurements, metric by metric: values, difference, interval, and whether it is better, worse or the same."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vtbench.results.comparing.intervals import LEVEL, Pairs, pair, unpaired_interval
from vtbench.results.comparing.measurement import Key, Measurement, not_comparable, results_differ
from vtbench.results.records.schema import MetricResult

BETTER, SAME, WORSE, DIFFERS, INCOMPARABLE = "better", "same", "worse", "differs", "not comparable"
FLOAT_NOISE = 1e-6
"""Relative change that batch sizes and thread counts can make: never called a change."""


@dataclass(frozen=True)
class Comparison:
    """One metric and stratum of two measurements.

    Attributes:
        baseline: label of the model that is compared with; ``candidate`` that of the other.
        difference: candidate minus baseline, on the shared samples where ``method`` says paired; ``None`` where the
            two do not compare.
        baseline_n: what stands behind ``baseline_value``: samples, or tokens or instances where the metric counts
            those; ``n`` behind ``value``.
        baseline_n_scored: samples the baseline scored; ``n_scored`` those of the candidate; ``None`` where not stated.
        method: how the interval was made; empty without one.
        why: what the verdict rests on, or why there is none.
    """

    task: str
    metric: str
    stratum: str
    baseline: str
    candidate: str
    baseline_value: float | None
    value: float | None
    baseline_n: int | None
    n: int | None
    baseline_n_scored: int | None
    n_scored: int | None
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    method: str
    verdict: str
    why: str
    baseline_source: str
    source: str


def compare_measurements(baseline: Measurement, candidate: Measurement, strata: bool = False) -> Iterator[Comparison]:
    """Every metric of either, in the order of the baseline.

    The verdict is that of a two-sided 95 % interval, each for itself: *better* or *worse* where it excludes 0,
    *differs* where it does and neither direction is better.

    Args:
        baseline: what is compared with.
        candidate: what is compared.
        strata: parts of the samples too, not only ``all``.
    """
    refused = not_comparable(baseline, candidate)
    for key in dict.fromkeys([*baseline.results, *candidate.results]):
        if key[1] == "all" or strata:
            yield _compared(baseline, candidate, key, refused)


def direction(before: MetricResult, after: MetricResult) -> bool | None:
    """Whether higher is better, from the side that says so."""
    return before.higher_is_better if before.higher_is_better is not None else after.higher_is_better


def equal_but_for_noise(before: float, after: float) -> bool:
    """Equal, or apart by no more than float arithmetic in another order explains."""
    if before == after:
        return True
    return math.isfinite(before) and abs(after - before) <= FLOAT_NOISE * max(1.0, abs(before))


def unequal_samples(baseline: Measurement, candidate: Measurement, before: MetricResult, after: MetricResult) -> str:
    """How many samples stand behind each of two results of one metric, where the numbers differ; else empty.

    Without rows to pair, such values do not compare. Samples that are not stated count as equal.
    """
    counts = (_covered(baseline, before), _covered(candidate, after))
    if None in counts or counts[0] == counts[1]:
        return ""
    return f"{counts[0]} samples, now {counts[1]}"


def _covered(side: Measurement, result: MetricResult) -> int | None:
    """Samples behind a result: never more than were scored, so that counts of tokens or instances are left aside."""
    return None if side.n_scored is None else min(result.n, side.n_scored)


def paired_rows(
    baseline: Measurement, candidate: Measurement, before: MetricResult, after: MetricResult
) -> Pairs | None:
    """Shared samples of two results, where both kept their rows."""
    return pair((before, baseline.rows), (after, candidate.rows))


def _compared(baseline: Measurement, candidate: Measurement, key: Key, refused: str) -> Comparison:
    before, after = baseline.results.get(key), candidate.results.get(key)
    why = refused or _unmeasured(before, after)
    if why or before is None or after is None:
        return _row(baseline, candidate, key, verdict=INCOMPARABLE, why=why)
    pairs = None if _settled(before, after) else paired_rows(baseline, candidate, before, after)
    if pairs is not None and not math.isnan(pairs.difference):
        return _paired(baseline, candidate, key, pairs, direction(before, after))
    if unequal := unequal_samples(baseline, candidate, before, after):
        return _row(baseline, candidate, key, verdict=INCOMPARABLE, why=f"{unequal}, and no rows to pair")
    return _unpaired(baseline, candidate, before, after)


def _unmeasured(before: MetricResult | None, after: MetricResult | None) -> str:
    if before is None or after is None:
        return f"only the {'candidate' if before is None else 'baseline'} has it"
    undefined = [name for name, r in (("baseline", before), ("candidate", after)) if math.isnan(r.value)]
    return results_differ(before, after) or (f"not a number in the {' and the '.join(undefined)}" if undefined else "")


def _settled(before: MetricResult, after: MetricResult) -> bool:
    """Equal to the last bit, with equal intervals: reading the rows would tell nothing new."""
    return (before.value, before.n, before.ci_low, before.ci_high) == (
        after.value,
        after.n,
        after.ci_low,
        after.ci_high,
    )


def _paired(baseline: Measurement, candidate: Measurement, key: Key, pairs: Pairs, higher: bool | None) -> Comparison:
    low, high = pairs.interval()
    known = not math.isnan(low)
    notes = [f"paired on {len(pairs)} samples" if known else "one sample, no interval: the sign alone"]
    before, after = baseline.results[key], candidate.results[key]
    if unequal_samples(baseline, candidate, before, after):
        notes.insert(0, f"n {before.n}, now {after.n}")
    if pairs.n_lost:
        notes.append(f"{pairs.n_lost} without a value now")
    if pairs.n_imperfect:
        notes.append(f"{pairs.n_imperfect} no longer perfect")
    if pairs.n_perfected:
        notes.append(f"{pairs.n_perfected} perfect now")
    verdict = _verdict(pairs.difference, (low, high) if known else None, higher, baseline.results[key].value)
    return _row(
        baseline,
        candidate,
        key,
        difference=pairs.difference,
        interval=(low, high) if known else None,
        method=f"paired bootstrap, {LEVEL:.0%}" if known else "",
        verdict=verdict,
        why="; ".join(notes),
    )


def _unpaired(baseline: Measurement, candidate: Measurement, before: MetricResult, after: MetricResult) -> Comparison:
    difference = 0.0 if before.value == after.value else after.value - before.value
    interval = (0.0, 0.0) if _settled(before, after) else unpaired_interval(before, after)
    equal, known = _settled(before, after), interval is not None
    why = "equal" if equal else ("unpaired: from the two intervals" if known else "no interval: the sign alone")
    return _row(
        baseline,
        candidate,
        (before.metric, before.stratum),
        difference=difference,
        interval=interval,
        method="" if equal or not known else f"unpaired, {LEVEL:.0%}",
        verdict=_verdict(difference, interval, direction(before, after), before.value),
        why=why,
    )


def _verdict(difference: float, interval: tuple[float, float] | None, higher: bool | None, before: float) -> str:
    if difference == 0 or equal_but_for_noise(before, before + difference):
        return SAME
    if interval is not None and interval[0] <= 0 <= interval[1]:
        return SAME
    if higher is None:
        return DIFFERS
    return BETTER if (difference > 0) == higher else WORSE


def _row(
    baseline: Measurement,
    candidate: Measurement,
    key: Key,
    *,
    verdict: str,
    why: str,
    difference: float | None = None,
    interval: tuple[float, float] | None = None,
    method: str = "",
) -> Comparison:
    before, after = baseline.results.get(key), candidate.results.get(key)
    return Comparison(
        task=baseline.task,
        metric=key[0],
        stratum=key[1],
        baseline=baseline.label,
        candidate=candidate.label,
        baseline_value=None if before is None else before.value,
        value=None if after is None else after.value,
        baseline_n=None if before is None else before.n,
        n=None if after is None else after.n,
        baseline_n_scored=baseline.n_scored,
        n_scored=candidate.n_scored,
        difference=difference,
        ci_low=None if interval is None else interval[0],
        ci_high=None if interval is None else interval[1],
        method=method,
        verdict=verdict,
        why=why,
        baseline_source=baseline.source,
        source=candidate.source,
    )


def comparable(rows: Sequence[Comparison]) -> bool:
    """Whether any metric could be compared."""
    return any(row.verdict != INCOMPARABLE for row in rows)
