"""The report's charts as PNG files, by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vtbench.core.disk.files import atomic_path, path_segment, require_writable
from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.report.gather import Board
from vtbench.report.series import Chart, charts_of


def write_figures(boards: Sequence[Board], folder: Path) -> list[Path]:
    """One file a chart, named after task and chart.

    Raises:
        AssetMissingError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise AssetMissingError("figures need matplotlib", install_extra("report")) from error
    require_writable(folder)
    written = []
    for board in boards:
        for chart in charts_of(board):
            figure = Figure(figsize=(6.4, 4.2), layout="constrained")
            _draw(figure.subplots(), chart, board)
            path = folder / f"{path_segment(board.title)}-{path_segment(chart.title)}.png"
            with atomic_path(path) as temporary:
                figure.savefig(temporary, dpi=160, format="png")
            written.append(path)
    return written


def _draw(axes: Any, chart: Chart, board: Board) -> None:
    for label, points in chart.series:
        xs, ys = [point.x for point in points], [point.y for point in points]
        axes.plot(xs, ys, marker="o", markersize=4, linewidth=1.4 if chart.lines else 0, label=_plain(label))
        if not chart.lines:
            axes.annotate(_plain(label), (xs[0], ys[0]), xytext=(5, 4), textcoords="offset points", fontsize=7)
    for points in chart.curves:
        axes.plot([p.x for p in points], [p.y for p in points], linewidth=1.2, color="0.6", zorder=0)
    if not chart.lines:
        front = sorted((p for _, points in chart.series for p in points if p.on_front), key=lambda p: p.x)
        axes.plot([p.x for p in front], [p.y for p in front], linestyle="--", linewidth=1, color="0.5", zorder=0)
    if chart.log_x and min(p.x for _, points in chart.series for p in points) > 0:
        axes.set_xscale("log", base=2)
    axes.set(xlabel=chart.x_name, ylabel=chart.y_name, title=f"{chart.title}\n{board.first.task.protocol_id}")
    axes.title.set_fontsize(9)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if chart.lines:
        axes.legend(fontsize=7, frameon=False)


def _plain(label: str) -> str:
    """Without the signs that matplotlib would read as mathematics."""
    return label.replace("$", r"\$")[:40]
