"""A measured task in the docs: heading, picture, table as Markdown, and what its rows have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vtbench.core.outgoing import markdown_text
from vtbench.report.gather import Board
from vtbench.report.leaderboards.picture import picture
from vtbench.report.marks import Mark
from vtbench.report.series import Chart, rate_charts
from vtbench.report.tables import header
from vtbench.results.records.record import RunRecord
from vtbench.results.tables.digits import MISSING, column_decimals, estimate_text, value_text
from vtbench.results.tables.rows import RATE_METRICS, count_text, metric_result, preferred_metrics

_SHORT = {"bits_per_pixel": "bits/pixel", "tokens_per_image": "tokens", "tokens_per_clip": "tokens"}
_TOKENIZER_ALONE = "-tokenizer"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A task that a page shows.

    Attributes:
        task: its name.
        heading: without its marks.
        told: what to make of it; may be empty.
        metric: of its picture, over bits a pixel; none where it has none.
        figure: file of the picture below ``docs``.
    """

    task: str
    heading: str
    told: str = ""
    metric: str = ""
    figure: str = ""

    def chart(self, board: Board) -> Chart | None:
        """What the picture shows; ``None`` of too few rows."""
        return next((chart for chart in rate_charts(board) if self.metric and chart.y_name == self.metric), None)

    def section(self, boards: Mapping[str, Board], level: int) -> str:
        """As Markdown.

        Args:
            boards: by task; that of this part is among them.
            level: of the heading.
        """
        board, alone = boards[self.task], boards.get(self.task + _TOKENIZER_ALONE)
        drawn = self.chart(board) is not None
        seen = f"![Bits a pixel against {self.metric} of every model on {self.task}]({self.figure})" if drawn else ""
        parts = (f"{'#' * level} {self.heading}", self.told, seen, table(board), foot(board, alone))
        return "\n\n".join(filter(None, parts)) + "\n"


def pictures_of(parts: Sequence[Part], boards: Mapping[str, Board], marks: Mapping[str, Mark]) -> dict[str, str]:
    """Each part's picture as SVG, by its file.

    Args:
        parts: of one page, each with a board.
        boards: by task.
        marks: of every model.
    """
    charts = {part.figure: part.chart(boards[part.task]) for part in parts}
    return {file: picture(chart, marks) for file, chart in charts.items() if chart is not None}


def table(board: Board) -> str:
    """A board's own table as Markdown: the task's columns, values with half of their intervals."""
    records = [run.record for run in board.runs]
    names = list(dict.fromkeys([*reversed(RATE_METRICS), *preferred_metrics(records)]))
    names = [name for name in names if any(metric_result(record, name) for record in records)]
    columns = [_column(records, name) for name in names]
    heads = ["model", *(_SHORT.get(name, header(board, name)) for name in names)]
    rows = ([markdown_text(run.label), *cells] for run, *cells in zip(board.runs, *columns, strict=True))
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *rows))


def foot(board: Board, share: Board | None = None) -> str:
    """What a table's rows have in common: protocol, data, number and size, and the distance of the tokenizer alone."""
    record = board.first
    size = record.data.scored_size
    parts = [f"`{record.task.protocol_id}`", f"data `{record.data.fingerprint[:12]}`", f"n {record.data.n_scored}"]
    parts += [f"{size[0]} px"] if size is not None else []
    if share is not None:
        found = [one for one in share.first.results if one.metric in ("fd_efflite0", "kid_efflite0")]
        told = (f"{one.metric} {_cell(share.first, one.metric, column_decimals([one]))}" for one in found)
        parts.append(f"its tokenizer alone: {', '.join(told)}")
    return " · ".join(parts)


def _column(records: Sequence[RunRecord], name: str) -> list[str]:
    decimals = column_decimals([result for record in records if (result := metric_result(record, name)) is not None])
    return [_cell(record, name, decimals) for record in records]


def _cell(record: RunRecord, name: str, decimals: int) -> str:
    result = metric_result(record, name)
    if result is None:
        return MISSING
    text = value_text(result.value, decimals) if name in RATE_METRICS else estimate_text(result, decimals)
    return f"{text} {count_text(record, result)}".rstrip()
