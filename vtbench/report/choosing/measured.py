"""Fronts of what vtbench measured itself, board by board: rows of one protocol and data set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vtbench.report.gather import Board
from vtbench.report.series import Chart, Point, rate_charts

_OF_TOKENIZERS = ("reconstruction", "detail", "text")


@dataclass(frozen=True)
class Front:
    """Models of a board that no other with as few bits is better than, from few bits to many.

    Attributes:
        metric: the chart's.
        better: ``up`` or ``down``.
    """

    board: Board
    metric: str
    better: str
    points: tuple[Point, ...]


def fronts(boards: Iterable[tuple[str, Board]]) -> list[Front]:
    """A front a chart of every board on which tokenizers reconstruct."""
    return [
        Front(board, chart.y_name, chart.better, _front(chart))
        for family, board in boards
        if family in _OF_TOKENIZERS
        for chart in rate_charts(board)
    ]


def _front(chart: Chart) -> tuple[Point, ...]:
    points = (point for _, members in chart.series for point in members if point.on_front)
    return tuple(sorted(points, key=lambda point: (point.x, point.label)))
