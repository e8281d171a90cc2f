"""One sample's row while it is being measured, and many of them as columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from vtbench.core.contracts import Prepared, SampleFailure
from vtbench.core.secrets import masked
from vtbench.results.records.samples import FAILED, SCORED, Samples


@dataclass(frozen=True)
class SampleRow:
    """What was found for one sample; ``failure`` is set where nothing could be scored."""

    id: str
    index: int
    height: int = 0
    width: int = 0
    values: Mapping[str, float] = field(default_factory=dict)
    strata: Mapping[str, str] = field(default_factory=dict)
    failure: SampleFailure | None = None


def scored_row(sample: Prepared, index: int, values: Mapping[str, float], strata: Sequence[str]) -> SampleRow:
    """The row of a sample that was scored at its reference's size."""
    height, width = sample.reference.shape[-2:]
    target = sample.target if isinstance(sample.target, Mapping) else {}
    return SampleRow(sample.id, index, height, width, values, strata_of(target, strata))


def strata_of(told: Mapping[str, object], strata: Sequence[str]) -> dict[str, str]:
    """Fields of a target, or of a condition's metadata, as a row keeps them; empty where there is none."""
    return {name: _label(told.get(name)) for name in strata}


def _label(value: object) -> str:
    return "" if value is None else str(value)


def as_samples(rows: Sequence[SampleRow], columns: Sequence[str], strata: Sequence[str]) -> Samples:
    """Rows as columns, with every metric column present: NaN where a row has no value."""
    return Samples(
        ids=[row.id for row in rows],
        index=np.array([row.index for row in rows], dtype=np.int64),
        status=[SCORED if row.failure is None else FAILED for row in rows],
        stage=["" if row.failure is None else row.failure.stage for row in rows],
        message=["" if row.failure is None else masked(row.failure.message) for row in rows],
        height=np.array([row.height for row in rows], dtype=np.int32),
        width=np.array([row.width for row in rows], dtype=np.int32),
        metrics={
            name: np.array([row.values.get(name, math.nan) for row in rows], dtype=np.float64) for name in columns
        },
        strata={name: [row.strata.get(name, "") for row in rows] for name in strata},
    )
