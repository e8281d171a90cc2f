"""What a probe is given, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Matrix = Any
"""``float64 [N,D]``: an array, or a sparse array of SciPy in rows."""
Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Problem:
    """Labelled images, and what is to be done with each.

    Attributes:
        features: ``float64 [N,D]``, dense or sparse, in the order of the images.
        labels: ``int64 [N]``.
        held_out: of each, whether it is tried; the others are fitted.
        validation: of each, whether it is left out while settings are chosen; of those fitted only, and never all of a
            label.
    """

    features: Matrix
    labels: Labels
    held_out: Mask
    validation: Mask


@dataclass(frozen=True, eq=False)
class Answer:
    """What a probe tells of the images that are tried, in order.

    Attributes:
        labels: ``int64 [M]``.
        details: what it settled on.
        warning: what a reader of the value must know; empty where there is nothing.
    """

    labels: Labels
    details: Mapping[str, Any] = field(default_factory=dict)
    warning: str = ""


class Probe(Protocol):
    """Fits some images and tells labels of others; a pure function of the problem."""

    def __call__(self, problem: Problem) -> Answer:
        """Labels of the images held out.

        Raises:
            UsageError: too few images, or too much to fit.
        """
