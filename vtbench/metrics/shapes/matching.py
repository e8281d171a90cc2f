"""Two sets of equal size by the distances of their members: MMD, COV (Achlioptas et al. 2018) and 1-NNA (Lopez-Paz and
Oquab 2017), as PointFlow defines them. Of equal distances the member with the lowest index counts, references first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SetDistances:
    """Distances of ``N`` samples and ``N`` references.

    Attributes:
        across: sample by reference, ``float64 [N,N]``.
        samples: sample by sample, ``float64 [N,N]``, symmetric.
        references: reference by reference, likewise.
    """

    across: Matrix
    samples: Matrix
    references: Matrix


@dataclass(frozen=True)
class Found:
    """A value, and how many of its nearest neighbours had an equal beside them."""

    value: float
    ties: int


def nearest_samples(distances: SetDistances) -> Matrix:
    """Of each reference the distance to its nearest sample, ``float64 [N]``; MMD is their mean."""
    nearest: Matrix = distances.across.min(axis=0)
    return nearest


def coverage(distances: SetDistances) -> Found:
    """Per cent of the references that are the nearest one of some sample."""
    nearest = distances.across.argmin(axis=1)
    covered = len(np.unique(nearest))
    return Found(100.0 * covered / distances.across.shape[1], _ties(distances.across))


def nearest_neighbour_accuracy(distances: SetDistances) -> Found:
    """Per cent of all ``2N`` members whose nearest other member is of their own set.

    50 is ideal: nobody can tell the sets apart. 100 is of sets that lie apart, 0 of samples that are copies of the
    references, each of which has its copy nearest.
    """
    count = len(distances.across)
    union = np.block([[distances.references, distances.across.T], [distances.across, distances.samples]])
    np.fill_diagonal(union, np.inf)
    nearest_is_reference = union.argmin(axis=1) < count
    is_reference = np.arange(2 * count) < count
    return Found(100.0 * float((nearest_is_reference == is_reference).mean()), _ties(union))


def _ties(matrix: Matrix) -> int:
    """Rows whose least value stands more than once."""
    return int(((matrix == matrix.min(axis=1, keepdims=True)).sum(axis=1) > 1).sum())
