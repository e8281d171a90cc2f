"""How the value of a metric follows from the rows of a run: a function of the means of some columns.

A record holds values and intervals, its rows hold columns; pairing two runs needs the way from one to the other. Every
value is a function of column means, so one description serves the value, and all its resamples at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtbench.results.records.judged import BY, LIMIT, PARTS, count_column, finish_of, parts_of
from vtbench.results.records.samples import Samples
from vtbench.results.records.schema import MetricResult
from vtbench.results.records.statistics import PEAK

Matrix = NDArray[np.float64]
BUCKETS = ("small", "medium", "large")
FLOOR = "floor_"
_SAME = 1e-9


@dataclass(frozen=True)
class RowStatistic:
    """A value as a function of column means.

    Attributes:
        terms: rows to ``float64 [N,C]``; a row with a NaN does not enter. ``KeyError`` where a column is not there.
        finish: column means ``[R,C]`` to values ``[R]``.
        leaves_out_infinite: infinite rows (a perfect copy) do not enter, unless all are.
    """

    terms: Callable[[Samples], Matrix]
    finish: Callable[[Matrix], Matrix]
    leaves_out_infinite: bool = False

    def value(self, samples: Samples, mask: NDArray[np.bool_]) -> float:
        """The value over the rows of ``mask``; NaN without any."""
        rows = self.terms(samples)[mask]
        rows = rows[~np.isnan(rows).any(axis=1)]
        if self.leaves_out_infinite and np.isfinite(rows).any():
            rows = rows[np.isfinite(rows).all(axis=1)]
        if not len(rows):
            return math.nan
        return self.of(rows)

    def of(self, rows: Matrix) -> float:
        """The value of ``[N,C]`` terms without a NaN; the sums are exact, so order cannot move it."""
        means = [math.fsum(c) / len(c) if np.isfinite(c).all() else float(c.mean()) for c in rows.T]
        return float(self.finish(np.array([means]))[0])


def find_statistic(runs: Sequence[tuple[MetricResult, Samples]]) -> RowStatistic | None:
    """The statistic that gives every run's recorded value of one metric from its rows, or ``None``.

    The rule is proven on the records themselves: a metric of a plug-in whose rows are aggregated in a way not known
    here is never paired by a wrong rule.
    """
    result, samples = runs[0]
    judged = count_column(result.metric) in samples.metrics or result.details.keys() & {BY, PARTS, LIMIT}
    candidates = _judged(result) if judged else _candidates(result.metric, result.stratum)
    for statistic in candidates:
        if all(_gives(statistic, result, samples) for result, samples in runs):
            return statistic
    return None


def _gives(statistic: RowStatistic, result: MetricResult, samples: Samples) -> bool:
    try:
        with np.errstate(all="ignore"):
            found = statistic.value(samples, stratum_mask(samples, result.stratum))
    except KeyError:
        return False
    return found == result.value or abs(found - result.value) <= _SAME * max(1.0, abs(result.value))


@lru_cache(maxsize=64)
def stratum_mask(samples: Samples, stratum: str) -> NDArray[np.bool_]:
    """Scored samples ``[N]`` of a stratum; all scored ones where the stratum is no field of the samples."""
    scored = np.array([status == "scored" for status in samples.status], dtype=np.bool_)
    field, _, label = stratum.partition("=")
    if field not in samples.strata:
        return scored
    return scored & np.array([own == label for own in samples.strata[field]], dtype=np.bool_)


def _candidates(metric: str, stratum: str) -> Iterator[RowStatistic]:
    """Ways to aggregate that the name allows, the likeliest first."""
    field, _, label = stratum.partition("=")
    if field in ("level", "band") and metric != "band_error":
        return
    name, _, side = metric.rpartition("_")
    if metric == "band_error":
        band = f"band_error_{label}" if field == "band" else None
        yield RowStatistic(partial(_bands, band=band), _pooled_error)
    elif metric == "psnr_pooled":
        yield RowStatistic(partial(_columns, names=("mse",)), _pooled_psnr)
    elif metric == "compat_vtbench_psnr":
        yield RowStatistic(_peak_errors, _pooled_psnr)
    elif metric.startswith("latent_drift"):
        yield RowStatistic(partial(_columns, names=(f"{metric}_change", f"{metric}_spread")), _ratio)
    elif field == "generation":
        yield from _plain(f"{metric}_{label}")
        yield from _plain(metric)
    elif metric in _TEXT:
        yield RowStatistic(partial(_text, name=metric, prefix=""), _ratio)
    elif side == "floor" and name in _TEXT:
        yield RowStatistic(partial(_text, name=name, prefix=FLOOR), _ratio)
    elif side == "excess" and name in _TEXT:
        yield RowStatistic(partial(_both_sides, name=name), _excess)
    else:
        yield from _plain(metric)
        buckets = (label,) if field == "bucket" else BUCKETS
        yield RowStatistic(partial(_buckets, metric=metric, buckets=buckets), _mean_of_ratios)


def _judged(result: MetricResult) -> Iterator[RowStatistic]:
    """A function of the means of parts, whose rows are sums and counts by turns."""
    finish = finish_of(result.details, result.stratum)
    terms = partial(_judged_terms, metric=result.metric, stratum=result.stratum, details=dict(result.details))
    yield RowStatistic(terms, lambda means: finish(_ratios(means)))


def _judged_terms(samples: Samples, metric: str, stratum: str, details: Mapping[str, Any]) -> Matrix:
    parts = parts_of(samples, metric, stratum, details)
    rows = np.stack([column for part in parts for column in part], axis=1)
    rows[~(rows[:, 1::2].sum(axis=1) > 0)] = np.nan  # a prompt that takes no part
    return rows


def _plain(metric: str) -> Iterator[RowStatistic]:
    """One column of the metric's own name."""
    terms = partial(_columns, names=(metric,))
    yield RowStatistic(terms, _first, leaves_out_infinite=True)
    yield RowStatistic(terms, _first)
    yield RowStatistic(terms, _pooled_psnr)
    yield RowStatistic(terms, _pooled_error)


def _columns(samples: Samples, names: tuple[str, ...]) -> Matrix:
    return np.stack([np.asarray(samples.metrics[name], dtype=np.float64) for name in names], axis=1)


def _bands(samples: Samples, band: str | None) -> Matrix:
    names = [band] if band else [name for name in samples.metrics if name.startswith("band_error_")]
    if not names:
        raise KeyError("band_error")
    return np.asarray(_columns(samples, tuple(names)).sum(axis=1, keepdims=True))


def _peak_errors(samples: Samples) -> Matrix:
    rows = _columns(samples, ("compat_vtbench_mse", "compat_vtbench_peak"))
    known = rows[:, 1][~np.isnan(rows[:, 1])]
    peak = float(known.max()) if len(known) else math.nan
    return np.asarray(rows[:, :1] * (PEAK / peak) ** 2) if peak > 0 else np.full((len(rows), 1), np.nan)


def _sums(samples: Samples, prefix: str, over: str, under: str) -> Matrix:
    return _columns(samples, (prefix + over, prefix + under))


def _shares(samples: Samples, prefix: str, over: str, under: str, empty: float) -> Matrix:
    """Row by row ``over / under``, ``empty`` where ``under`` is 0, and a column of ones."""
    rows = _columns(samples, (prefix + over, prefix + under))
    with np.errstate(all="ignore"):
        shares = np.where(rows[:, 1] > 0, rows[:, 0] / rows[:, 1], np.where(rows[:, 1] == 0, empty, np.nan))
    return np.stack([shares, np.ones(len(rows))], axis=1)


def _exact(samples: Samples, prefix: str) -> Matrix:
    rows = _columns(samples, (f"{prefix}text_exact",))
    return np.concatenate([rows, np.ones_like(rows)], axis=1)


def _text(samples: Samples, name: str, prefix: str) -> Matrix:
    return _TEXT[name](samples, prefix)


def _both_sides(samples: Samples, name: str) -> Matrix:
    return np.concatenate([_text(samples, name, ""), _text(samples, name, FLOOR)], axis=1)


def _buckets(samples: Samples, metric: str, buckets: tuple[str, ...]) -> Matrix:
    names = [name for bucket in buckets for name in (f"{metric}_{bucket}", f"instances_{bucket}")]
    return _columns(samples, tuple(names))


_TEXT: dict[str, Callable[[Samples, str], Matrix]] = {
    "cer": partial(_sums, over="text_edits", under="text_length"),
    "cer_macro": partial(_shares, over="text_edits", under="text_length", empty=math.nan),
    "wer": partial(_sums, over="text_word_edits", under="text_words"),
    "ned": partial(_shares, over="text_edits", under="text_max_length", empty=0.0),
    "text_accuracy": _exact,
    "compat_vtbench_cer": partial(_sums, over="compat_vtbench_edits", under="compat_vtbench_length"),
    "compat_vtbench_wer": partial(_sums, over="compat_vtbench_word_edits", under="compat_vtbench_words"),
}


def _first(means: Matrix) -> Matrix:
    return means[:, 0]


def _pooled_psnr(means: Matrix) -> Matrix:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(10.0 * (2.0 * math.log10(PEAK) - np.log10(means[:, 0])))


def _pooled_error(means: Matrix) -> Matrix:
    return -_pooled_psnr(means)


def _ratio(means: Matrix) -> Matrix:
    """Without anything to divide by a resample says nothing: NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(means[:, 1] > 0, means[:, 0] / means[:, 1], np.nan)


def _excess(means: Matrix) -> Matrix:
    return _ratio(means[:, :2]) - _ratio(means[:, 2:])


def _ratios(means: Matrix) -> Matrix:
    """Of columns by turns above and below: ``[R,2P]`` to ``[R,P]``."""
    return np.stack([_ratio(means[:, start : start + 2]) for start in range(0, means.shape[1], 2)], axis=1)


def _mean_of_ratios(means: Matrix) -> Matrix:
    return np.asarray(np.mean(_ratios(means).T, axis=0))
