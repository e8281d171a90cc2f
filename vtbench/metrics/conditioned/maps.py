"""Maps of conditions beside those that an estimator makes of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.core.contracts import Condition
from vtbench.core.errors import SampleError
from vtbench.core.naming.reference import Reference, parse_reference

if TYPE_CHECKING:
    from torch import Tensor


def map_estimator(name: str, **params: Any) -> Any:
    """An estimator by reference, with more arguments.

    Raises:
        UsageError: no such estimator.
        AssetMissingError: its weights cannot be had.
    """
    from vtbench.estimators import MAP_ESTIMATORS

    reference = parse_reference(name)
    return MAP_ESTIMATORS.create(Reference(reference.target, {**reference.args, **params}, dict(reference.typed)))


def map_of(conditions: Sequence[Condition], role: str, images: Tensor) -> Tensor:
    """The maps of conditions, ``uint8 [B,H,W]`` on the device of samples ``uint8 [B,3,H,W]``: their first channel.

    Raises:
        SampleError: a map of another size than the samples.
    """
    import torch

    maps = [condition.image(role)[0] for condition in conditions]
    for one in maps:
        if one.shape != images.shape[-2:]:
            sizes = ["x".join(map(str, shape)) for shape in (one.shape, images.shape[-2:])]
            raise SampleError(f"its {role} is {sizes[0]}, the sample {sizes[1]}")
    return torch.stack(maps).to(images.device)
