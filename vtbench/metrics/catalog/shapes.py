"""Metrics of sets of point clouds: names, meanings, versions. No torch."""

from __future__ import annotations

from vtbench.core.info import MetricInfo

_OF = {"cd": "the Chamfer distance, squared", "emd": "the exact earth mover's distance"}


def _shape(name: str, unit: str, higher: bool | None, summary: str) -> MetricInfo:
    return MetricInfo(name=name, version=1, kind="shape", unit=unit, higher_is_better=higher, summary=summary)


def _by(distance: str) -> tuple[MetricInfo, ...]:
    of = _OF[distance]
    return (
        _shape(f"mmd_{distance}", "", False, f"Mean over references of the least distance to a sample, by {of}."),
        _shape(f"cov_{distance}", "%", True, f"References that are the nearest one of some sample, by {of}."),
        _shape(
            f"nna_{distance}", "%", None, f"Leave-one-out 1-NN accuracy, sample or reference, by {of}; 50 is ideal."
        ),
        _shape(f"nna_{distance}_gap", "%", False, f"How far nna_{distance} lies from 50, in points."),
    )


SHAPE_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        *_by("cd"),
        *_by("emd"),
        _shape("jsd_3d", "bits", False, "Jensen-Shannon divergence of where points lie, on a grid inside a sphere."),
    )
}
"""Sets of clouds of a task's number of points, sampled and normalised by its rule: numbers compare at one task only."""
JSD_RESOLUTION = 28


def distances_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """Which distances metrics of these names need, in order."""
    return tuple(distance for distance in _OF if any(f"_{distance}" in name for name in names))
