"""The report as one HTML file that asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.report.axes import NARROW, WIDE
from vtbench.report.gather import Board, Run
from vtbench.report.marks import Mark, marks_of
from vtbench.report.overview import overview, rate_of
from vtbench.report.pictures import grids, sheets, worst
from vtbench.report.series import Chart, distributions, rate_charts, stratum_charts
from vtbench.report.svg import chart_svg, histogram_svg, unnamed
from vtbench.report.tables import summary
from vtbench.version import __version__

_MOST_STRATA = 400


def html_page(boards: Sequence[Board], title: str = "vtbench report") -> str:
    """The page. Whatever came from data, file names or labels is escaped; the policy in it forbids any other script.

    Raises:
        AssetMissingError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment
        from markupsafe import Markup
    except ImportError as error:
        raise AssetMissingError("the HTML report needs jinja2", install_extra("report")) from error
    marks, table = marks_of(boards), overview(boards)
    static = files("vtbench.report").joinpath("static")
    css, script, page = (
        static.joinpath(f"report.{kind}").read_text(encoding="utf-8") for kind in ("css", "js", "html.j2")
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = Environment(autoescape=True, trim_blocks=False).from_string(page)
    return template.render(
        title=title,
        version=__version__,
        count=sum(len(board.runs) for board in boards),
        css=Markup(css),
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        overview=table,
        rates=" ".join(map(repr, table.rates)),
        swatches={label: Markup(mark.swatch) for label, mark in marks.items()},
        boards=[_board(board, marks, Markup) for board in boards],
    )


def _board(board: Board, marks: Mapping[str, Mark], trusted: Any) -> dict[str, Any]:
    """Everything the template shows of a board; only our own SVG is marked as trusted, and escapes by itself."""
    record, generated = board.first, board.kind == "generation"
    metric, spreads = distributions(board)
    rates = {run.label: rate_of(run) for run in board.runs}
    most = max((max(found.counts) for found in spreads), default=1)
    reference = record.data.reference
    return {
        "title": board.title,
        "summary": str(record.task.spec.get("summary", "")),
        "protocol": record.task.protocol_id,
        "fingerprint": record.data.fingerprint[:12],
        "source": record.data.source,
        "reference": "" if reference is None else reference.description,
        "quirks": [str(quirk) for quirk in record.task.spec.get("quirks") or ()],
        "table": summary(board),
        "run_rates": [rate_of(run) for run in board.runs],
        "rates": rates,
        "charts": [_chart(chart, marks, rates, trusted) for chart in (*rate_charts(board), *stratum_charts(board))],
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
        "sheets": sheets(board) if generated else [],
        "strata": _strata(board),
        "provenance": [_provenance(run) for run in board.runs],
    }


def _short(value: float) -> str:
    return f"{value:.4g}"


def _chart(chart: Chart, marks: Mapping[str, Mark], rates: Mapping[str, float | None], trusted: Any) -> dict[str, Any]:
    """Both drawings, of which the page shows one, and the models of its legend."""
    drawings = trusted("".join(chart_svg(chart, marks, rates, size) for size in (WIDE, NARROW)))
    shown = unnamed(chart)
    legend = [(label, label in shown) for label, _ in chart.series]
    return {"title": chart.title, "svg": drawings, "lines": chart.lines, "legend": legend}


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
    weights = ", ".join(f"{weight.name} {weight.sha256[:12]}" for weight in record.model.weights) or "none"
    fields = [
        ("status", f"{record.status}, {record.data.n_scored} of {record.data.n_expected} samples"),
        ("model", f"{record.model.name} {record.model.revision}, {record.model.dtype}, {record.model.import_path}"),
        ("weights", weights),
        ("licence", record.model.licence),
        ("resized in and out", record.model.resized_in_out or "no"),
        ("sampler", ", ".join(f"{name} {value}" for name, value in record.model.sampler.items())),
        ("seed", str(record.determinism.seed)),
        (
            "measured",
            f"{record.finished:%Y-%m-%d %H:%M} UTC on {record.environment.device_name or record.environment.device}",
        ),
        ("speed", f"{record.performance.images_per_s:.2f} images/s" if record.performance.images_per_s else ""),
        ("code", f"vtbench {record.code.vtbench_version}, commit {(record.code.git_commit or 'unknown')[:12]}"),
        ("results digest", record.results_digest()[:16]),
        ("repeat", _command(run)),
    ]
    troubles = [*record.warnings, *(f"{f.id}: {f.message} ({f.stage})" for f in record.failures[:5])]
    return {"label": run.label, "fields": [(name, value) for name, value in fields if value], "warnings": troubles}


def _command(run: Run) -> str:
    """A command that measures this row again, whatever else the original one measured."""
    record = run.record
    option = "--generator" if record.model.kind == "generator" else "--tokenizer"
    words = ["vtbench", "run", option, record.model.reference, "--task", record.task.name]
    if record.determinism.seed:
        words += ["--seed", str(record.determinism.seed)]
    if record.model.dtype != "float32":
        words += ["--dtype", record.model.dtype]
    return shlex.join(words)
