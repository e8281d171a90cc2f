"""Measure one block of maps against the truth."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vtbench.core.contracts import SampleFailure
from vtbench.core.errors import SampleError
from vtbench.core.threads.lanes import in_lanes
from vtbench.data.maps.folder import MapFolder
from vtbench.data.maps.reading import read_depth, read_labels, read_normals
from vtbench.metrics.catalog.maps import MAP_METRICS, OWN_IOU
from vtbench.metrics.maps.depth import depth_values
from vtbench.metrics.maps.normals import normal_values
from vtbench.metrics.maps.segmentation import confusion, mean_iou
from vtbench.run.measuring.maps.asked import CONFUSION, PREFIX
from vtbench.run.measuring.maps.pictures import map_picture
from vtbench.run.measuring.previews import FixedPreviews
from vtbench.run.measuring.tally import Tally
from vtbench.run.storing.blocks import Block, BlockResult
from vtbench.run.storing.rows import SampleRow, as_samples
from vtbench.tasks.sections import MapsSpec

Array = NDArray[Any]


@dataclass(frozen=True)
class _Found:
    """Of one stem: a row, its arrays, and the truth beside the first prediction."""

    row: SampleRow
    arrays: dict[str, Array]
    shown: tuple[Array, Array] | None = None


@dataclass(eq=False)
class MapMeter:
    """Measures blocks, one after another.

    Attributes:
        ids: of all references that are scored.
        samples: predictions that every stem is to have.
        columns: of a row.
    """

    predictions: MapFolder
    references: MapFolder
    ids: Sequence[str]
    spec: MapsSpec
    samples: int
    columns: Sequence[str]
    previews: FixedPreviews
    device: torch.device

    def measure(self, block: Block) -> BlockResult:
        """Every prediction of the block's stems against the truth; stems on all lanes."""
        tally, started = Tally(self.device, block.start), time.perf_counter()
        tally.place(self.ids[block.start : block.stop])
        found = in_lanes(self._measured, range(block.start, block.stop))
        tally.seconds["maps"] = time.perf_counter() - started
        arrays = {name: np.stack([one.arrays[name] for one in found]) for name in (found[0].arrays if found else ())}
        beside = [write for one in found for write in self._picture(one)]
        return BlockResult(
            as_samples([one.row for one in found], self.columns, ()), arrays, tally.meta(len(found)), beside
        )

    def _measured(self, index: int) -> _Found:
        stem = self.ids[index]
        try:
            truth = self._read(self.references, self.references.files(stem)[0])
        except SampleError as error:
            return self._failed(index, "decode", f"reference: {error.what}")
        try:
            maps = [self._fitting(name, truth) for name in self._files(stem)]
            height, width = truth.shape[:2]
            values, arrays = self._scores(maps, truth)
        except (SampleError, ValueError) as error:
            return self._failed(index, "model", error.what if isinstance(error, SampleError) else str(error))
        return _Found(SampleRow(stem, index, height, width, values), arrays, (maps[0], truth))

    def _files(self, stem: str) -> list[str]:
        files = self.predictions.files(stem)
        if len(files) != self.samples:
            raise SampleError(f"{len(files)} maps of this stem, {self.samples} of others" if files else "no such map")
        return files

    def _fitting(self, name: str, truth: Array) -> Array:
        found = self._read(self.predictions, name)
        if found.shape != truth.shape:
            got, wanted = ("x".join(map(str, shape[:2])) for shape in (found.shape, truth.shape))
            raise SampleError(f"{name} is {got}, the reference {wanted} (height x width): maps are never resized")
        return found

    def _read(self, folder: MapFolder, name: str) -> Array:
        if self.spec.of == "segmentation":
            return read_labels(folder.root / name, name, self.spec.classes or 0, self.spec.ignore)
        if self.spec.of == "depth":
            return read_depth(folder.root / name, name, self.spec.png_scale)
        return read_normals(folder.root / name, name)

    def _scores(self, maps: list[Array], truth: Array) -> tuple[dict[str, float], dict[str, Array]]:
        if self.spec.of == "segmentation":
            classes, ignore = self.spec.classes or 0, self.spec.ignore
            counts = np.stack([confusion(one, truth, classes, ignore) for one in maps])
            if not counts.any():
                raise ValueError("no pixel of the reference is valid")
            return {OWN_IOU: float(mean_iou(counts).mean())}, {CONFUSION: counts}
        score = depth_values if self.spec.of == "depth" else normal_values
        each = [score(one, truth) for one in maps]
        arrays = {name: np.array([values[name] for values in each]) for name in each[0]}
        return (
            {name: math.fsum(values) / len(values) for name, values in arrays.items()},
            {f"{PREFIX}{name}": values for name, values in arrays.items()},
        )

    def _failed(self, index: int, stage: str, message: str) -> _Found:
        stem, classes = self.ids[index], self.spec.classes or 0
        row = SampleRow(stem, index, failure=SampleFailure(stem, stage, message, of_model=False))
        if self.spec.of == "segmentation":
            return _Found(row, {CONFUSION: np.zeros((self.samples, classes, classes + 1), dtype=np.int64)})
        return _Found(row, {f"{PREFIX}{name}": np.full(self.samples, math.nan) for name in MAP_METRICS[self.spec.of]})

    def _picture(self, found: _Found) -> list[Callable[[], None]]:
        if found.shown is None:
            return []
        return self.previews.kept(found.row.index, found.row.id, partial(map_picture, *found.shown, self.spec.of))
