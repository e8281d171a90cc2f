"""Measure the blocks of a task of maps."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import torch

from vtbench.run.executing.writing import Measured, at_once
from vtbench.run.measuring.maps.meter import MapMeter
from vtbench.run.measuring.previews import FixedPreviews, fixed_indices
from vtbench.run.planning.jobs import JobPlan, row_columns
from vtbench.run.planning.premade.maps import MapsData
from vtbench.run.storing.blocks import Block


def map_blocks(
    plan: JobPlan, data: MapsData, device: torch.device, missing: Sequence[Block]
) -> Generator[Measured, None, None]:
    """Measure the missing blocks, one after another; each has its result at once."""
    task = plan.task
    assert task.maps is not None
    meter = MapMeter(
        predictions=data.predictions,
        references=data.references,
        ids=data.ids,
        spec=task.maps,
        samples=data.samples,
        columns=row_columns(task),
        previews=FixedPreviews(plan.folder / "previews", fixed_indices(len(data.ids), task.previews.fixed)),
        device=device,
    )
    for block in missing:
        yield at_once(block, meter.measure(block))
