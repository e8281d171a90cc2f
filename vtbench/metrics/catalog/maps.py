"""Metrics of dense maps: names, meanings, versions. No torch."""

from __future__ import annotations

import re
from dataclasses import replace

from vtbench.core.info import MetricInfo


def _map(name: str, unit: str, higher: bool, summary: str) -> MetricInfo:
    return MetricInfo(name=name, version=1, kind="map", unit=unit, higher_is_better=higher, summary=summary)


MAP_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        _map("miou", "%", True, "Mean over classes of intersection over union, all maps' pixels together."),
        _map("mo_miou", "%", True, "As miou, over the classes of moving objects."),
        _map("depth_delta1", "%", True, "Pixels whose depth is less than a factor of 1.25 off; the mean over maps."),
        _map("depth_absrel", "", False, "Mean of |prediction - depth| / depth over pixels, then over maps."),
        _map("normal_mean_angle", "°", False, "Mean angle between normals over pixels, then over maps."),
        _map("normal_below_11_25", "%", True, "Pixels whose normal is nearer than 11.25 degrees; the mean over maps."),
    )
}
MAP_METRICS = {
    "segmentation": ("miou", "mo_miou"),
    "depth": ("depth_delta1", "depth_absrel"),
    "normals": ("normal_mean_angle", "normal_below_11_25"),
}
OWN_IOU = "map_miou"
"""Column of rows: a map's own mean IoU, of the classes that it holds."""
_BEST = re.compile(r"(?P<base>\w+)_best_of_(?P<count>[1-9]\d*)")


def best_of(name: str, count: int) -> str:
    """The name of a metric of the best of so many samples a map."""
    return f"{name}_best_of_{count}"


def best_of_info(name: str) -> MetricInfo | None:
    """What ``X_best_of_8`` means: X of the best of 8 samples a map, which rises with their number by itself."""
    found = _BEST.fullmatch(name)
    base = None if found is None else MAP_INFOS.get(found["base"])
    if found is None or base is None:
        return None
    summary = f"Of each map the best of {found['count']} samples, chosen by the truth: {base.summary}"
    return replace(base, name=name, summary=summary)
