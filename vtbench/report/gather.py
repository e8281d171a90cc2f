"""Finished runs, grouped so that only rows that compare share a table."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vtbench.core.errors import VtbenchError
from vtbench.results.leaderboards.columns import FAMILIES
from vtbench.results.records.record import RunRecord, readable_records
from vtbench.results.records.samples import SAMPLES_FILE, Samples, read_samples


@dataclass(frozen=True, eq=False)
class Run:
    """A record, and the folder it lies in, with its rows and pictures if they are still there."""

    record: RunRecord
    folder: Path

    @property
    def label(self) -> str:
        """How tables call the model."""
        return self.record.model.label

    @cached_property
    def samples(self) -> Samples | None:
        """Rows of the images; ``None`` where they are not there, or cannot be read, which is told."""
        path = self.folder / SAMPLES_FILE
        try:
            return read_samples(path) if path.is_file() else None
        except VtbenchError as error:
            warnings.warn(f"what its rows show is left out: {' '.join(str(error).split())}", stacklevel=2)
            return None


@dataclass(frozen=True, eq=False)
class Board:
    """Runs of one task under one protocol on one set of data: rows that compare."""

    runs: tuple[Run, ...]

    @property
    def first(self) -> RunRecord:
        """What all of them share: task, protocol, data."""
        return self.runs[0].record

    @property
    def title(self) -> str:
        """The task's name."""
        return self.first.task.name

    @property
    def kind(self) -> str:
        """reconstruction, detail, text, generation or tokens."""
        return str(self.first.task.spec.get("kind", "reconstruction"))


def read_boards(paths: Sequence[Path]) -> list[Board]:
    """Every finished run at or below the paths, by protocol and data; rows by bits a pixel, then by name.

    Raises:
        UsageError: a path without records.
        VtbenchError: no record can be read; one that cannot is told as a warning.
    """
    files = {file.resolve(): record for path in paths for file, record in readable_records(path)}
    return boards_of(Run(record, file.parent) for file, record in files.items())


def boards_of(runs: Iterable[Run]) -> list[Board]:
    """Runs by protocol and data; rows by bits a pixel, then by name."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.record.task.protocol_id, run.record.data.fingerprint), []).append(run)
    boards = [Board(tuple(sorted(members, key=_order))) for members in groups.values()]
    return sorted(boards, key=lambda board: (_place(board), board.title, board.first.task.protocol_id))


_KINDS = {kind: place for place, kind in enumerate(FAMILIES)}


def _place(board: Board) -> int:
    """Kinds in a fixed order; the tasks of a generator's tokenizer stand with the generators."""
    beside = board.title.endswith(("-tokenizer", "-training"))
    return _KINDS["generation"] if beside else _KINDS.get(board.kind, len(_KINDS))


def _order(run: Run) -> tuple[float, str]:
    rate = run.record.result("bits_per_pixel")
    return (rate.value if rate is not None else float("inf"), run.label)
