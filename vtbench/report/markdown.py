"""The report as Markdown, for a pull request: tables, and what must stand under them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vtbench.report.gather import Board
from vtbench.report.tables import summary

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~])")


def markdown_page(boards: Sequence[Board], title: str = "vtbench report") -> str:
    """A section a board; text from data is escaped."""
    parts = [f"## {escaped(title)}\n"]
    for board in boards:
        parts += [f"### {escaped(board.title)}\n", _table(board), _foot(board)]
    return "\n".join(parts)


def _table(board: Board) -> str:
    table = summary(board)
    lines = [["model", *table.headers], ["---", *["--:"] * len(table.headers)]]
    lines += [
        [label, *(f"**{cell.text}**" if cell.best else cell.text for cell in cells)] for label, cells in table.rows
    ]
    body = [[escaped(line[0]), *line[1:]] for line in lines[2:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in [*lines[:2], *body]) + "\n"


def _foot(board: Board) -> str:
    record = board.first
    marked = summary(board).marked
    lines = [
        f"`{record.task.protocol_id}` · data `{record.data.fingerprint[:12]}`{f' · bold: {marked}' if marked else ''}"
    ]
    lines += [
        f"- {escaped(run.label)}: {escaped(warning)}" for run in board.runs for warning in run.record.warnings[:3]
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
