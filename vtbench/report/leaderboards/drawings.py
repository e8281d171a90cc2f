"""Charts of the page in the drawings that it shows, one a width, with their legends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from vtbench.report.axes import NARROW, WIDE, Size
from vtbench.report.marks import Mark, marks_for
from vtbench.report.series import Chart
from vtbench.report.shell import trusted
from vtbench.report.svg import chart_svg, unnamed

HUGE = Size("huge", 1060, 560, left=62, right=24, top=34, bottom=50, text=13.5, names=True, reach=42.0)
"""For charts of many models: over the whole width of a page that has it. Names that would stand far off go."""
_HELD, _ROW = 45, 18
"""Models that the huge drawing names almost all of, and pixels of height for each beyond."""
_MANY = 14


def marks_by_family(families: Iterable[str]) -> Mapping[str, Mark]:
    """A mark for every family, the most common first: 32 look different, then they repeat."""
    ordered = [family for family, _ in Counter(families).most_common() if family]
    return marks_for(ordered)


def drawn(
    chart: Chart, marks: Mapping[str, Mark], names: Mapping[str, str], rates: Mapping[str, float | None]
) -> dict[str, Any]:
    """Every drawing of a chart, of which the page shows one, and its legend.

    Args:
        chart: its series are of models.
        marks: by model.
        names: what the legend calls each model: itself, or its family.
        rates: bits a pixel by model.
    """
    is_big = len(chart.series) > _MANY
    sizes = (_room_for(len(chart.series)), replace(WIDE, reach=HUGE.reach), NARROW) if is_big else (WIDE, NARROW)
    by_family = any(label != names[label] for label, _ in chart.series)
    always = {label for label, _ in chart.series} if by_family else unnamed(chart)
    legend: dict[str, dict[str, Any]] = {}
    for label, _ in chart.series:
        entry = {"name": names[label], "swatch": trusted(marks[label].swatch), "always": label in always, "models": []}
        legend.setdefault(names[label], entry)["models"].append(label)
    return {
        "title": chart.title,
        "svg": trusted("".join(chart_svg(chart, marks, rates, size) for size in sizes)),
        "is_big": is_big,
        "has_curves": bool(chart.curves),
        "has_front": any(point.on_front for _, points in chart.series for point in points),
        "legend": list(legend.values()),
    }


def _room_for(models: int) -> Size:
    """The huge drawing, the higher the more models it has to name beyond those that it holds."""
    return replace(HUGE, height=HUGE.height + _ROW * max(0, models - _HELD))
