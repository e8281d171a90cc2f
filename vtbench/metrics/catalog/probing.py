"""Metrics of what a classifier makes of features and codes: names, meanings, versions. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vtbench.core.info import MetricInfo
from vtbench.core.naming.reference import Reference
from vtbench.core.registry import Registry

HISTOGRAM_PROBE = "histogram_probe_top1"


def _told(name: str, summary: str) -> MetricInfo:
    return MetricInfo(name=name, version=1, kind="probing", higher_is_better=True, summary=summary)


PROBING_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        _told(
            "linear_probe_top1", "Share of held-out images whose label logistic regression of pooled features tells."
        ),
        _told("knn_top1", "Share of held-out images whose label the nearest others by pooled features vote for."),
        _told(HISTOGRAM_PROBE, "As linear_probe_top1, of how often each code occurs: any indices or bits."),
    )
}
_PLACE = "vtbench.metrics.probes"
PROBING_REGISTRY = Registry(
    "probe",
    "",  # what features are asked for is decided here: plug-ins name none
    {
        "linear_probe_top1": f"{_PLACE}.logistic:LogisticProbe",
        "knn_top1": f"{_PLACE}.nearest:NearestProbe",
        HISTOGRAM_PROBE: f"{_PLACE}.logistic:LogisticProbe",
    },
)


def probe_of(name: str, params: Mapping[str, Any]) -> Any:
    """The :class:`~vtbench.metrics.probes.problem.Probe` behind a metric, with its parameters.

    Raises:
        UsageError: a parameter that it does not take, or a value out of range.
    """
    return PROBING_REGISTRY.create(Reference(name, dict(params)))
