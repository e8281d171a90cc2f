"""The grouped jackknife of set metrics: which samples are left out together, and the interval of what is left."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

_GOLDEN = 0.6180339887


def jackknife_groups(n: int, groups: int) -> NDArray[np.int64]:
    """Which group each of ``n`` samples is in, ``int64 [n]``; sizes are equal or one apart.

    Samples come in an order, often one of each class, over and over: with every K-th sample in a group, each of ten
    groups would hold one of ten classes, and the interval would tell how unlike the classes are. So of each run of K
    samples, K the number of groups, one goes to each group, and which is first moves on by m in each K-th part of the
    runs: sample i is in group ``(i + m floor(K floor(i / K) / ceil(n / K))) mod K``, m being next to 0.618 K without a
    common divisor. A group then holds about as many of every class as another, whatever their number, and also where
    one class comes after the other. Sets of as many samples have the same groups: paired samples leave together.

    Args:
        n: samples.
        groups: how many.
    """
    place = np.arange(n)
    runs = max(1, -(-n // groups))
    return (place + _stride(groups) * (place // groups * groups // runs)) % groups


def _stride(groups: int) -> int:
    coprime = (number for number in range(1, groups + 1) if math.gcd(number, groups) == 1)
    return min(coprime, key=lambda number: abs(number - _GOLDEN * groups))


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
