"""Measured rows of a leaderboard, with reported ones beside them: in one list, never in one column of numbers."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.results.leaderboard import PUBLISHED
from vtbench.results.leaderboard_columns import FAMILIES, METRIC_COLUMNS, columns_of
from vtbench.results.published import REPORTED, ReportedRow, read_published

SHOWN = ("metric", "model", "source", "measured", "reported", "interval", "stratum", "protocol", "origin")
MEASURED = "measured"
_FAMILIES_OF_FILE = {
    "tokenizers": ("reconstruction",),
    "tokenbench": ("reconstruction",),
    "tokbench": ("text", "detail"),
    "generators": ("generation",),
    "efficiency": ("generation",),
    "evaluators": ("generation",),
}
"""Which leaderboards a file of published numbers stands beside; one that is not named here, beside all."""
_LOOSE_NAMES = {"fid": ("rfid", "gfid"), "lpips_alex": ("lpips",), "lpips_vgg": ("lpips",)}
"""What sources call a metric that has one exact name here."""
_PLACE = {name: place for place, name in enumerate(dict.fromkeys(n for m in METRIC_COLUMNS.values() for n in m))}
_PLACE |= {loose: _PLACE[name] for name, many in reversed(_LOOSE_NAMES.items()) for loose in many}


def shown_rows(root: Path, family: str, metric: str | None, model: str | None, published: bool) -> list[dict[str, Any]]:
    """Rows of one family, by metric; measured ones first.

    ``source`` says which a row is; its number is in the column of that name and the other one is empty. Finite
    numbers are floats, infinity is ``"inf"``.

    Args:
        root: the leaderboard folder.
        family: which CSV.
        metric: only this one, under its own name or a looser one of a source (``fid`` finds ``rfid``).
        model: only models whose name holds this text, whatever its case.
        published: reported rows too.

    Raises:
        UsageError: no such family, or nothing to show.
        VtbenchError: a CSV that ``check`` would refuse.
    """
    if family not in FAMILIES:
        raise UsageError(f"no leaderboard {family!r}", f"known: {', '.join(FAMILIES)}")
    rows = _measured(root / f"{family}.csv", family, metric)
    if published:
        rows += [_reported(row) for row in read_published(root / PUBLISHED) if _stands_beside(row, family, metric)]
    if model is not None:
        rows = [row for row in rows if model.lower() in row["model"].lower()]
    if not rows:
        raise UsageError(f"the leaderboard {family} has nothing of that", "leave out --metric or --model")
    return sorted(rows, key=_order)


def warning(rows: list[dict[str, Any]]) -> str:
    """What must be said of a list that holds reported numbers; empty where it holds none."""
    reported = {row["protocol"] for row in rows if row["source"] == REPORTED}
    measured = {row["protocol"] for row in rows if row["source"] == MEASURED}
    if not reported:
        return ""
    told = f"reported numbers were taken under {_count(len(reported), 'other protocol')}, as their sources state them"
    beside = f"and none under the {_count(len(measured), 'measured one')}: " if measured else ": "
    return f"{told}{', ' if measured else ''}{beside}read them beside, not against, what was measured"


def _measured(path: Path, family: str, metric: str | None) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if list(reader.fieldnames or ()) != columns_of(family):
            raise UsageError(f"{path} has other columns than the leaderboard", "run vtbench leaderboard build")
        table = list(reader)
    names = [name for name in METRIC_COLUMNS[family] if metric in (None, name)]
    return [_measured_row(row, name) for row in table for name in names if row[name]]


def _measured_row(row: dict[str, str], name: str) -> dict[str, Any]:
    ends = row[f"{name}_ci_low"], row[f"{name}_ci_high"]
    scored, expected = row["n_scored"], row["n_expected"]
    count = scored if scored == expected else f"{scored} of {expected}"
    return {
        "metric": name,
        "model": row["model"],
        "source": MEASURED,
        "measured": _number(float(row[name])),
        "reported": "",
        "interval": f"[{ends[0]}, {ends[1]}]" if ends[0] else "",
        "stratum": "all",
        "protocol": f"{row['protocol_id']}, n {count}, {row['scored_size']} px, fed {row['input_size']}",
        "origin": f"{row['device']}, run {row['job_key']}",
    }


def _reported(row: ReportedRow) -> dict[str, Any]:
    return {
        "metric": row.metric,
        "model": row.model,
        "source": REPORTED,
        "measured": "",
        "reported": _number(row.value),
        "interval": "",
        "stratum": row.stratum,
        "protocol": row.protocol,
        "origin": f"{row.source}{f', {row.table}' if row.table else ''}",
    }


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _stands_beside(row: ReportedRow, family: str, metric: str | None) -> bool:
    if family not in _FAMILIES_OF_FILE.get(row.file, FAMILIES):
        return False
    return metric is None or row.metric in (metric, *_LOOSE_NAMES.get(metric, ()))


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    name = row["metric"]
    return _PLACE.get(name, len(_PLACE)), row["source"] == REPORTED, name, row["model"], row["protocol"]


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
