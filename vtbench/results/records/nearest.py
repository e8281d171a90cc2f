"""Pairs of a sample and the training image nearest to it: as records hold them, and what a picture is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vtbench.core.disk.files import path_segment

NEAREST = "nearest"
"""Of a result's details: the pairs of least distance."""
NEAREST_BY = "nearest_by"
"""Of the same: the extractor by which they are."""
PAIR_PREFIX = "nearest-"
"""How the names of their pictures begin, among the previews of a run."""


@dataclass(frozen=True)
class Pair:
    """One pair.

    Attributes:
        sample: place of the sample in its run.
        id: its id.
        training: place of the training image among those that could be used.
        distance: of their features.
    """

    sample: int
    id: str
    training: int
    distance: float

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Pair:
        """From a result's details.

        Raises:
            ValueError: something else.
        """
        try:
            return cls(int(told["sample"]), str(told["id"]), int(told["training"]), float(told["distance"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"no pair of a sample and a training image: {told!r:.80}") from error

    def picture(self, extractor: str) -> str:
        """Name of the file that shows both, sample first."""
        return f"{PAIR_PREFIX}{path_segment(extractor)}-{self.sample:08d}-{self.training:08d}.webp"
