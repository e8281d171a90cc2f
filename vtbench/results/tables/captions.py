"""What must stand under a table for its numbers to mean something: protocol, data, counts, intervals, warnings."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.results.records.record import RunRecord
from vtbench.results.tables.limits import limits_text, other_warnings
from vtbench.results.tables.ranking import meaning_of_marks
from vtbench.results.tables.rows import RATE_METRICS, count_text, device_of, input_size, metric_result, scored_size

_FINGERPRINT_DIGITS = 12
_LONGEST_LABEL = 32


def caption(
    records: Sequence[RunRecord], metrics: Sequence[str], constants: bool = False, hidden: Sequence[str] = ()
) -> str:
    """Plain lines, the most important first.

    Args:
        records: the rows of the table.
        metrics: its columns.
        constants: the size column was left out because every row says the same; say it here.
        hidden: metrics that did not fit.
    """
    if not records:
        return "no results"
    bold = meaning_of_marks(records, metrics)
    lines = [
        *_protocols(records, constants),
        *([f"bold: {bold}"] if bold else []),
        *_counts_of_their_own(records, metrics),
    ]
    lines += [*_intervals(records), *_codecs(records), *_troubles(records)]
    if hidden:
        lines.append(f"no room for {', '.join(hidden)}: widen the terminal, or pipe for TSV")
    return "\n".join(lines)


def _protocols(records: Sequence[RunRecord], constants: bool) -> list[str]:
    lines: dict[str, None] = {}
    for record in records:
        count = record.data.n_expected
        parts = [record.task.protocol_id, f"data {record.data.fingerprint[:_FINGERPRINT_DIGITS]}", f"n {count}"]
        parts += filter(None, [device_of(record)])
        if constants:
            given, scored = input_size(record), scored_size(record)
            parts.append(f"size {scored} px" if given == scored else f"size {given}→{scored} px")
        lines[" · ".join(parts)] = None
    note = ["rows of different lines above do not compare"] if len(lines) > 1 else []
    return [*lines, *note]


def _counts_of_their_own(records: Sequence[RunRecord], metrics: Sequence[str]) -> list[str]:
    """What ``(n 2)`` in a cell says, where a cell says it."""
    found = ((record, metric_result(record, name)) for record in records for name in (*metrics, *RATE_METRICS))
    if not any(result is not None and count_text(record, result) for record, result in found):
        return []
    return ["(n …): over so many samples only; values of unequal n do not compare"]


def _intervals(records: Sequence[RunRecord]) -> list[str]:
    methods = dict.fromkeys(
        result.ci_method
        for record in records
        for result in record.results
        if result.ci_method and result.ci_low != result.ci_high and result.metric not in RATE_METRICS
    )
    return [f"intervals (± is half of one): {'; '.join(methods)}"] if methods else []


def _codecs(records: Sequence[RunRecord]) -> list[str]:
    kinds = {record.model.kind for record in records}
    return ["a codec's tokens are bytes"] if "codec" in kinds and len(kinds) > 1 else []


def _troubles(records: Sequence[RunRecord]) -> list[str]:
    warned = {_label(record): len(told) for record in records if (told := other_warnings(record))}
    failed = {_label(record): record.data.n_failed for record in records if record.data.n_failed}
    partial = [_label(record) for record in records if record.status == "partial"]
    lines = []
    if warned:
        lines.append(f"warnings: {sum(warned.values())} ({_counts(warned)}); see record.json")
    if failed:
        lines.append(f"failed samples: {sum(failed.values())} ({_counts(failed)})")
    if partial:
        lines.append(f"partial: {', '.join(partial)}")
    if limits := limits_text(records):
        lines.append(limits)
    return lines


def _label(record: RunRecord) -> str:
    label = record.model.label
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def _counts(numbers: dict[str, int], most: int = 4) -> str:
    named = [f"{label} {count}" for label, count in list(numbers.items())[:most]]
    return ", ".join([*named, *(["…"] if len(numbers) > most else [])])
