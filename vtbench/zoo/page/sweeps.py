"""Sweeps of the zoo's page: a picture, a table, and whether the shape that was expected is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vtbench.checkpoints.tables import table
from vtbench.report.gather import Board, Run
from vtbench.report.leaderboards.parts import foot
from vtbench.report.leaderboards.picture import picture
from vtbench.report.marks import marks_for
from vtbench.report.series import Chart, Point
from vtbench.results.tables.digits import column_decimals, estimate_text
from vtbench.systems.page import anchor
from vtbench.zoo.page.values import DISTANCE, reading, result_of
from vtbench.zoo.sampling.shapes import Reading, lowest, shape_of
from vtbench.zoo.sampling.sweeps import SWEEPS, Sweep

COLUMNS = (DISTANCE, "precision_efflite0", "recall_efflite0", "code_entropy_bits")
_HEAD = """## Settings of samplers

One setting varied at a time, 2,000 samples from the same seeds, against the images of the test split. Precision is the
share of samples among the images, recall the share of images among the samples: what guidance gives and takes. ± is
half of a 95 % interval, and a shape is called there only where differences exceed the intervals of both values; a
difference that is not found may be too small for so many samples. What a setting saves stands beside it where settings
differ: decoding steps an image, positions that pass through the network for it (those of guidance too), and the
largest key-value cache as a share of the first row's.
"""
_SAVED = {
    "steps": "steps_per_image",
    "positions": "tokens_computed_per_image",
    "cache": "kv_cache_bytes",
}
"""Columns of what a setting saves, and fields of a record's performance; no time, which another machine moves."""
_WORDS = {
    "valley": "a valley: lowest inside, higher at both ends",
    "rising": "rising",
    "falling": "falling",
    "level": "level: no difference beyond the intervals",
    "other": "neither level, nor one way, nor a valley",
}


@dataclass(frozen=True)
class Measured:
    """A sweep with the runs of its settings, in their order."""

    sweep: Sweep
    runs: tuple[Run, ...]

    @property
    def figure(self) -> str:
        """Of its picture."""
        return f"figures/zoo-{self.sweep.name}.svg"

    @property
    def readings(self) -> list[Reading]:
        """Distances over the axis."""
        pairs = zip(self.sweep.settings, self.runs, strict=True)
        return [reading(result_of(run, DISTANCE), setting.x) for setting, run in pairs]


def measured(board: Board, sweeps: Sequence[Sweep] = SWEEPS) -> list[Measured]:
    """The sweeps of which every setting has a run on the board.

    Args:
        board: of ``zoo-sampling``.
        sweeps: that are looked for.
    """
    by_model = {run.record.model.reference: run for run in board.runs}
    return [
        Measured(sweep, tuple(by_model[one.model] for one in sweep.settings))
        for sweep in sweeps
        if all(one.model in by_model for one in sweep.settings)
    ]


def sections(board: Board, sweeps: Sequence[Sweep] = SWEEPS) -> tuple[list[str], dict[str, str]]:
    """Text of the page, and its pictures by file; nothing where no sweep is whole."""
    found = measured(board, sweeps)
    if not found:
        return [], {}
    rows = [
        [f"[{one.sweep.heading}](#{anchor(one.sweep.heading)})", one.sweep.expected, shape_of(one.readings)]
        for one in found
    ]
    summary = table(["setting", "expected", "measured"], rows)
    texts = [_HEAD, summary + "\n", f"{foot(board)}\n", *(_section(one) for one in found)]
    return texts, {one.figure: _picture(one) for one in found}


def verdict(readings: Sequence[Reading], sweep: Sweep) -> str:
    """A sentence: the shape that was found, whether it is the one expected, and where the distance is lowest."""
    shape = shape_of(readings)
    best = lowest(readings)
    there = "as expected" if shape == sweep.expected else f"**not** the expected shape ({_WORDS[sweep.expected]})"
    return f"Measured: {_WORDS[shape]}; {there}. Lowest at {best.x:g}: {best.value:.1f} ± {best.half:.1f}."


def _section(one: Measured) -> str:
    sweep = one.sweep
    had = [name for name in COLUMNS if all(run.record.result(name) for run in one.runs)]  # latents have no codes
    decimals = {name: column_decimals([result_of(run, name) for run in one.runs]) for name in had}
    saved = _saved(one.runs)
    rows = [
        [
            f"`{setting.model}`",
            *(estimate_text(result_of(run, name), decimals[name]) for name in had),
            *(column[place] for column in saved.values()),
        ]
        for place, (setting, run) in enumerate(zip(sweep.settings, one.runs, strict=True))
    ]
    shown = f"![{DISTANCE} over {sweep.axis}]({one.figure})"
    parts = (
        f"### {sweep.heading}",
        sweep.told,
        verdict(one.readings, sweep),
        shown,
        table(["generator", *had, *saved], rows),
    )
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _saved(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Columns of what settings save, where all tell it and they differ."""
    found: dict[str, list[str]] = {}
    for name, field in _SAVED.items():
        values = [getattr(run.record.performance, field) for run in runs]
        if all(values) and len(set(values)) > 1:
            found[name] = [f"{value / values[0]:.0%}" if name == "cache" else f"{value:.4g}" for value in values]
    return found


def _picture(one: Measured) -> str:
    series: dict[str, list[Point]] = {}
    for setting, point in zip(one.sweep.settings, one.readings, strict=True):
        name = setting.model.partition(",")[0]
        low, high = point.value - point.half, point.value + point.half
        series.setdefault(name, []).append(Point(name, point.x, point.value, low, high))
    drawn = tuple((name, tuple(points)) for name, points in series.items())
    curves = tuple(points for _, points in drawn)
    chart = Chart(one.sweep.heading, one.sweep.axis, DISTANCE, drawn, better="down", curves=curves)
    return picture(chart, marks_for(series))
