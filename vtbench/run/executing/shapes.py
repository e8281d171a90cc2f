"""Measure the blocks of a task of shapes: rows of the distances of two sets of clouds."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import torch

from vtbench.run.executing.writing import Measured, at_once
from vtbench.run.measuring.previews import FixedPreviews, fixed_indices
from vtbench.run.measuring.shapes.asked import asked_distances, asked_grid
from vtbench.run.measuring.shapes.meter import ShapeMeter
from vtbench.run.planning.jobs import JobPlan, row_columns
from vtbench.run.planning.premade.shapes import ShapesData
from vtbench.run.storing.blocks import Block


def shape_blocks(
    plan: JobPlan, data: ShapesData, device: torch.device, missing: Sequence[Block]
) -> Generator[Measured, None, None]:
    """Measure the missing blocks, one after another; each has its result at once."""
    task = plan.task
    assert task.shapes is not None
    meter = ShapeMeter(
        samples=data.samples,
        references=data.references,
        spec=task.shapes,
        distances=asked_distances(task.shape_metrics),
        grid=asked_grid(task),
        previews=FixedPreviews(plan.folder / "previews", fixed_indices(len(data.ids), task.previews.fixed)),
        columns=row_columns(task),
        device=device,
    )
    for block in missing:
        yield at_once(block, meter.measure(block))
