"""``of-images``: every image of a data set as the condition, or the wanted outcome, of one image to be made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from vtbench.core.contracts import Condition, ImageDataset
from vtbench.core.errors import SampleError, UnreadableConditionError, UsageError
from vtbench.core.info import role_problem
from vtbench.data.conditions import ConditionSample, ConditionSet
from vtbench.data.open import open_data

if TYPE_CHECKING:
    from torch import Tensor


class DatasetImage:
    """One image of a data set, read when it is asked for; see :class:`~vtbench.core.condition_images.ConditionImage`.

    Args:
        dataset: that it is of.
        index: its place there.
        digest: that tells it from any other.
    """

    def __init__(self, dataset: ImageDataset, index: int, digest: str) -> None:
        self._dataset, self._index, self.digest = dataset, index, digest

    def pixels(self) -> Tensor:
        """``uint8 [3,H,W]``.

        Raises:
            UnreadableConditionError: it cannot be read.
        """
        try:
            return self._dataset[self._index].image
        except SampleError as error:
            raise UnreadableConditionError(error.what) from error


class OfImages:
    """One condition an image of a data set, in its order and with its ids.

    Args:
        data: the data set, as after ``--data``.
        roles: what each image is of its condition, as ``source`` or ``[source,truth]``.

    Raises:
        UsageError: no such data set, or no role.
    """

    def __init__(self, data: str, roles: list[str]) -> None:
        if problem := next(filter(None, map(role_problem, roles)), "" if roles else "no role is named"):
            raise UsageError(problem)
        samples = [
            ConditionSample(name, Condition(images=dict.fromkeys(roles, image), metadata=told))
            for name, image, told in images_of(open_data(data))
        ]
        told_of_set = {"of": "images", "data": data, "roles": list(roles), "count": len(samples)}
        self.conditions = ConditionSet(samples, told_of_set)


def images_of(dataset: ImageDataset) -> Iterator[tuple[str, DatasetImage, dict[str, Any]]]:
    """Id, image and target of every sample of a data set, in order; nothing is decoded."""
    print_of = getattr(dataset, "content_digest", None)
    for index, name in enumerate(dataset.ids):
        digest = str(print_of(index)) if print_of else f"{dataset.fingerprint}/{index}"
        target = dataset.target(index) if hasattr(dataset, "target") else None
        yield name, DatasetImage(dataset, index, digest), dict(target) if isinstance(target, Mapping) else {}
