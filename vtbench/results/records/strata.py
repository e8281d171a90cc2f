"""One metric by one field of the samples: where, not only how much, a model fails."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from vtbench.core.errors import UsageError
from vtbench.results.records.record import RunRecord

Row = dict[str, float | str | None]


def fields(records: Sequence[RunRecord]) -> list[str]:
    """The fields that these records have strata of, in the order of their tasks."""
    named = (result.stratum.partition("=")[0] for record in records for result in record.results)
    return list(dict.fromkeys(name for name in named if name not in ("all", "level")))


def by_stratum(records: Sequence[RunRecord], field: str, metric: str) -> list[Row]:
    """One row a model: ``model``, then the metric's value for each value of ``field``, as ``field=value``, and ``all``.

    Where some value rests on fewer samples than others of its stratum do, every value is followed by its count, as
    ``field=value n``.

    Raises:
        UsageError: no record has strata of that field, or none has that metric by it.
    """
    known = fields(records)
    if field not in known:
        close = difflib.get_close_matches(field, known, n=1)
        told = f"did you mean {close[0]}?" if close else f"known: {', '.join(known) or 'none in these runs'}"
        raise UsageError(f"no results by {field!r}", told)
    strata = _strata(records, field, metric)
    if not strata:
        offered = dict.fromkeys(
            r.metric for record in records for r in record.results if r.stratum.startswith(f"{field}=")
        )
        raise UsageError(f"no {metric} by {field}", f"there are: {', '.join(offered)}")
    chosen = [record for record in records if any(record.result(metric, stratum) for stratum in strata)]
    counted = any(_is_over_fewer(record, metric, stratum) for record in chosen for stratum in (*strata, "all"))
    return [{"model": record.model.label, **_values(record, metric, strata, counted)} for record in chosen]


def _strata(records: Sequence[RunRecord], field: str, metric: str) -> list[str]:
    found = (
        result.stratum
        for record in records
        for result in record.results
        if result.metric == metric and result.stratum.startswith(f"{field}=")
    )
    return list(dict.fromkeys(found))


def _is_over_fewer(record: RunRecord, metric: str, stratum: str) -> bool:
    """Whether another metric has a value on more samples of this stratum."""
    result, scored = record.result(metric, stratum), record.data.n_scored
    counts = [other.n for other in record.results if other.stratum == stratum and other.n <= scored]
    return result is not None and result.n < max(counts, default=0)


def _values(record: RunRecord, metric: str, strata: Sequence[str], counted: bool) -> Row:
    row: Row = {}
    for stratum in (*strata, "all"):
        result = record.result(metric, stratum)
        row[stratum] = None if result is None else result.value
        if counted:
            row[f"{stratum} n"] = None if result is None else result.n
    return row
