"""The report as Markdown, for a pull request: tables, and what must stand under them."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.core.outgoing import markdown_code, markdown_text
from vtbench.report.gather import Board
from vtbench.report.tables import summary
from vtbench.results.tables.rows import device_of


def markdown_page(boards: Sequence[Board], title: str = "vtbench report") -> str:
    """A section a board; text from data is escaped."""
    parts = [f"## {markdown_text(title)}\n"]
    for board in boards:
        parts += [f"### {markdown_text(board.title)}\n", _table(board), _foot(board)]
    return "\n".join(parts)


def _table(board: Board) -> str:
    table = summary(board)
    lines = [["model", *map(markdown_text, table.headers)], ["---", *["--:"] * len(table.headers)]]
    for label, cells in table.rows:
        texts = ((markdown_text(cell.text), cell.best) for cell in cells)
        lines.append([markdown_text(label), *(f"**{text}**" if best else text for text, best in texts)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _foot(board: Board) -> str:
    record = board.first
    marked = summary(board).marked
    protocol, data = markdown_code(record.task.protocol_id), markdown_code(record.data.fingerprint[:12])
    parts = [protocol, f"data {data}", markdown_text(device_of(record)), f"bold: {marked}" if marked else ""]
    lines = [" · ".join(filter(None, parts))]
    told = [(run.label, warning) for run in board.runs for warning in run.record.warnings[:3]]
    lines += [f"- {markdown_text(label)}: {markdown_text(warning)}" for label, warning in told]
    return "\n".join(lines) + "\n"
