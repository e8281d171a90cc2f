"""Charts as inline SVG: thin axes, direct labels, points that the keyboard reaches; colours come from the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from vtbench.report.series import Chart, Distribution, Point

WIDTH, HEIGHT = 520, 340
LEFT, RIGHT, TOP, BOTTOM = 58, 18, 18, 46
COLOURS = 8
"""Series colours of the page, ``--s0`` … ``--s7``."""


def chart_svg(chart: Chart) -> str:
    """One chart; every point has a title that is read on hover and by screen readers, and can be focused."""
    frame = _Frame.around(chart)
    parts = [frame.axes(chart)]
    if not chart.lines:
        front = sorted((p for _, points in chart.series for p in points if p.on_front), key=lambda p: p.x)
        parts.append(_path([frame.at(p) for p in front], "front"))
    for place, (label, points) in enumerate(chart.series):
        colour = f'style="--c:var(--s{place % COLOURS})"'
        inner = [_path([frame.at(point) for point in points], "line")] if chart.lines else []
        inner += [_dot(frame, label, point, chart) for point in points]
        parts.append(f'<g class="series" {colour}>{"".join(inner)}</g>')
    if not chart.lines:
        parts.append(_names(frame, chart))
    label = escape(f"{chart.title}: {chart.y_name} against {chart.x_name}", quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="group" aria-label="{label}">{"".join(parts)}</svg>'


def histogram_svg(found: Distribution, most: int, colour: int) -> str:
    """A small histogram; all of a board share bins and height."""
    width, height = 240, 44
    step = width / len(found.counts)
    bars = "".join(
        f'<rect x="{index * step + 0.5:.1f}" y="{height - count / most * height:.1f}" width="{step - 1:.1f}" '
        f'height="{count / most * height:.1f}"><title>{count}</title></rect>'
        for index, count in enumerate(found.counts)
        if count
    )
    at = (found.median - found.low) / (found.high - found.low) * width
    mark = f'<line class="median" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{height}"/>'
    label = escape(found.label, quote=True)
    return (
        f'<svg class="histogram" viewBox="0 0 {width} {height}" role="img" aria-label="{label}" '
        f'style="--c:var(--s{colour % COLOURS})">{bars}{mark}</svg>'
    )


class _Frame:
    """Scales of a chart."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float], log_x: bool) -> None:
        self._log = log_x and min(xs) >= 0 and max(xs) > 4 * max(min((x for x in xs if x > 0), default=1.0), 1e-9)
        positive = [x for x in xs if x > 0]
        self._floor = min(positive) / 2 if positive else 1.0
        shown = [self._x(x) for x in xs]
        self._x0, self._x1 = _padded(min(shown), max(shown), 0.06)
        self._y0, self._y1 = _padded(min(ys), max(ys), 0.08)
        self._xs = sorted(set(xs))

    @classmethod
    def around(cls, chart: Chart) -> _Frame:
        points = [point for _, series in chart.series for point in series]
        return cls([point.x for point in points], [point.y for point in points], chart.log_x)

    def _x(self, value: float) -> float:
        return math.log2(max(value, self._floor)) if self._log else value

    def at(self, point: Point) -> tuple[float, float]:
        return self.left(point.x), self.top(point.y)

    def left(self, x: float) -> float:
        return LEFT + (self._x(x) - self._x0) / (self._x1 - self._x0) * (WIDTH - LEFT - RIGHT)

    def top(self, y: float) -> float:
        return HEIGHT - BOTTOM - (y - self._y0) / (self._y1 - self._y0) * (HEIGHT - TOP - BOTTOM)

    def axes(self, chart: Chart) -> str:
        base = HEIGHT - BOTTOM
        parts = []
        for y in _ticks(self._y0, self._y1):
            at = self.top(y)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
            parts.append(f'<text class="tick" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{y:g}</text>')
        for x in self._x_ticks(chart.lines):
            parts.append(
                f'<text class="tick" x="{self.left(x):.1f}" y="{base + 18}" text-anchor="middle">{x:.3g}</text>'
            )
        arrow = {"up": " ↑ better", "down": " ↓ better", "": ""}[chart.better]
        parts.append(
            f'<text class="axis" x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">{escape(chart.x_name)}</text>'
        )
        parts.append(f'<text class="axis" x="{LEFT}" y="{TOP - 4}">{escape(chart.y_name)}{arrow}</text>')
        return "".join(parts)

    def _x_ticks(self, exact: bool) -> list[float]:
        if exact and len(self._xs) <= 9:
            return self._xs
        if self._log:
            return [2.0**e for e in range(math.ceil(self._x0), math.floor(self._x1) + 1)]
        return _ticks(self._x0, self._x1)


def _dot(frame: _Frame, label: str, point: Point, chart: Chart) -> str:
    x, y = frame.at(point)
    told = f"{label}: {chart.y_name} {point.y:.4g}, {chart.x_name} {point.x:.4g}"
    if point.low is not None and point.high is not None:
        told += f", 95 % {point.low:.4g} to {point.high:.4g}"
    bar = ""
    if not chart.lines and point.low is not None and point.high is not None and math.isfinite(point.low + point.high):
        low, high = (min(max(frame.top(v), TOP), HEIGHT - BOTTOM) for v in (point.low, point.high))
        bar = f'<line class="bar" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
    kind = "dot front-dot" if point.on_front else "dot"
    title = escape(told)
    return (
        f'{bar}<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{3 if chart.lines else 5}" tabindex="0" role="img" '
        f'aria-label="{escape(told, quote=True)}"><title>{title}</title></circle>'
    )


def _names(frame: _Frame, chart: Chart) -> str:
    """Names beside points, left out where they would lie over one another."""
    taken: list[tuple[float, float, float]] = []
    parts = []
    for label, points in sorted(chart.series, key=lambda item: not item[1][0].on_front):
        x, y = frame.at(points[0])
        width = 6.8 * min(len(label), 24)
        left = x + 9 if x + 9 + width < WIDTH else x - 9 - width
        if any(abs(y - other_y) < 13 and left < end and start < left + width for start, end, other_y in taken):
            continue
        taken.append((left, left + width, y))
        parts.append(f'<text class="name" x="{left:.1f}" y="{y + 4:.1f}">{escape(label[:24])}</text>')
    return "".join(parts)


def _path(points: Sequence[tuple[float, float]], kind: str) -> str:
    if len(points) < 2:
        return ""
    told = " ".join(f"{'M' if index == 0 else 'L'}{x:.1f} {y:.1f}" for index, (x, y) in enumerate(points))
    return f'<path class="{kind}" d="{told}"/>'


def _padded(low: float, high: float, share: float) -> tuple[float, float]:
    gap = (high - low) or abs(high) or 1.0
    return low - share * gap, high + share * gap


def _ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between two ends."""
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * unit for factor in (1, 2, 2.5, 5, 10) if factor * unit >= rough)
    first = math.ceil(low / step)
    return [round(index * step, 10) for index in range(first, math.floor(high / step) + 1)]
