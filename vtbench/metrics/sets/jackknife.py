"""The grouped jackknife of set metrics: which samples are left out together, and the interval of what is left."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

_STEP, _FIRST, _SECOND = map(np.uint64, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def jackknife_groups(n: int, groups: int) -> NDArray[np.int64]:
    """Which group each of ``n`` samples is in, ``int64 [n]``; sizes are equal or one apart.

    Samples come in an order, often one of each class, over and over: groups of every so many-th would each hold classes
    of their own, and the interval would tell how unlike the classes are. So the digits of a sample's place to the base
    of the number of groups are each replaced, by a table of their position, and added up. Each group then holds as many
    of every class where the classes are a divisor of a power of the base (10, 100, 1000 of 10 groups), in whichever of
    the two orders, and nearly as many elsewhere. It is the same on every machine, and sets of as many samples have the
    same groups, so that paired samples leave together.

    Args:
        n: samples.
        groups: how many.
    """
    found, size, position = np.zeros(n, dtype=np.int64), 1, 0
    while size < n and groups > 1:
        found += _table(position, groups)[np.arange(n) // size % groups]
        size, position = size * groups, position + 1
    return found % groups


def _table(position: int, groups: int) -> NDArray[np.int64]:
    """A permutation, by SplitMix64 (Steele et al. 2014) of where its entries stand."""
    keys = np.arange(position * groups + 1, (position + 1) * groups + 1, dtype=np.uint64) * _STEP
    keys = (keys ^ (keys >> np.uint64(30))) * _FIRST
    keys = (keys ^ (keys >> np.uint64(27))) * _SECOND
    return np.argsort(keys ^ (keys >> np.uint64(31)), kind="stable")


def jackknife_method(groups: int, of: str = "") -> str:
    """What a record says of it.

    Args:
        groups: that are left out in turn.
        of: what they are of, where it is not both sets.
    """
    return f"grouped jackknife, {groups} balanced groups{of}, t interval"


def jackknife_interval(value: float, left_out: Sequence[float]) -> tuple[float, float]:
    """95 % interval from delete-a-group values (Shao and Tu 1995, sec. 2.3); a squared distance has no negative end."""
    groups = len(left_out)
    variance = (groups - 1) / groups * float(np.square(np.asarray(left_out) - np.mean(left_out)).sum())
    half = float(special.stdtrit(groups - 1, 0.975)) * math.sqrt(variance)
    return max(0.0, value - half), value + half
