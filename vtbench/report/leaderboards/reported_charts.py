"""Charts of reported numbers: the card's bits a pixel against what its source reports, one protocol a chart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from vtbench.report.leaderboards.facts import Card
from vtbench.report.series import Chart, Point
from vtbench.results.leaderboards.published import ReportedRow

_CHARTED = (
    ("rfid", "all", "down"),
    ("psnr", "all", "up"),
    ("t_acc", "mean", "up"),
    ("face_similarity", "mean", "up"),
)
"""Metric, stratum, and where it is better."""
_FEWEST = 5
"""Models with a known rate that a chart needs."""


def reported_charts(rows: Sequence[ReportedRow], cards: Mapping[str, Card]) -> tuple[Chart, ...]:
    """A chart a metric that enough models with a known rate have. No fronts: what is stated alike may still differ."""
    found = (_chart(rows, cards, metric, stratum, better) for metric, stratum, better in _CHARTED)
    return tuple(chart for chart in found if chart is not None)


def _chart(
    rows: Sequence[ReportedRow], cards: Mapping[str, Card], metric: str, stratum: str, better: str
) -> Chart | None:
    points: dict[str, list[Point]] = {}
    for row in rows:
        card = cards.get(row.model)
        rate = None if card is None else card.facts.rate
        if (row.metric, row.stratum) == (metric, stratum) and rate and math.isfinite(row.value):
            points.setdefault(row.model, []).append(Point(row.model, rate, row.value))
    if len(points) < _FEWEST or len({point.x for each in points.values() for point in each}) < 2:
        return None
    series = sorted(points.items(), key=lambda item: (item[1][0].x, item[0]))
    named = tuple((label, tuple(members)) for label, members in series)
    return Chart(f"Rate and {metric}, as reported", "bits a pixel", metric, named, log_x=True, better=better)
