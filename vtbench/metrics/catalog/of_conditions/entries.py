"""What tasks and rows need to know of a condition metric before it is built. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vtbench.core.info import MetricInfo

Params = Mapping[str, Any]


@dataclass(frozen=True)
class ConditionEntry:
    """What a task and its rows need to know of a metric; see :class:`~vtbench.core.contracts.ConditionMetric`.

    Attributes:
        roles: of the images of a condition that it compares with.
        of_groups: it is given all images of one line of the list at once.
        columns: what it leaves in the rows, which its parameters may decide; one of its own name where there are none.
        aligned: it compares them place by place, so that they must be as large as the sample.
        by_estimator: its parameter ``by`` chooses who judges; the job is of the metric's ``estimator_id``.
        any_role: its parameter ``role`` names another image than :attr:`roles` does.
        fields: of a condition's metadata that its values are made by; a task names them among its strata.
    """

    roles: tuple[str, ...] = ()
    of_groups: bool = False
    columns: tuple[str, ...] | Callable[[Params], tuple[str, ...]] = ()
    aligned: bool = False
    any_role: bool = False
    fields: tuple[str, ...] = ()
    by_estimator: bool = False

    def roles_with(self, params: Params) -> tuple[str, ...]:
        """The roles, as a task's parameters have them."""
        return (str(params["role"]),) if self.any_role and "role" in params else self.roles


def condition_info(name: str, higher: bool, summary: str, **more: Any) -> MetricInfo:
    """Of a metric in its first version."""
    return MetricInfo(name=name, version=1, kind="condition", higher_is_better=higher, summary=summary, **more)
