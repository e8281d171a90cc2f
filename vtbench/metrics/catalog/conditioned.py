"""Metrics of a generated image against what it was made from, or was to become: names, meanings, versions. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vtbench.core.info import MetricInfo
from vtbench.core.registry import Registry


@dataclass(frozen=True)
class ConditionEntry:
    """What a task and its rows need to know of a metric; see :class:`~vtbench.core.contracts.ConditionMetric`.

    Attributes:
        roles: of the images of a condition that it compares with.
        of_groups: it is given all images of one line of the list at once.
        columns: what it leaves in the rows; one of its own name where there are none.
    """

    roles: tuple[str, ...] = ()
    of_groups: bool = False
    columns: tuple[str, ...] = ()


def _info(name: str, higher: bool, summary: str, **more: Any) -> MetricInfo:
    return MetricInfo(name=name, version=1, kind="condition", higher_is_better=higher, summary=summary, **more)


CONDITION_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        _info("lpips_diversity", True, "Mean LPIPS, AlexNet, between the images made from one prompt.", least_side=31),
    )
}
_ENTRIES: dict[str, ConditionEntry] = {
    "lpips_diversity": ConditionEntry(of_groups=True),
}
CONDITION_REGISTRY = Registry(
    "condition metric",
    "vtbench.condition_metrics",
    {
        "lpips_diversity": "vtbench.metrics.conditioned.diversity:LpipsDiversity",
    },
)


def condition_entry(name: str) -> ConditionEntry:
    """Of a metric by name or path; one that is not vtbench's says it on its class.

    Raises:
        UsageError: it cannot be imported.
    """
    if name in CONDITION_REGISTRY.builtin:
        return _ENTRIES.get(name, ConditionEntry())
    target = CONDITION_REGISTRY.load(name)
    return ConditionEntry(
        roles=tuple(getattr(target, "roles", ())),
        of_groups=bool(getattr(target, "of_groups", False)),
        columns=tuple(getattr(target, "columns", ())),
    )


def condition_columns(name: str, info: MetricInfo) -> tuple[str, ...]:
    """Row columns of a metric."""
    return condition_entry(name).columns or (info.row_column,)
