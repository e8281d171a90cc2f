"""Arguments of ``compare`` and ``check`` to measurements: runs, folders above runs, rows of a leaderboard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.outside.csv_rows import csv_rows
from vtbench.core.outside.parsing import boundary, read_text
from vtbench.results.comparing.baseline import is_baseline, measurement_of, read_baseline
from vtbench.results.comparing.choice import chosen_models, split_choice
from vtbench.results.comparing.measurement import Key, Measurement, from_record
from vtbench.results.leaderboards.columns import COUNT, FACT_COLUMNS, KEY_COLUMNS, ORIGIN_COLUMNS
from vtbench.results.records.record import readable_records, warn_of
from vtbench.results.records.schema import MetricResult

_SUFFIX = ".csv"
_RATES = {"tokens_per_image", "bits_per_pixel"}
_NO_METRICS = {*KEY_COLUMNS, *FACT_COLUMNS, *ORIGIN_COLUMNS} - _RATES
_MOST_DIGITS = 15
_ENDS = ("_ci_low", "_ci_high")


def load_measurements(argument: str | Path, unreadable: Callable[[VtbenchError], None] = warn_of) -> list[Measurement]:
    """Every measurement an argument names.

    Args:
        argument: a run folder, a ``record.json``, a folder above runs, a baseline that ``check --update`` wrote, or
            a leaderboard's CSV; of each one model as ``PLACE#MODEL`` (``#MODEL@REVISION`` where a model has several).
        unreadable: told of records in a folder that cannot be read, and are passed over.

    Raises:
        UsageError: nothing is there, or no such model.
        VtbenchError: a record or a table that cannot be read.
    """
    path, chosen = split_choice(str(argument))
    found = _everything(path, unreadable)
    return chosen_models(found, chosen, path) if chosen else found


def _everything(path: str, unreadable: Callable[[VtbenchError], None]) -> list[Measurement]:
    if path.endswith(_SUFFIX):
        return _leaderboard_rows(Path(path))
    if is_baseline(Path(path)):
        return [measurement_of(job, path) for job in read_baseline(Path(path)).jobs]
    return [from_record(record, file) for file, record in readable_records(path, unreadable)]


def matched(sides: Sequence[Sequence[Measurement]], names: Sequence[str]) -> list[tuple[Measurement | None, ...]]:
    """One tuple a job, an entry a side (``None`` where a side lacks it), in the order they are met.

    Jobs are matched by task where every side has at most one measurement of it, else by task and model.

    Args:
        sides: the measurements of each argument.
        names: what to call the sides in a message.

    Raises:
        UsageError: two runs of one model on one task in one argument.
    """
    keys = _keys(sides)
    tables = [_by_key(side, keys, name) for side, name in zip(sides, names, strict=True)]
    order = dict.fromkeys(key for table in tables for key in table)
    return [tuple(table.get(key) for table in tables) for key in order]


def alone(jobs: Iterable[Sequence[Measurement | None]], names: Sequence[str]) -> list[str]:
    """What has no counterpart, in words: a job that the first side lacks, or that no other has."""
    told = []
    for job in jobs:
        there = [(found, name) for found, name in zip(job, names, strict=True) if found is not None]
        if job[0] is None or len(there) == 1:
            told += [f"{found.label} on {found.task} is in {name} alone" for found, name in there]
    return told


def _keys(sides: Sequence[Sequence[Measurement]]) -> dict[str, bool]:
    """Task name to whether the model's label is part of the key."""
    tasks = {found.task for side in sides for found in side}
    return {task: any(sum(found.task == task for found in side) > 1 for side in sides) for task in tasks}


def _by_key(side: Sequence[Measurement], labelled: Mapping[str, bool], name: str) -> dict[Key, Measurement]:
    table: dict[Key, Measurement] = {}
    for found in side:
        key = (found.task, found.label if labelled[found.task] else "")
        if key in table:
            raise UsageError(
                f"{name} holds {found.label} on {found.task} more than once: {table[key].source} and {found.source}",
                "name one of them",
            )
        table[key] = found
    return table


def _leaderboard_rows(path: Path) -> list[Measurement]:
    header, rows = csv_rows(read_text(path), path, "is it a leaderboard's table?")
    missing = [name for name in KEY_COLUMNS if name not in header]
    if missing:
        raise UsageError(f"{path} has no column {', '.join(missing)}", f"a leaderboard has {', '.join(KEY_COLUMNS)}")
    return [_from_row(row, f"{path}:{line}", path) for line, row in rows]


def _from_row(row: Mapping[str, str], where: str, path: Path) -> Measurement:
    n = _count(row, "n_scored")
    with boundary(f"{where} is no row of a leaderboard", kind=UsageError):
        results = _csv_results(row, n or 0)
    return Measurement(
        source=f"{path}#{row['model']}",
        label=row["model"],
        task=row["protocol_id"].partition("@")[0],
        protocol_id=row["protocol_id"],
        fingerprint=row.get("data_fingerprint") or "",
        results=results,
        dtype=row["dtype"],
        revision=row["revision"],
        n_expected=_count(row, "n_expected"),
        n_scored=n,
        n_failed=_count(row, "n_failed"),
    )


def _count(row: Mapping[str, str], name: str) -> int | None:
    text = row.get(name) or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS else None


def _csv_results(row: Mapping[str, str], n: int) -> dict[Key, MetricResult]:
    """Every numeric column that is no key and no end of an interval. A table states no direction: the record does."""
    found: dict[Key, MetricResult] = {}
    for name, text in row.items():
        value = _number(text)
        if name is None or name in _NO_METRICS or name.endswith((*_ENDS, COUNT)) or value is None:
            continue
        low, high = (_number(row.get(f"{name}{end}")) for end in _ENDS)
        ends = (
            {}
            if low is None or high is None
            else {"ci_low": low, "ci_high": high, "ci_method": "as the table states it"}
        )
        own = _count(row, f"{name}{COUNT}")
        content = {"metric": name, "value": value, "n": n if own is None else own, **ends}
        found[name, "all"] = MetricResult.model_validate(content)
    return found


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
