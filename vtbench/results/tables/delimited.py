"""Results for machines: TSV and JSON, full precision, one row a model and task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vtbench.core.outgoing import table_cell
from vtbench.results.records import strict_json
from vtbench.results.records.record import RunRecord
from vtbench.results.tables.rows import all_metrics, input_size, metric_result, scored_size

_IDENTITY: dict[str, Callable[[RunRecord], Any]] = {
    "model": lambda record: record.model.label,
    "reference": lambda record: record.model.reference,
    "task": lambda record: record.task.name,
    "protocol_id": lambda record: record.task.protocol_id,
    "data_fingerprint": lambda record: record.data.fingerprint,
    "status": lambda record: record.status,
    "n": lambda record: record.data.n_scored,
    "n_expected": lambda record: record.data.n_expected,
    "n_failed": lambda record: record.data.n_failed,
    "input_size": input_size,
    "scored_size": scored_size,
    "warnings": lambda record: len(record.warnings),
}
_ENDS = ("", "_ci_low", "_ci_high", "_n")
_RESULT_FIELDS = {"value", "n", "ci_low", "ci_high", "ci_method", "unit", "higher_is_better", "version"}


def results_tsv(records: Sequence[RunRecord], metrics: Sequence[str] | None = None) -> str:
    """Tab-separated text with a header line; every metric is followed by ``_ci_low``, ``_ci_high`` and ``_n``.

    Floats are Python's shortest exact representation (``inf``, ``nan``); what is missing is an empty cell.

    Args:
        records: one row each, in the order given.
        metrics: which metrics, in this order; by default all, the tasks' own tables first.
    """
    names = list(metrics) if metrics is not None else all_metrics(records)
    header = [*_IDENTITY, *(f"{name}{end}" for name in names for end in _ENDS)]
    lines = [header, *(_tsv_cells(record, names) for record in records)]
    return "".join("\t".join(line) + "\n" for line in lines)


def results_json(records: Sequence[RunRecord], metrics: Sequence[str] | None = None) -> str:
    """A strict JSON list of objects; ``results`` holds one object a metric (non-finite floats are strings)."""
    return strict_json.dumps(results_rows(records, metrics))


def results_rows(records: Sequence[RunRecord], metrics: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """What :func:`results_json` writes, as Python objects."""
    names = list(metrics) if metrics is not None else all_metrics(records)
    return [_json_row(record, names) for record in records]


def _tsv_cells(record: RunRecord, names: Sequence[str]) -> list[str]:
    values: list[Any] = [tell(record) for tell in _IDENTITY.values()]
    for name in names:
        result = metric_result(record, name)
        values += [None] * len(_ENDS) if result is None else [result.value, result.ci_low, result.ci_high, result.n]
    return [_tsv_text(value) for value in values]


def _tsv_text(value: Any) -> str:
    """One cell: no tab or line break can end it early."""
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else table_cell(str(value))


def _json_row(record: RunRecord, names: Sequence[str]) -> dict[str, Any]:
    found = {name: result for name in names if (result := metric_result(record, name)) is not None}
    return {
        **{name: tell(record) for name, tell in _IDENTITY.items()},
        "warnings": list(record.warnings),
        "results": {name: result.model_dump(include=_RESULT_FIELDS) for name, result in found.items()},
    }
