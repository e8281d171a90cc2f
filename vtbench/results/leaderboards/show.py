"""What ``leaderboard show`` prints: measured runs as ``show`` prints any, reported numbers in a table of their own."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.results.leaderboards.columns import FAMILIES
from vtbench.results.leaderboards.folder import chosen_rows, read_rows
from vtbench.results.leaderboards.reported import LinkedCard, loose_names, reported_rows
from vtbench.results.leaderboards.selection import BY_MODEL, BY_RATE, Selection
from vtbench.results.records.record import RunRecord, read_record
from vtbench.results.tables.rows import RATE_METRICS, by_rate, metric_result


@dataclass(frozen=True)
class Shown:
    """Rows of one family.

    Attributes:
        measured: a run each, task by task.
        metrics: columns asked for; ``None`` stands for those of the tasks' own tables.
        reported: rows of :func:`~vtbench.results.leaderboards.reported.reported_rows`.
    """

    measured: tuple[RunRecord, ...]
    metrics: tuple[str, ...] | None
    reported: tuple[dict[str, Any], ...]

    @property
    def warning(self) -> str:
        """What must be said where reported numbers stand beside measured ones; empty where there are none."""
        protocols = {row["protocol"] for row in self.reported}
        if not protocols:
            return ""
        told = (
            f"reported numbers were taken under {_count(len(protocols), 'other protocol')}, as their sources state them"
        )
        own = {record.task.protocol_id for record in self.measured}
        beside = f", and none under the {_count(len(own), 'measured one')}" if own else ""
        return f"{told}{beside}: read them beside, not against, what was measured"


def shown(
    root: Path, family: str, selection: Selection, cards: Mapping[str, LinkedCard] | None, published: bool = True
) -> Shown:
    """Rows of one family, measured and reported.

    Args:
        root: the leaderboard folder.
        family: which leaderboard.
        selection: what is asked for.
        cards: cards of reported models, by the name their sources use.
        published: reported rows too.

    Raises:
        UsageError: no such family, task or metric, or nothing to show.
        VtbenchError: a record or a published row that cannot be read.
    """
    if family not in FAMILIES:
        raise UsageError(f"no leaderboard {family!r}", f"known: {', '.join(FAMILIES)}")
    records = [read_record(row.file) for row in chosen_rows(read_rows(root)) if row.family == family]
    _check_task(selection.task, records)
    reported = reported_rows(root, family, selection, cards or {}) if published else []
    measured = [record for record in records if _is_asked_for(record, selection)]
    if not measured and not reported:
        raise _nothing(family, selection)
    _check_sort(selection.sort, records, reported)
    held = tuple(name for name in selection.metrics if any(metric_result(record, name) for record in measured))
    return Shown(
        measured=tuple(_sorted(measured, selection.sort)),
        metrics=held if selection.metrics else None,
        reported=tuple(reported),
    )


def _is_asked_for(record: RunRecord, selection: Selection) -> bool:
    rate = metric_result(record, "bits_per_pixel")
    wanted = [metric_result(record, name) for name in selection.metrics]
    return (
        selection.task in (None, record.task.name)
        and selection.takes_name(record.model.label)
        and selection.takes_rate(None if rate is None else rate.value)
        and (not wanted or any(result is not None for result in wanted))
    )


def _sorted(records: Iterable[RunRecord], sort: str) -> list[RunRecord]:
    """Task by task; within one by rate, by name, or by a metric: the best first, a missing value last."""
    ordered = by_rate(records)
    if sort == BY_MODEL:
        return sorted(ordered, key=lambda record: (record.task.name, record.task.protocol_id, record.model.label))
    if sort == BY_RATE:
        return ordered
    return sorted(ordered, key=lambda record: (record.task.name, record.task.protocol_id, *_goodness(record, sort)))


def _goodness(record: RunRecord, metric: str) -> tuple[bool, float]:
    result = metric_result(record, metric)
    if result is None or math.isnan(result.value):
        return True, 0.0
    return False, -result.value if result.higher_is_better else result.value


def _nothing(family: str, selection: Selection) -> UsageError:
    if selection == Selection(sort=selection.sort):
        return UsageError(f"the leaderboard {family} has no rows yet", "vtbench leaderboard add RUN makes some")
    return UsageError(f"the leaderboard {family} has nothing of that", "leave out --metric, --model or --max-bpp")


def _check_task(task: str | None, records: Sequence[RunRecord]) -> None:
    known = list(dict.fromkeys(record.task.name for record in records))
    if task is not None and task not in known:
        raise UsageError(f"nothing was measured on the task {task!r}", _hint(task, known))


def _check_sort(sort: str, records: Sequence[RunRecord], reported: Sequence[Mapping[str, Any]]) -> None:
    measured = dict.fromkeys(result.metric for record in records for result in record.results)
    known = [BY_RATE, BY_MODEL, *measured, *dict.fromkeys(str(row["metric"]) for row in reported), *RATE_METRICS]
    if not {*loose_names(sort)} & {*known}:
        raise UsageError(f"cannot sort by {sort!r}", _hint(sort, known))


def _hint(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(dict.fromkeys(known))}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
