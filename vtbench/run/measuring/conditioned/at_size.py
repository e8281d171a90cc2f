"""The images of conditions that metrics compare samples with, brought to the samples' size by the task's preset."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from torch import Tensor

from vtbench.core.contracts import Condition, Sample, SampleFailure
from vtbench.core.errors import SampleError
from vtbench.data.conditions import ConditionSample
from vtbench.data.preparing.presets import Preset
from vtbench.metrics.catalog.conditioned import condition_entry
from vtbench.tasks import TaskSpec
from vtbench.tasks.kinds import TRUTH

LABELS = "labels"
"""Role of a map whose pixels are numbers of classes."""


def compared_roles(task: TaskSpec) -> frozenset[str]:
    """Roles of the images that the metrics of a generation task compare samples with."""
    return _roles(task, aligned=False)


def aligned_roles(task: TaskSpec) -> frozenset[str]:
    """Those of them that are compared place by place, and must be as large as the sample."""
    return _roles(task, aligned=True)


def _roles(task: TaskSpec, *, aligned: bool) -> frozenset[str]:
    entries = [(condition_entry(request.name), request.params) for request in task.condition_metrics]
    roles = {role for entry, params in entries if entry.aligned or not aligned for role in entry.roles_with(params)}
    return frozenset(roles | ({TRUTH} if task.image_metrics else set()))


@dataclass(frozen=True, eq=False)
class ConditionsAtSize:
    """Prepares the conditions of samples that were made.

    Attributes:
        preset: of the task.
        roles: of the images that are compared with.
        exact: roles whose one image must have the size of the sample.
        as_they_are: roles whose images no preset may touch: their values are numbers of classes.
        aligned: further ones, of metrics that compare place by place.
    """

    preset: Preset
    roles: Collection[str]
    exact: Collection[str] = (TRUTH, LABELS)
    as_they_are: Collection[str] = (LABELS,)
    aligned: Collection[str] = ()

    def of(self, request: ConditionSample, image: Tensor) -> Condition | SampleFailure:
        """The condition of a sample ``uint8 [3,H,W]``, images of :attr:`roles` prepared; or why it has none.

        A preset of native sizes leaves a truth as large as it is: another size than the sample's is a failure, told.
        """
        condition = request.condition
        try:
            images = {role: self._prepared(condition, role, request.id) for role in self.roles}
        except SampleError as error:
            return SampleFailure(request.id, "metric", error.what, of_model=False)
        for role in sorted({*self.exact, *self.aligned}):
            for other in images.get(role, ()):
                if other.shape != image.shape:
                    sizes = ["x".join(map(str, one.shape[-2:])) for one in (image, other)]
                    return SampleFailure(request.id, "metric", f"the sample is {sizes[0]}, its {role} {sizes[1]}")
        return replace(condition, images={**dict(condition.images.items()), **images}) if images else condition

    def _prepared(self, condition: Condition, role: str, name: str) -> list[Tensor]:
        if role not in condition.images:
            raise SampleError(f"its condition has no image as {role}")
        if role in self.as_they_are:
            return list(condition.images[role])
        return [self.preset.prepare(Sample(name, image)).reference for image in condition.images[role]]
