"""Means over prompts, then over subjects: a subject with more prompts or fewer failures weighs no more than another."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vtbench.core.contracts import Condition

Column = NDArray[np.float64]


def subject_numbers(conditions: Sequence[Condition]) -> list[float]:
    """A number that tells subjects apart, from what each condition calls its ``subject``; NaN where it names none."""
    return [_number(condition.metadata.get("subject")) for condition in conditions]


def mean_of_subjects(values: Column, subjects: Column, lines: NDArray[np.int64]) -> Column:
    """Images to lines to subjects: ``float64 [N]`` to one value a subject, in order of appearance.

    A mean leaves out images and lines that have no value. Where none or one subject is named, it is a value a line.
    """
    line_values = np.array([_mean(values[lines == line]) for line in np.unique(lines)])
    first = [int(np.flatnonzero(lines == line)[0]) for line in np.unique(lines)]
    of_lines = subjects[first]
    if np.isnan(of_lines).any() or len(set(of_lines.tolist())) < 2:
        return line_values
    return np.array([_mean(line_values[of_lines == one]) for one in dict.fromkeys(of_lines.tolist())])


def fold_by_subject(columns: Mapping[str, Column], lines: NDArray[np.int64]) -> Column:
    """:func:`mean_of_subjects` of a metric's two columns: its own, then that of its subjects."""
    values, subjects = columns.values()
    return mean_of_subjects(values, subjects, lines)


def _mean(values: Column) -> float:
    known = values[~np.isnan(values)]
    return math.fsum(known.tolist()) / len(known) if len(known) else math.nan


def _number(subject: object) -> float:
    """48 bits of a digest, which a float64 holds exactly."""
    if subject is None:
        return math.nan
    return float(int.from_bytes(hashlib.sha256(str(subject).encode()).digest()[:6], "big"))
