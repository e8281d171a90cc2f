"""Measure one block of rows of the distances of two sets: the unit of work, of resume and of distribution."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vtbench.core.contracts import SampleFailure
from vtbench.core.threads.lanes import in_lanes
from vtbench.data.clouds.contract import Side
from vtbench.metrics.shapes.distances import Cloud, distance
from vtbench.metrics.shapes.occupancy import OccupancyGrid
from vtbench.run.measuring.previews import FixedPreviews
from vtbench.run.measuring.shapes.asked import (
    ACROSS,
    OCCUPANCY,
    OUTSIDE,
    REFERENCES,
    SAMPLES,
    array_name,
    followers,
)
from vtbench.run.measuring.shapes.loading import Bank, Loaded, load
from vtbench.run.measuring.shapes.pictures import cloud_picture
from vtbench.run.measuring.tally import Tally
from vtbench.run.storing.blocks import Block, BlockResult
from vtbench.run.storing.rows import SampleRow, as_samples
from vtbench.tasks.sections import ShapesSpec

Row = NDArray[np.float64]


@dataclass(eq=False)
class ShapeMeter:
    """Measures blocks, one after another.

    Attributes:
        samples: of the model.
        references: as many.
        spec: how many points, at which scale.
        distances: which are asked for.
        grid: counts where points lie; ``None`` where nobody asks.
        previews: where pictures go, and of which rows.
        columns: of a row.
    """

    samples: Side
    references: Side
    spec: ShapesSpec
    distances: tuple[str, ...]
    grid: OccupancyGrid | None
    previews: FixedPreviews
    columns: Sequence[str]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @cached_property
    def _bank(self) -> Bank:
        return load(self.samples, self.references, self.spec)

    def measure(self, block: Block) -> BlockResult:
        """Distances of the block's samples to all references, and of both to half of their own; pairs on all lanes."""
        tally, started = Tally(self.device, block.start), time.perf_counter()
        ids = self.samples.ids[block.start : block.stop]
        tally.place(ids)
        bank = self._bank
        tally.seconds["io"] = time.perf_counter() - started
        places = range(block.start, block.stop)
        found = [self._row(index) for index in places]
        tally.seconds["distances"] = time.perf_counter() - started - tally.seconds["io"]
        arrays: dict[str, Any] = {name: np.stack([row[name] for row in found]) for name in (found[0] if found else ())}
        sound = [index for index in places if not bank.trouble(index)]
        rows = [self._told(name, index, row) for name, index, row in zip(ids, places, found, strict=True)]
        beside = [write for index, row in zip(places, found, strict=True) for write in self._picture(index, row)]
        samples = as_samples(rows, self.columns, ())
        return BlockResult(samples, {**arrays, **self._occupied(sound)}, tally.meta(len(ids)), beside)

    def _row(self, index: int) -> dict[str, Row]:
        bank, count = self._bank, len(self._bank.samples)
        sides = (
            (ACROSS, bank.samples, bank.references, list(range(count)), count),
            (SAMPLES, bank.samples, bank.samples, followers(index, count), count // 2),
            (REFERENCES, bank.references, bank.references, followers(index, count), count // 2),
        )
        row: dict[str, Row] = {}
        for pairs, own, others, those, width in sides:
            values = in_lanes(partial(self._pair, own[index], others), those)
            for place, name in enumerate(self.distances):
                row[array_name(name, pairs)] = np.full(width, math.nan)
                row[array_name(name, pairs)][: len(values)] = [value[place] for value in values]
        return row

    def _pair(self, own: Cloud | str, others: Loaded, other: int) -> tuple[float, ...]:
        target = others[other]
        if isinstance(own, str) or isinstance(target, str):
            return (math.nan,) * len(self.distances)
        return tuple(distance(name, own, target) for name in self.distances)

    def _told(self, name: str, index: int, row: dict[str, Row]) -> SampleRow:
        if trouble := self._bank.trouble(index):
            return SampleRow(name, index, failure=SampleFailure(name, "decode", trouble, of_model=False))
        values = {f"nearest_{one}": float(np.nanmin(row[array_name(one, ACROSS)])) for one in self.distances}
        return SampleRow(name, index, values=values)

    def _occupied(self, places: Sequence[int]) -> dict[str, NDArray[np.int64]]:
        if self.grid is None:
            return {}
        counts = np.zeros((2, len(self.grid.cells)), dtype=np.int64)
        outside = np.zeros(2, dtype=np.int64)
        for side, clouds in enumerate((self._bank.samples, self._bank.references)):
            for cloud in (clouds[index] for index in places):
                assert isinstance(cloud, Cloud)
                counts[side] += self.grid.counts(cloud.points)
                outside[side] += self.grid.outside(cloud.points)
        return {OCCUPANCY: counts, OUTSIDE: outside}

    def _picture(self, index: int, row: dict[str, Row]) -> list[Callable[[], None]]:
        """A sample beside its nearest reference, if it is one of those that are kept."""
        if self._bank.trouble(index):
            return []
        beside = self._bank.references[index]
        if self.distances:
            beside = self._bank.references[int(np.nanargmin(row[array_name(self.distances[0], ACROSS)]))]
        sample = self._bank.samples[index]
        assert isinstance(sample, Cloud) and isinstance(beside, Cloud)
        drawn = partial(cloud_picture, sample.points, beside.points)
        return self.previews.kept(index, self.samples.ids[index], drawn)
