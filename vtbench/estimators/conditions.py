"""``maps-of``: of every image of a data set the map that an estimator makes, as what a generator is to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtbench.core.contracts import Condition
from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import parse_reference
from vtbench.data.condition_sources.of_images import DatasetImage, images_of
from vtbench.data.conditions import ConditionSample, ConditionSet
from vtbench.data.open import open_data
from vtbench.estimators import MAP_ESTIMATORS

if TYPE_CHECKING:
    from torch import Tensor

_OF = "truth"


class EstimatedImage:
    """A map as a picture; see :class:`~vtbench.core.condition_images.ConditionImage`.

    Args:
        image: what it is a map of.
        estimator: see :class:`~vtbench.estimators.contract.MapEstimator`.
    """

    def __init__(self, image: DatasetImage, estimator: Any) -> None:
        self._image, self._estimator = image, estimator
        self.digest = digest_json([image.digest, estimator.id])

    def pixels(self) -> Tensor:
        """``uint8 [3,H,W]``: edges and depth from black to white, labels as the numbers of their classes.

        Raises:
            UnreadableConditionError: the image cannot be read.
        """
        found = self._estimator(self._image.pixels()[None])[0]
        return as_levels(found, self._estimator.gives)[None].expand(3, -1, -1).contiguous()


def as_levels(found: Tensor, gives: str) -> Tensor:
    """A map ``[H,W]`` as ``uint8 [H,W]``: depth from its least to its greatest value, a constant one 0."""
    if gives == "labels":
        return found.byte()
    values = found.double()
    if gives == "depth":
        values = (values - values.min()) / (values.max() - values.min()).clamp_min(1e-12)
    return (values.clamp(0, 1) * 255).round().byte()


class MapsOf:
    """One condition an image of a data set: its map as ``control`` (``labels`` of an estimator of classes), itself as
    ``truth``.

    Args:
        data: the data set, as after ``--data``.
        by: the estimator, as ``canny`` or ``depth,model=…``.

    Raises:
        UsageError: no such data set or estimator.
        AssetMissingError: weights that cannot be had.
    """

    def __init__(self, data: str, by: str) -> None:
        estimator = MAP_ESTIMATORS.create(parse_reference(by))
        if not hasattr(estimator, "id") or not hasattr(estimator, "gives"):
            raise UsageError(f"{by} is no map estimator: it has no id or does not say what its maps hold")
        role = "labels" if estimator.gives == "labels" else "control"
        samples = [
            ConditionSample(name, Condition(images={_OF: image, role: EstimatedImage(image, estimator)}, metadata=told))
            for name, image, told in images_of(open_data(data))
        ]
        told_of_set = {"of": "images", "data": data, "roles": [role, _OF], "maps": estimator.id, "count": len(samples)}
        self.conditions = ConditionSet(samples, told_of_set)
