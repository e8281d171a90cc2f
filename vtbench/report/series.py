"""What a board's charts show: rate against distortion, a metric along a numeric stratum, values of single images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vtbench.report.gather import Board
from vtbench.results.rows import metric_result
from vtbench.results.samples import SCORED
from vtbench.results.schema import MetricResult

_DISTANCES = ("fid", "kid", "fd_efflite0", "kid_efflite0")
_RATE_AGAINST = ("psnr", "lpips_alex", "cer", "high_frequency_error", *_DISTANCES)
_OF_STRATUM = ("band_error", "cer", "high_frequency_error", "psnr", "t_acc", "face_similarity")
_BINS = 24


@dataclass(frozen=True)
class Point:
    """A model in a chart; ``x`` may be a position on an axis of names."""

    label: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    on_front: bool = False


@dataclass(frozen=True)
class Chart:
    """One chart: series of points by name; ``lines`` joins the points of a series."""

    title: str
    x_name: str
    y_name: str
    series: tuple[tuple[str, tuple[Point, ...]], ...]
    lines: bool = False
    log_x: bool = False
    better: str = ""


def rate_charts(board: Board) -> list[Chart]:
    """Bits a pixel against each distortion the board has, with the Pareto front; two models are needed."""
    charts = []
    for name in _RATE_AGAINST:
        found = [
            (run.label, metric_result(run.record, "bits_per_pixel"), run.record.result(name)) for run in board.runs
        ]
        points = [
            Point(label, rate.value, result.value, result.ci_low, result.ci_high)
            for label, rate, result in found
            if rate is not None and result is not None and rate.value > 0 and math.isfinite(result.value)
        ]
        if len(points) > 1 and len({point.x for point in points}) > 1:
            higher = bool(next(r for _, _, r in found if r is not None).higher_is_better)
            series = tuple((point.label, (point,)) for point in with_front(points, higher))
            charts.append(
                Chart(f"Rate and {name}", "bits a pixel", name, series, log_x=True, better="up" if higher else "down")
            )
    return charts[:3]


def with_front(points: Sequence[Point], higher_is_better: bool) -> list[Point]:
    """The points, those on the Pareto front marked: nothing with fewer or as many bits is better."""
    best = -math.inf
    marked = []
    for point in sorted(points, key=lambda p: (p.x, -p.y if higher_is_better else p.y)):
        goodness = point.y if higher_is_better else -point.y
        marked.append(Point(point.label, point.x, point.y, point.low, point.high, goodness > best))
        best = max(best, goodness)
    return marked


def stratum_charts(board: Board) -> list[Chart]:
    """A metric along a stratum whose values are numbers, such as a glyph size or a band of frequencies."""
    charts = []
    for metric in _OF_STRATUM:
        for axis in _axes(board, metric):
            series = tuple((run.label, _along(run.record.results, metric, axis)) for run in board.runs)
            series = tuple((label, points) for label, points in series if len(points) > 1)
            if series:
                first = next(r for r in board.first.results if r.metric == metric)
                better = {True: "up", False: "down", None: ""}[first.higher_is_better]
                charts.append(Chart(f"{metric} by {axis}", axis, metric, series, lines=True, log_x=True, better=better))
    return charts[:4]


def _axes(board: Board, metric: str) -> list[str]:
    found: dict[str, int] = {}
    for result in board.first.results:
        axis, equals, value = result.stratum.partition("=")
        if result.metric == metric and equals and "," not in result.stratum and _number(value) is not None:
            found[axis] = found.get(axis, 0) + 1
    return [axis for axis, count in found.items() if count > 2 and axis != "level"]


def _along(results: Sequence[MetricResult], metric: str, axis: str) -> tuple[Point, ...]:
    points = []
    for result in results:
        name, equals, value = result.stratum.partition("=")
        x = _number(value) if equals else None
        if result.metric == metric and name == axis and x is not None and math.isfinite(result.value):
            points.append(Point(result.stratum, x, result.value, result.ci_low, result.ci_high))
    return tuple(sorted(points, key=lambda point: point.x))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class Distribution:
    """How one metric spreads over the images of a run: counts in bins that all runs of the board share."""

    label: str
    counts: tuple[int, ...]
    low: float
    high: float
    median: float


def distributions(board: Board) -> tuple[str, list[Distribution]]:
    """The board's first image metric over the images of every run, in shared bins; empty without rows."""
    for metric in ("psnr", "text_edits", "lpips_alex", "clip_score"):
        columns = {}
        for run in board.runs:
            if run.samples is not None and metric in run.samples.metrics:
                kept = np.array([status == SCORED for status in run.samples.status])
                values = run.samples.metrics[metric][kept]
                columns[run.label] = values[np.isfinite(values)]
        columns = {label: values for label, values in columns.items() if len(values) > 1}
        if columns:
            low = min(float(values.min()) for values in columns.values())
            high = max(float(values.max()) for values in columns.values())
            edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
            return metric, [
                Distribution(
                    label,
                    tuple(int(count) for count in np.histogram(values, edges)[0]),
                    low,
                    float(edges[-1]),
                    float(np.median(values)),
                )
                for label, values in columns.items()
            ]
    return "", []
