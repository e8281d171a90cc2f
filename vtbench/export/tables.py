"""CSV and Parquet: the project's own frames, of all runs in one file each; whole files, replaced as such."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.core.disk.files import atomic_path, user_path, write_text
from vtbench.core.outgoing import table_cell
from vtbench.core.secrets import masked
from vtbench.export.values import Exported, Order, Written
from vtbench.results.records.record import RunRecord
from vtbench.results.tables.frames import TEXT, metrics_frame, runs_frame, samples_frame_of

if TYPE_CHECKING:
    import pandas as pd


def write(runs: Sequence[Exported], order: Order) -> list[Written]:
    """Write ``runs``, ``metrics`` and ``samples`` into the folder ``order.dest``, by default ``exported/<to>``.

    Columns and dtypes are those of :mod:`vtbench.results.tables.frames`. In a CSV, text that a spreadsheet would take
    for a formula is led by an apostrophe.

    Raises:
        UnwritableError: a file cannot be written.
    """
    folder = user_path(order.dest or f"exported/{order.to}")
    records = [run.record for run in runs]
    frames = {
        "runs": runs_frame(records),
        "metrics": metrics_frame(records),
        "samples": samples_frame_of((run.folder, run.record) for run in runs if run.folder is not None),
    }
    return [_write(frame, folder / f"{name}.{order.to}", name, len(records)) for name, frame in frames.items()]


def results_frame(record: RunRecord) -> pd.DataFrame:
    """The long frame of one run's results, without credentials."""
    return _plain(metrics_frame([record]))


def results_csv(record: RunRecord) -> str:
    """:func:`results_frame` as CSV text."""
    return _csv(results_frame(record))


def _write(frame: pd.DataFrame, path: Path, name: str, count: int) -> Written:
    plain = _plain(frame)
    if path.suffix == ".csv":
        write_text(path, _csv(plain))
    else:
        with atomic_path(path) as temporary:
            plain.to_parquet(temporary, index=False)
    return Written(f"{name} of {count} runs", str(path), len(frame), 0)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Without credentials and names of people, wherever a record of an earlier version has some."""
    return _each_text(frame, masked)


def _csv(frame: pd.DataFrame) -> str:
    safe = _each_text(frame, table_cell).rename(columns=table_cell)
    text: str = safe.to_csv(index=False, lineterminator="\n")
    return text


def _each_text(frame: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    changed: pd.DataFrame = frame.copy()
    for name in frame.columns:
        if str(frame[name].dtype) == TEXT:
            column: Any = frame[name]
            known = {text: change(text) for text in column.dropna().unique()}
            changed[name] = column.map(known, na_action="ignore").astype(TEXT)
    return changed
