"""Measured rows: a section a protocol and data set, as the report shows boards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from vtbench.report.gather import Board, Run, boards_of
from vtbench.report.leaderboards.facts import Card, Facts, facts_of
from vtbench.report.leaderboards.rows import Line, Section, Sheet, text_cell
from vtbench.report.provenance import command_of, origin
from vtbench.report.series import rate_charts
from vtbench.report.tables import Cell, summary
from vtbench.results.leaderboards.columns import FAMILIES
from vtbench.results.leaderboards.folder import chosen_rows, read_rows
from vtbench.results.leaderboards.rows import MeasuredRow
from vtbench.results.records.record import RunRecord, read_record

_CHARTS = 2
_AGAIN = "The command that measures this row again:"


def measured_boards(root: Path) -> list[tuple[str, Board]]:
    """Boards of a leaderboard folder's records, each with its family, in the order of families.

    Raises:
        UsageError: two records with different results under one key.
        VtbenchError: a record that cannot be read.
    """
    rows = chosen_rows(read_rows(root))
    return [(family, board) for family in FAMILIES for board in boards_of(_runs(rows, family))]


def measured_section(family: str, board: Board, cards: Mapping[str, Card]) -> Section:
    """The table of a board, with the licence and day of each row, and what each row opens."""
    table, record = summary(board), board.first
    return Section(
        title=board.title,
        origin="measured",
        families=(family,),
        about=str(record.task.spec.get("summary", "")),
        foot=f"Green: {table.marked}." if table.marked else "",
        headers=(*table.headers, "licence", "measured"),
        lines=tuple(
            _line(run, cells, facts_of(run), cards) for run, (_, cells) in zip(board.runs, table.rows, strict=True)
        ),
        charts=tuple(rate_charts(board)[:_CHARTS]),
    )


def model_card(record: RunRecord) -> Card:
    """What a record says of its model, for one that has no card of its own."""
    model = record.model
    grid = f"{model.downsample_factor} pixels a code" if model.downsample_factor else ""
    fields = [
        ("reference", model.reference),
        ("kind", model.kind),
        ("family", model.family),
        ("revision", model.revision),
        ("codebook sizes", ", ".join(map(str, model.codebook_sizes))),
        ("grid", grid),
        ("native size", "" if model.native_size is None else f"{model.native_size} px"),
        ("tokenizer", model.tokenizer),
        ("sampler", ", ".join(f"{name} {value}" for name, value in model.sampler.items())),
        ("weights", "\n".join(f"{w.name}, sha256 {w.sha256}" for w in model.weights) or "none"),
        ("licence", model.licence),
        ("to cite", model.citation),
        ("import path", model.import_path),
    ]
    facts = Facts(model.family, None, "", model.licence)
    return Card(model.label, "", facts, fields=tuple((name, text) for name, text in fields if text))


def card_key(record: RunRecord, cards: Mapping[str, Card]) -> str:
    """The card that a measured model was called by; its own label and revision where it has none."""
    target = record.model.reference.partition(",")[0]
    return target if target in cards else f"{record.model.label} {record.model.revision}".rstrip()


def _runs(rows: Sequence[MeasuredRow], family: str) -> list[Run]:
    return [Run(read_record(row.file), row.file.parent) for row in rows if row.family == family]


def _line(run: Run, cells: Sequence[Cell], facts: Facts, cards: Mapping[str, Card]) -> Line:
    record = run.record
    fields = [*origin(record), ("data", f"{record.data.source}, fingerprint {record.data.fingerprint}")]
    fields += [("warning", text) for text in record.warnings]
    sheet = Sheet(
        fields=tuple(fields),
        command=command_of(record),
        about=_AGAIN,
        protocol=record.task.protocol_id,
        card=card_key(record, cards),
    )
    return Line(run.label, facts, (*cells, text_cell(facts.licence), text_cell(facts.date)), sheet)
