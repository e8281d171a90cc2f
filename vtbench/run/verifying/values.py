"""Whether a record says what its rows say: counts, failures, and every value that is a mean over rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from vtbench.core.errors import VtbenchError
from vtbench.core.naming.trust import code_named
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.metrics.judged.tags import of_parts
from vtbench.results.comparing.statistics import stratum_mask
from vtbench.results.records.judged import finish_of, parts_of
from vtbench.results.records.record import RunRecord
from vtbench.results.records.samples import FAILED, Samples
from vtbench.results.records.statistics import aggregate

_NEAR = 1e-9
"""Relative: another machine may round the last digit of a logarithm otherwise."""


def wrong_values(record: RunRecord, rows: Samples) -> Iterator[str]:
    """What the record says otherwise than its rows, a sentence each."""
    failed = sum(status == FAILED for status in rows.status)
    counts = {
        "n_expected": (record.data.n_expected, len(rows)),
        "n_failed": (record.data.n_failed, failed),
        "n_scored": (record.data.n_scored, len(rows) - failed),
        "the number of failures": (len(record.failures), failed),
    }
    for name, (told, found) in counts.items():
        if told != found:
            yield f"says {name} {told}, its rows say {found}"
    for name in _metrics_of_rows(record.task.spec):
        yield from _wrong_value(record, rows, name)
    if record.task.spec.get("kind") == "judged":
        yield from _wrong_judged(record, rows)


def _metrics_of_rows(spec: Mapping[str, Any]) -> Iterator[str]:
    """Names of vtbench's own and of installed ones: nothing else is imported to look at a record."""
    for request in (
        *spec.get("image_metrics", ()),
        *spec.get("video_metrics", ()),
        *spec.get("robustness_metrics", ()),
    ):
        name = request.get("name") if isinstance(request, Mapping) else request
        if isinstance(name, str) and not list(code_named(name)):
            yield name


def _wrong_value(record: RunRecord, rows: Samples, name: str) -> Iterator[str]:
    try:
        info = metric_info(name)
    except VtbenchError:
        return  # of a plug-in that is not here
    result, column = record.result(info.name), rows.metrics.get(info.row_column)
    if result is None or column is None or result.version != info.version:
        return
    value, n, _ = aggregate(column, info.aggregation)
    if not _is_near(result.value, value):
        yield f"says {info.name} {result.value!r}, its rows give {value!r}"
    elif result.n != n:
        yield f"says {info.name} is of {result.n} samples, its rows of {n}"


def _wrong_judged(record: RunRecord, rows: Samples) -> Iterator[str]:
    """Values of judged metrics, overall and by part, which are functions of the means of columns."""
    for result in record.results:
        try:
            parts = parts_of(rows, result.metric, result.stratum, result.details)
            finish = finish_of(result.details, result.stratum)
        except (KeyError, TypeError, ValueError, AttributeError):
            yield f"says {result.metric} ({result.stratum}), and its rows do not tell it"
            continue
        mask = stratum_mask(rows, result.stratum)
        found = of_parts([(sums[mask], counts[mask]) for sums, counts in parts], finish)
        if not _is_near(result.value, found.value):
            yield f"says {result.metric} ({result.stratum}) {result.value!r}, its rows give {found.value!r}"


def _is_near(told: float, found: float) -> bool:
    return math.isclose(told, found, rel_tol=_NEAR) or (math.isnan(told) and math.isnan(found))
