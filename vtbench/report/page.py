"""The report as one HTML file that asks the network for nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vtbench.report.axes import NARROW, WIDE
from vtbench.report.gather import Board, Run
from vtbench.report.marks import Mark, marks_of
from vtbench.report.overview import overview, rate_of
from vtbench.report.pictures import grids, of_clips, pairs, sheets, worst
from vtbench.report.provenance import command_of, origin
from vtbench.report.series import Chart, charts_of, distributions
from vtbench.report.shell import rendered, static, trusted
from vtbench.report.svg import chart_svg, histogram_svg, unnamed
from vtbench.report.tables import summary
from vtbench.results.tables.rows import device_of

_HERE = "vtbench.report"
_MOST_STRATA = 400
_BESIDE = {"shapes": "nearest reference", "maps": "truth"}
"""What pictures show beside a sample, by kind of task."""


def html_page(boards: Sequence[Board], title: str = "vtbench report") -> str:
    """The page. Whatever came from data, file names or labels is escaped; the policy in it forbids any other script.

    Raises:
        AssetMissingError: jinja2 is not installed.
    """
    marks, table = marks_of(boards), overview(boards)
    return rendered(
        static(_HERE, "report.html.j2"),
        [static(_HERE, name) for name in ("colours.css", "charts.css", "report.css")],
        [static(_HERE, "shared.js"), static(_HERE, "report.js")],
        title=title,
        count=sum(len(board.runs) for board in boards),
        overview=table,
        rates=" ".join(map(repr, table.rates)),
        swatches={label: trusted(mark.swatch) for label, mark in marks.items()},
        boards=[_board(board, marks) for board in boards],
    )


def _board(board: Board, marks: Mapping[str, Mark]) -> dict[str, Any]:
    """Everything the template shows of a board; only our own SVG is marked as trusted, and escapes by itself."""
    record, beside = board.first, _BESIDE.get(board.kind)
    generated = beside is not None or board.kind == "generation"
    metric, spreads = distributions(board)
    rates = {run.label: rate_of(run) for run in board.runs}
    most = max((max(found.counts) for found in spreads), default=1)
    reference = record.data.reference
    return {
        "title": board.title,
        "summary": str(record.task.spec.get("summary", "")),
        "protocol": record.task.protocol_id,
        "fingerprint": record.data.fingerprint[:12],
        "source": " · ".join(filter(None, [record.data.source, device_of(record)])),
        "reference": "" if reference is None else reference.description,
        "quirks": [str(quirk) for quirk in record.task.spec.get("quirks") or ()],
        "table": summary(board),
        "run_rates": [rate_of(run) for run in board.runs],
        "rates": rates,
        "charts": [_chart(chart, marks, rates) for chart in charts_of(board)],
        "spread_metric": metric,
        "spreads": [
            (
                found.label,
                trusted(histogram_svg(found, most, marks[found.label])),
                f"{found.low:.4g}",
                f"{found.high:.4g}",
            )
            for found in spreads
        ],
        "grids": []
        if generated
        else [
            {"sample": g.sample, "why": g.why, "shots": g.shots, "original": g.shots[0].original} for g in grids(board)
        ],
        "worst": [] if generated else worst(board),
        "sheets_of": "Samples" if beside is None else f"Samples, each beside its {beside}",
        "wide": beside is not None,
        "sheets": sheets(board) if generated else [],
        "pairs": pairs(board),
        "clips": of_clips(board.runs[0]),
        "strata": _strata(board),
        "provenance": [_provenance(run) for run in board.runs],
    }


def _short(value: float) -> str:
    return f"{value:.4g}"


def _chart(chart: Chart, marks: Mapping[str, Mark], rates: Mapping[str, float | None]) -> dict[str, Any]:
    """Both drawings, of which the page shows one, and the models of its legend."""
    drawings = trusted("".join(chart_svg(chart, marks, rates, size) for size in (WIDE, NARROW)))
    shown = unnamed(chart)
    legend = [(label, label in shown) for label, _ in chart.series]
    shape = {"lines": chart.lines, "curves": bool(chart.curves)}
    return {"title": chart.title, "svg": drawings, "legend": legend, **shape}


def _strata(board: Board) -> list[dict[str, str]]:
    rows = [
        {
            "model": run.label,
            "metric": result.metric,
            "stratum": _stratum(result.stratum),
            "value": f"{result.value:.4g}",
            "order": repr(result.value),
            "n": str(result.n),
            "interval": "" if result.ci_low is None else f"{result.ci_low:.4g} to {result.ci_high:.4g}",
        }
        for run in board.runs
        for result in run.record.results
        if result.stratum != "all" and not result.stratum.startswith("level=")
    ]
    return rows[:_MOST_STRATA]


def _stratum(text: str) -> str:
    """``frequency=0.0883883476483`` to four digits; anything else as it is."""
    axis, _, value = text.partition("=")
    try:
        return f"{axis}={float(value):.4g}"
    except ValueError:
        return text


def _provenance(run: Run) -> dict[str, Any]:
    record = run.record
    troubles = [*record.warnings, *(f"{f.id}: {f.message} ({f.stage})" for f in record.failures[:5])]
    return {"label": run.label, "fields": [*origin(record), ("repeat", command_of(record))], "warnings": troubles}
