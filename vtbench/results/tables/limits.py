"""How a run that ``--limit`` cut short is told: one calm line."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.results.records.record import RunRecord

_PREFIX = "limited: "
_WHY = "for testing only"


def limited_text(count: int, whole: int, lost: Sequence[str] = ()) -> str:
    """The one warning of a limited record.

    Args:
        count: samples that were to be scored.
        whole: samples of the whole set.
        lost: metrics for which these are too few.
    """
    too_few = f"; too few for {', '.join(lost)}" if lost else ""
    return f"{_PREFIX}{count} of {whole} samples: {_WHY}{too_few}"


def limits_text(records: Sequence[RunRecord]) -> str:
    """One line for many records, each task once; empty where none is limited."""
    cut: dict[str, str] = {}
    for record in records:
        if record.data.limited_from is not None:
            cut[record.task.name] = f"{record.data.n_expected} of {record.data.limited_from}"
    told = ", ".join(cut.values() if len(cut) == 1 else [f"{task} {counts}" for task, counts in cut.items()])
    return f"{_PREFIX}{told} samples: {_WHY}" if cut else ""


def other_warnings(record: RunRecord) -> list[str]:
    """What a record warns of, apart from its limit."""
    return [warning for warning in record.warnings if not warning.startswith(_PREFIX)]
