"""What a board's charts show: rate against distortion, a metric along a numeric stratum, values of single images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vtbench.report.curves import curves
from vtbench.report.gather import Board
from vtbench.results.records.samples import SCORED
from vtbench.results.records.schema import MetricResult
from vtbench.results.tables.ranking import best_rows, front, is_identity
from vtbench.results.tables.rows import metric_result

_DISTANCES = ("fid", "kid", "fd_efflite0", "kid_efflite0")
_LIKELIHOODS = ("code_nll_bits_per_pixel", "bits_per_dim")
_OF_CLIPS = ("video_psnr", "frame_lpips_alex", "temporal_flicker")
_OTHERS = ("cer", "high_frequency_error", *_DISTANCES, "code_nll_bits_per_pixel")
_RATE_AGAINST = ("psnr", "lpips_alex", *_OF_CLIPS, *_OTHERS)
_LEARNED, _QUALITIES = "ar_bits_per_pixel", ("psnr", "lpips_alex")
_OF_STRATUM = ("band_error", "cer", "high_frequency_error", "psnr", "t_acc", "face_similarity")
_BINS = 24
_MOST_POINTS = 12
"""A line through more values than these is binned."""


@dataclass(frozen=True)
class Point:
    """A model in a chart; ``x`` may be a position on an axis of names."""

    label: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    on_front: bool = False
    n: int = 1


@dataclass(frozen=True)
class Chart:
    """One chart: series of points by name; ``lines`` joins the points of a series, ``curves`` those of one model at
    several rates, each a series of its own."""

    title: str
    x_name: str
    y_name: str
    series: tuple[tuple[str, tuple[Point, ...]], ...]
    lines: bool = False
    log_x: bool = False
    better: str = ""
    curves: tuple[tuple[Point, ...], ...] = ()


def rate_charts(board: Board) -> list[Chart]:
    """Bits a pixel against each distortion the board has, marked as its table is; two models are needed. Runs of one
    model at several rates are on a curve.

    ``identity``, which loses nothing at 24 bits a pixel, would leave the others a corner of the chart: it is left out.
    """
    charts = []
    one_model = curves([run.record.model.reference for run in board.runs if not is_identity(run.record)])
    for name in _RATE_AGAINST:
        found = [
            (run.label, metric_result(run.record, "bits_per_pixel"), run.record.result(name))
            for run in board.runs
            if not is_identity(run.record)
        ]
        best = best_rows([run.record for run in board.runs if not is_identity(run.record)], name)
        points = {
            place: Point(label, rate.value, result.value, result.ci_low, result.ci_high, place in best)
            for place, (label, rate, result) in enumerate(found)
            if rate is not None and result is not None and rate.value > 0 and math.isfinite(result.value)
        }
        if len({point.x for point in points.values()}) > 1:
            higher = next(r for _, _, r in found if r is not None).higher_is_better
            better = "up" if higher else "down"
            joined = _joined([[points[place] for place in curve if place in points] for curve in one_model])
            series = _by_label(list(points.values()))
            charts.append(Chart(f"Rate and {name}", "bits a pixel", name, series, False, True, better, joined))
    return charts[:3]


def learnability_charts(board: Board) -> list[Chart]:
    """What codes cost a probe against how well images come back: what to look at when choosing codes to generate.

    Marked are models that no other is as good as at as few bits.
    """
    charts = []
    for name in _QUALITIES:
        found = [(run.label, run.record.result(_LEARNED), run.record.result(name)) for run in board.runs]
        points = [
            Point(label, bits.value, result.value, result.ci_low, result.ci_high)
            for label, bits, result in found
            if bits is not None and result is not None and math.isfinite(result.value)
        ]
        if len({point.x for point in points}) > 1:
            higher = next(r for _, _, r in found if r is not None).higher_is_better
            best = front([point.x for point in points], [point.y if higher else -point.y for point in points])
            series = _by_label([replace(point, on_front=place in best) for place, point in enumerate(points)])
            better = "up" if higher else "down"
            charts.append(Chart(f"Learnability and {name}", "bits a pixel under a probe", name, series, better=better))
    return charts


def charts_of(board: Board) -> list[Chart]:
    """Every chart that a board has enough models for."""
    return [*learnability_charts(board), *rate_charts(board), *stratum_charts(board)]


def _joined(found: Sequence[Sequence[Point]]) -> tuple[tuple[Point, ...], ...]:
    """Points of one model by rate, where every setting has a rate of its own."""
    kept = [points for points in found if 1 < len(points) == len({point.x for point in points})]
    return tuple(tuple(sorted(points, key=lambda point: point.x)) for points in kept)


def _by_label(points: Sequence[Point]) -> tuple[tuple[str, tuple[Point, ...]], ...]:
    """A series a model; runs that share a label share a series."""
    labels = dict.fromkeys(point.label for point in sorted(points, key=lambda point: point.x))
    return tuple((label, tuple(point for point in points if point.label == label)) for label in labels)


def stratum_charts(board: Board) -> list[Chart]:
    """A metric along a stratum whose values are numbers, such as a glyph size or a band of frequencies."""
    charts = []
    for metric in _OF_STRATUM:
        for axis in _axes(board, metric):
            series = tuple((run.label, _along(run.record.results, metric, axis)) for run in board.runs)
            series = tuple((label, points) for label, points in series if len(points) > 1)
            title = f"{metric} by {axis}"
            if max((len(points) for _, points in series), default=0) > _MOST_POINTS:
                series = tuple((label, _binned(points)) for label, points in series)
                title += ", in half octaves"
            if series:
                first = next(r for r in board.first.results if r.metric == metric)
                better = {True: "up", False: "down", None: ""}[first.higher_is_better]
                charts.append(Chart(title, axis, metric, series, lines=True, log_x=True, better=better))
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
            points.append(Point(result.stratum, x, result.value, result.ci_low, result.ci_high, n=result.n))
    return tuple(sorted(points, key=lambda point: point.x))


def _binned(points: Sequence[Point]) -> tuple[Point, ...]:
    """Means over half octaves, weighted by n, at the middle of each: where every image has a value of its own, a line
    through all of them shows the images, not the axis."""
    bins: dict[int, list[Point]] = {}
    for point in points:
        if point.x > 0:
            bins.setdefault(math.floor(2 * math.log2(point.x)), []).append(point)
    return tuple(
        Point(
            members[0].label,
            2.0 ** ((half + 0.5) / 2),
            sum(point.y * point.n for point in members) / sum(point.n for point in members),
            n=sum(point.n for point in members),
        )
        for half, members in sorted(bins.items())
    )


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
    for metric in ("psnr", "video_psnr", "text_edits", "lpips_alex", "clip_score", *_LIKELIHOODS):
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
