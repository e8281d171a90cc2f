"""The embedded suite in the docs: ``python -m vtbench.report.leaderboards.documents leaderboards docs``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vtbench.core.disk.files import write_text
from vtbench.core.outgoing import markdown_text
from vtbench.report.gather import Board
from vtbench.report.leaderboards.measured import measured_boards
from vtbench.report.leaderboards.picture import picture
from vtbench.report.marks import marks_of
from vtbench.report.series import Chart, rate_charts
from vtbench.report.tables import header
from vtbench.results.records.record import RunRecord
from vtbench.results.tables.digits import MISSING, column_decimals, interval_text, value_text
from vtbench.results.tables.rows import RATE_METRICS, count_text, metric_result, preferred_metrics

FIGURE = "figures/rate-distortion.svg"
"""The picture of the README: photographs, PSNR."""
_SHORT = {"bits_per_pixel": "bits/pixel", "tokens_per_image": "tokens", "tokens_per_clip": "tokens"}
_HEAD = """# The embedded suite

What `make run`, or `vtbench run` without arguments, measures: embedded models on embedded data, offline, in minutes.
Written from the records of the leaderboards by
`python -m vtbench.report.leaderboards.documents leaderboards docs`; do not edit.

A row a model, by bits a pixel; ± is half of a 95 % interval; a codec's tokens are bytes; (n 41) says that a value rests
on fewer samples than the others: a mean over images leaves out those that were copied perfectly. The suite is small on
purpose. It orders models and catches regressions, and does not replace ImageNet. [Protocol](protocol.md) says which
numbers compare, and what each metric means.
"""
_SHARE = "-tokenizer"


@dataclass(frozen=True)
class _Part:
    """A task of the suite: its heading, and the metric and file of its picture, where it has one."""

    task: str
    heading: str
    metric: str = ""
    file: str = ""


_PARTS = (
    _Part("photos-mini", "Reconstruction, on photographs", "psnr", FIGURE),
    _Part(
        "patterns-mini",
        "Detail, on gratings, zone plates, stars, hair and textures",
        "high_frequency_error",
        "figures/detail.svg",
    ),
    _Part("robustness-mini", "Codes, encoded again, altered and decoded with mistakes in them"),
    _Part("learnability-mini", "Codes, learned by a small transformer: bits that held-out images cost"),
    _Part("english-mini", "Text, on rendered pages with exact truth, read by RapidOCR", "cer", "figures/text.svg"),
    _Part("generation-mini", "Generation, 64×64 samples of a small autoregressive generator at three temperatures"),
)


def documents(root: Path) -> dict[str, str]:
    """Text of each file below ``docs``, by its name there.

    Args:
        root: a leaderboard folder that holds the records of the suite ``mini``.
    """
    boards = {board.title: board for _, board in measured_boards(root)}
    marks = marks_of(boards.values())
    pictures = {part.file: picture(_chart(boards[part.task], part), marks) for part in _PARTS if part.file}
    sections = [_section(part, boards[part.task], boards.get(part.task + _SHARE)) for part in _PARTS]
    return {"embedded-suite.md": "\n".join([_HEAD, *sections]), **pictures}


def table(board: Board) -> str:
    """A board's own table as Markdown: the task's columns, values with half of their intervals."""
    records = [run.record for run in board.runs]
    names = list(dict.fromkeys([*reversed(RATE_METRICS), *preferred_metrics(records)]))
    names = [name for name in names if any(metric_result(record, name) for record in records)]
    columns = [_column(records, name) for name in names]
    heads = ["model", *(_SHORT.get(name, header(board, name)) for name in names)]
    rows = ([markdown_text(run.label), *cells] for run, *cells in zip(board.runs, *columns, strict=True))
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *rows))


def _chart(board: Board, part: _Part) -> Chart:
    return next(chart for chart in rate_charts(board) if chart.y_name == part.metric)


def _section(part: _Part, board: Board, share: Board | None) -> str:
    told = f"![Bits a pixel against {part.metric} of every model on {part.task}]({part.file})\n"
    parts = [f"## {part.heading}\n", *([told] if part.file else []), table(board), f"\n{foot(board, share)}\n"]
    return "\n".join(parts)


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
    interval = "" if name in RATE_METRICS else interval_text(result, decimals, ends=False)
    return " ".join(filter(None, (value_text(result.value, decimals), interval, count_text(record, result))))


def main() -> None:
    """Write the files of a leaderboard folder, given first, into the folder given second."""
    root, target = map(Path, sys.argv[1:3])
    for name, text in documents(root).items():
        write_text(target / name, text)


if __name__ == "__main__":
    main()
