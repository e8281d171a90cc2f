"""Scales and axes of a chart: where a value lies in the drawing, and round numbers beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from vtbench.report.series import Chart, Point

_A_LABEL = 58
"""Width a label of the lower axis needs."""


@dataclass(frozen=True)
class Size:
    """A drawing: its name as the page's styles know it, extent, margins, size of text, whether points have names, and
    how far off these may stand."""

    kind: str
    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    text: float
    names: bool
    reach: float = math.inf


WIDE = Size("wide", 520, 350, left=62, right=20, top=34, bottom=50, text=13.5, names=True)
NARROW = Size("narrow", 320, 290, left=52, right=14, top=32, bottom=46, text=13.0, names=False)


class Frame:
    """Scales of a chart.

    Args:
        points: all that must find room.
        chart: their axes.
        size: of the drawing.
    """

    def __init__(self, points: Sequence[Point], chart: Chart, size: Size) -> None:
        xs, ys = [point.x for point in points], [point.y for point in points]
        self._chart, self._size = chart, size
        self._log = chart.log_x and min(xs) >= 0 and max(xs) > 4 * max(min((x for x in xs if x > 0), default=1.0), 1e-9)
        positive = [x for x in xs if x > 0]
        self._floor = min(positive) / 2 if positive else 1.0
        shown = [self._x(x) for x in xs]
        self._x0, self._x1 = _padded(min(shown), max(shown), 0.06)
        self._y0, self._y1 = _padded(min(ys), max(ys), 0.08)
        self._xs = sorted(set(xs))

    def at(self, point: Point) -> tuple[float, float]:
        """Where a point lies."""
        return self.left(point.x), self.top(point.y)

    def left(self, x: float) -> float:
        """From the left edge."""
        size = self._size
        return size.left + (self._x(x) - self._x0) / (self._x1 - self._x0) * (size.width - size.left - size.right)

    def top(self, y: float) -> float:
        """From the upper edge."""
        size, base = self._size, self._size.height - self._size.bottom
        return base - (y - self._y0) / (self._y1 - self._y0) * (base - size.top)

    def span(self, low: float, high: float) -> tuple[float, float]:
        """Both ends of an interval, cut where the drawing ends."""
        size = self._size
        first, last = (min(max(self.top(value), size.top), size.height - size.bottom) for value in (low, high))
        return first, last

    def axes(self) -> str:
        """Lines, numbers and names of both axes."""
        size, chart = self._size, self._chart
        base, end, parts = size.height - size.bottom, size.width - size.right, []
        for y in _ticks(self._y0, self._y1):
            at = self.top(y)
            parts.append(f'<line class="grid" x1="{size.left}" x2="{end}" y1="{at:.1f}" y2="{at:.1f}"/>')
            parts.append(f'<text class="tick" x="{size.left - 8}" y="{at + 4:.1f}" text-anchor="end">{y:g}</text>')
        for x in self._x_ticks():
            parts.append(
                f'<text class="tick" x="{self.left(x):.1f}" y="{base + 18}" text-anchor="middle">{x:.3g}</text>'
            )
        arrow = {"up": " ↑ better", "down": " ↓ better", "": ""}[chart.better]
        parts.append(
            f'<text class="axis" x="{end}" y="{size.height - 8}" text-anchor="end">{escape(chart.x_name)}</text>'
        )
        parts.append(f'<text class="axis" x="4" y="14">{escape(chart.y_name)}{arrow}</text>')
        return "".join(parts)

    def _x(self, value: float) -> float:
        return math.log2(max(value, self._floor)) if self._log else value

    def _x_ticks(self) -> list[float]:
        """As many as have room: the values themselves, powers of two, or round numbers."""
        most = max(2, (self._size.width - self._size.left - self._size.right) // _A_LABEL)
        if self._chart.lines and len(self._xs) <= most:
            return self._far_enough(self._xs)
        if self._log:
            powers = range(math.ceil(self._x0), math.floor(self._x1) + 1)
            return [2.0**power for power in powers[:: math.ceil(len(powers) / most) or 1]]
        return _ticks(self._x0, self._x1, most)

    def _far_enough(self, xs: Sequence[float]) -> list[float]:
        kept: list[float] = []
        for x in xs:
            if not kept or self.left(x) - self.left(kept[-1]) >= _A_LABEL * 0.6:
                kept.append(x)
        return kept


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
