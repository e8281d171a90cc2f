"""Charts as inline SVG, once for wide pages and once for phones; points that mouse, finger and keyboard reach.

An SVG's text shrinks with it. Both drawings keep their text at 12 pixels or more at the widths they are shown at.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape

from vtbench.report.axes import WIDE, Frame, Size
from vtbench.report.labels import Box, Name, along, placed
from vtbench.report.marks import Mark
from vtbench.report.series import Chart, Distribution, Point

_LONGEST_NAME = 26


def chart_svg(chart: Chart, marks: Mapping[str, Mark], rates: Mapping[str, float | None], size: Size = WIDE) -> str:
    """One chart; every point tells its model, value and interval on hover, touch and focus.

    Args:
        chart: what is drawn.
        marks: how each model looks.
        rates: bits a pixel of each model, by which the page may hide it.
        size: for which width.
    """
    frame = Frame([point for _, points in chart.series for point in points], chart, size)
    fronts = sorted(frame.at(point) for _, points in chart.series for point in points if point.on_front)
    names = _names(frame, chart, size)
    parts = [frame.axes(), "" if chart.lines else _path(fronts, "front")]
    parts += [_curve(frame, marks, points) for points in chart.curves]
    for label, points in chart.series:
        mark, rate = marks[label], rates.get(label)
        inner = [_path([frame.at(point) for point in points], "line")] if chart.lines else []
        inner += [_dot(frame, mark, label, point, chart) for point in points]
        inner.append(names.get(label, ""))
        told = escape(label, quote=True)
        limit = "" if rate is None else f' data-rate="{rate!r}"'
        parts.append(
            f'<g class="series" style="--c:var(--s{mark.colour})" data-model="{told}"{limit}>{"".join(inner)}</g>'
        )
    about = escape(f"{chart.title}: {chart.y_name} against {chart.x_name}", quote=True)
    view = f'viewBox="0 0 {size.width} {size.height}" role="group" aria-label="{about}"'
    return f'<svg class="chart {size.kind}" {view}>{"".join(parts)}</svg>'


def unnamed(chart: Chart) -> set[str]:
    """Models whose name found no room in the wide drawing: a legend must have them."""
    frame = Frame([point for _, points in chart.series for point in points], chart, WIDE)
    names = _names(frame, chart, WIDE)
    return {label for label, _ in chart.series if not names.get(label)}


def histogram_svg(found: Distribution, most: int, mark: Mark) -> str:
    """A small histogram; all of a board share bins and height."""
    width, height = 240, 44
    step = width / len(found.counts)
    bars = "".join(
        f'<rect x="{index * step + 0.5:.1f}" y="{height - count / most * height:.1f}" width="{step - 1:.1f}" '
        f'height="{count / most * height:.1f}"/>'
        for index, count in enumerate(found.counts)
        if count
    )
    at = (found.median - found.low) / (found.high - found.low) * width
    line = f'<line class="median" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{height}"/>'
    label = escape(f"{found.label}: {sum(found.counts)} images, median {found.median:.4g}", quote=True)
    return (
        f'<svg class="histogram" viewBox="0 0 {width} {height}" role="img" aria-label="{label}" '
        f'style="--c:var(--s{mark.colour})">{bars}{line}</svg>'
    )


def _dot(frame: Frame, mark: Mark, label: str, point: Point, chart: Chart) -> str:
    x, y = frame.at(point)
    told = f"{label}: {chart.y_name} {point.y:.4g}, {chart.x_name} {point.x:.4g}"
    bar = ""
    if point.low is not None and point.high is not None:
        told += f", 95 % {point.low:.4g} to {point.high:.4g}"
        if not chart.lines and math.isfinite(point.low + point.high):
            low, high = frame.span(point.low, point.high)
            bar = f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
    kind = "dot front-dot" if point.on_front else "dot"
    text = escape(told, quote=True)
    return (
        f'{bar}<g class="point" tabindex="0" role="img" aria-label="{text}" data-tip="{text}" '
        f'data-x="{x:.1f}" data-y="{y:.1f}"><title>{text}</title><circle class="hit" cx="{x:.1f}" cy="{y:.1f}" r="11"/>'
        f"{mark.drawn(x, y, 3 if chart.lines else 5, kind)}</g>"
    )


def _names(frame: Frame, chart: Chart, size: Size) -> dict[str, str]:
    """By model, its name with a line to its point; those on the front choose first. Empty where points have none."""
    if chart.lines or not size.names:
        return {}
    series = sorted(chart.series, key=lambda item: not item[1][0].on_front)
    spots = [frame.at(points[0]) for _, points in series]
    shown = [label if len(label) <= _LONGEST_NAME else f"{label[: _LONGEST_NAME - 1]}…" for label, _ in series]
    widths = [0.58 * size.text * len(text) for text in shown]
    room = Box(size.left + 2, size.top, size.width - 2, size.height - size.bottom - 2)
    front = sorted(frame.at(points[0]) for _, points in series if points[0].on_front)
    lines = [front, *([frame.at(point) for point in points] for points in chart.curves)]
    taken = [spot for line in lines for spot in along(line)]
    found = placed(spots, widths, size.text + 2, room, taken, size.reach)
    drawn = {}
    for (label, _), text, spot, name in zip(series, shown, spots, found, strict=True):
        drawn[label] = "" if name is None else _name(text, spot, name, size)
    return drawn


def _name(text: str, spot: tuple[float, float], name: Name, size: Size) -> str:
    box, leader = name.box, ""
    if name.leader is not None:
        (x1, y1), (x2, y2) = spot, name.leader
        leader = f'<line class="leader" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
    base = box.bottom - 0.28 * size.text
    if box.left > spot[0] - 2:
        at, anchor = box.left, "start"
    elif box.right < spot[0] + 2:
        at, anchor = box.right, "end"
    else:
        at, anchor = (box.left + box.right) / 2, "middle"
    return f'{leader}<text class="name" x="{at:.1f}" y="{base:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _curve(frame: Frame, marks: Mapping[str, Mark], points: Sequence[Point]) -> str:
    """A line through one model's rates, in the colour of its lowest; the page draws it anew when some are hidden."""
    models = escape(json.dumps([point.label for point in points]), quote=True)
    colour = f"--c:var(--s{marks[points[0].label].colour})"
    return _path([frame.at(point) for point in points], "curve", f' style="{colour}" data-models="{models}"')


def _path(points: Sequence[tuple[float, float]], kind: str, more: str = "") -> str:
    if len(points) < 2:
        return ""
    told = " ".join(f"{'M' if index == 0 else 'L'}{x:.1f} {y:.1f}" for index, (x, y) in enumerate(points))
    return f'<path class="{kind}"{more} d="{told}"/>'
