"""Results of one part of the samples at a time, and of text, where a rate is a sum over a sum."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vtbench.core.contracts import Estimate
from vtbench.metrics.catalog.lookup import TEXT_INFOS
from vtbench.metrics.catalog.rates import REREAD
from vtbench.metrics.texts.compat_omnidoc import OMNIDOC_COLUMNS
from vtbench.metrics.texts.error_rates import row_neds, row_rates
from vtbench.results.records.ratios import ratio, ratio_difference, ratio_interval
from vtbench.results.records.samples import FAILED, Samples
from vtbench.results.records.statistics import Aggregate, interval_method
from vtbench.run.measuring.reading import FLOOR_PREFIX

Mask = NDArray[np.bool_]
Column = NDArray[np.float64]
Columns = tuple[Column, Column]


def strata(samples: Samples, names: Sequence[str]) -> Iterator[tuple[str, Mask]]:
    """``all`` scored samples, then each value of each field, as ``glyph_px=8``; numbers in numeric order."""
    scored = np.array([status != FAILED for status in samples.status], dtype=np.bool_)
    yield "all", scored
    for name in names:
        labels = np.array(samples.strata[name], dtype=object)
        for label in sorted({str(value) for value in labels[scored]} - {""}, key=natural):
            yield f"{name}={label}", scored & (labels == label)


def natural(label: str) -> tuple[int, float, str]:
    """Numbers in numeric order, before other labels."""
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def text_estimates(name: str, samples: Samples, mask: Mask) -> Iterator[tuple[str, Estimate]]:
    """A text metric, its floor and its excess, each with its public name; nothing where no text was compared."""
    if name in _COMPAT_COLUMNS:  # the truth is what was read on the original: there is no floor beside it
        rate = _COMPAT_COLUMNS[name](samples, "", mask)
        if ratio(*rate).n > 0:
            yield name, _estimate(ratio(*rate), ratio_interval(*rate))
        return
    columns = _TEXT_COLUMNS[name]
    read, floor = (columns(samples, prefix, mask) for prefix in ("", FLOOR_PREFIX))
    if ratio(*read).n == 0:
        return
    yield name, _estimate(ratio(*read), ratio_interval(*read))
    yield f"{name}_floor", _estimate(ratio(*floor), ratio_interval(*floor))
    yield f"{name}_excess", _estimate(*ratio_difference(read, floor))


def _estimate(found: Aggregate, interval: tuple[float, float]) -> Estimate:
    low, high = interval
    if math.isnan(low):
        return Estimate(value=found.value, n=found.n, details=found.details)
    method = interval_method()
    return Estimate(value=found.value, n=found.n, ci_low=low, ci_high=high, ci_method=method, details=found.details)


def _sums(edits: str, lengths: str) -> Callable[[Samples, str, Mask], Columns]:
    def columns(samples: Samples, prefix: str, mask: Mask) -> Columns:
        return _column(samples, prefix + edits, mask), _column(samples, prefix + lengths, mask)

    return columns


def _means(
    rows: Callable[[Column, Column], list[float]], first: str, second: str
) -> Callable[[Samples, str, Mask], Columns]:
    def columns(samples: Samples, prefix: str, mask: Mask) -> Columns:
        values = rows(_column(samples, prefix + first, mask), _column(samples, prefix + second, mask))
        return np.array(values, dtype=np.float64), np.ones(len(values))

    return columns


def _column(samples: Samples, name: str, mask: Mask) -> Column:
    return np.asarray(samples.metrics[name], dtype=np.float64)[mask]


_TEXT_COLUMNS: dict[str, Callable[[Samples, str, Mask], Columns]] = {
    "cer": _sums("text_edits", "text_length"),
    "cer_macro": _means(row_rates, "text_edits", "text_length"),
    "wer": _sums("text_word_edits", "text_words"),
    "ned": _means(row_neds, "text_edits", "text_max_length"),
    "text_accuracy": _means(lambda exact, _: exact.tolist(), "text_exact", "text_exact"),
}
_TEXT_COLUMNS |= {
    f"{REREAD}{name}": _TEXT_COLUMNS[same]
    for name, same in {"cer": "cer", "ned": "ned", "accuracy": "text_accuracy"}.items()
}
_COMPAT_COLUMNS: dict[str, Callable[[Samples, str, Mask], Columns]] = {
    "compat_vtbench_cer": _sums("compat_vtbench_edits", "compat_vtbench_length"),
    "compat_vtbench_wer": _sums("compat_vtbench_word_edits", "compat_vtbench_words"),
    "compat_omnidoc_ned": _means(
        lambda edits, longer: [1.0 - ned for ned in row_neds(edits, longer)], *OMNIDOC_COLUMNS
    ),
}
assert set(TEXT_INFOS) >= {*_TEXT_COLUMNS, *_COMPAT_COLUMNS}
