"""Measured rows of a leaderboard, with reported ones beside them: in one list, never in one column of numbers."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.results.leaderboard import PUBLISHED
from vtbench.results.leaderboard_columns import FAMILIES, METRIC_COLUMNS
from vtbench.results.published import ReportedRow, read_published

SHOWN = ("metric", "model", "measured", "interval", "reported", "stratum", "protocol", "source")
_REPORTED_OF = {
    "fid": ("fid", "rfid", "gfid"),
    "lpips_alex": ("lpips", "lpips_alex"),
    "lpips_vgg": ("lpips", "lpips_vgg"),
}
"""What a measured metric may be called where protocols are loose."""
_ORDER_OF_METRIC = {
    name: place for place, name in enumerate(dict.fromkeys(n for m in METRIC_COLUMNS.values() for n in m))
}


def shown_rows(root: Path, family: str, metric: str | None, model: str | None, published: bool) -> list[dict[str, Any]]:
    """Rows of one family, by metric; measured ones first.

    Args:
        metric: only this one.
        model: only models whose name holds this text, whatever its case.

    Raises:
        UsageError: no such family, or nothing to show.
    """
    if family not in FAMILIES:
        raise UsageError(f"no leaderboard {family!r}", f"known: {', '.join(FAMILIES)}")
    rows = _measured(root / f"{family}.csv", family, metric)
    if published:
        rows += [_reported(row) for row in read_published(root / PUBLISHED) if _fits(row, family, metric)]
    if model is not None:
        rows = [row for row in rows if model.lower() in row["model"].lower()]
    if not rows:
        raise UsageError(f"the leaderboard {family} has nothing of that", "leave out --metric or --model")
    return sorted(rows, key=lambda row: (_place(row["metric"]), row["measured"] == "", row["metric"], row["model"]))


def _measured(path: Path, family: str, metric: str | None) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    names = [name for name in METRIC_COLUMNS[family] if metric in (None, name)]
    return [
        {
            "metric": name,
            "model": row["model"],
            "measured": row[name],
            "interval": f"[{row[f'{name}_ci_low']}, {row[f'{name}_ci_high']}]" if row[f"{name}_ci_low"] else "",
            "reported": "",
            "stratum": "",
            "protocol": f"{row['protocol_id']}, n {row['n_scored']}, {row['scored_size']} px, fed {row['input_size']}",
            "source": f"run {row['run']}",
        }
        for row in table
        for name in names
        if row[name]
    ]


def _reported(row: ReportedRow) -> dict[str, Any]:
    return {
        "metric": row.metric,
        "model": row.model,
        "measured": "",
        "interval": "",
        "reported": f"{row.value:g}",
        "stratum": row.stratum,
        "protocol": row.protocol,
        "source": f"{row.source}{f', {row.table}' if row.table else ''}",
    }


def _fits(row: ReportedRow, family: str, metric: str | None) -> bool:
    wanted = METRIC_COLUMNS[family] if metric is None else (metric,)
    return any(row.metric in _REPORTED_OF.get(name, (name,)) for name in wanted)


def _place(metric: str) -> int:
    names = [name for name, aliases in _REPORTED_OF.items() if metric in aliases]
    return min((_ORDER_OF_METRIC.get(name, 999) for name in (metric, *names)), default=999)
