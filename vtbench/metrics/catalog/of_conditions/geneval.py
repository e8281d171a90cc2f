"""Names of GenEval's metric: ``geneval`` by its own detector, ``geneval_DETECTOR`` by any other. No torch."""

from __future__ import annotations

from vtbench.core.info import MetricInfo
from vtbench.detectors import DETECTORS
from vtbench.metrics.catalog.of_conditions.entries import ConditionEntry

OFFICIAL = "mask2former"
"""The detector whose number is called ``geneval``."""
PREFIX = "geneval_"

GENEVAL_ENTRY = ConditionEntry(fields=("tag",))
"""By any detector: values are made by the tag of a prompt."""


def geneval_name(detector: str) -> str:
    """How the metric by a detector is called."""
    return "geneval" if detector == OFFICIAL else PREFIX + detector


def geneval_detector(name: str) -> str | None:
    """The detector of a metric of that name; ``None`` where it is none, or nobody knows the detector."""
    if name == "geneval":
        return OFFICIAL
    detector = name.removeprefix(PREFIX)
    return detector if detector not in (name, OFFICIAL) and detector in DETECTORS else None


def geneval_info(detector: str) -> MetricInfo:
    """Of the metric by a detector."""
    by = "its own detector" if detector == OFFICIAL else f"the detector {detector}; no number of GenEval's papers"
    return MetricInfo(
        name=geneval_name(detector),
        version=1,
        kind="condition",
        higher_is_better=True,
        summary=f"GenEval: mean over tags of the share of correct images, by {by}.",
    )
