"""``edit-mini``: crops of ``photos-mini`` with masks and edits that are known, so that the right answer is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from vtbench.core.contracts import Condition
from vtbench.data.condition_sources.embedded.edits import (
    EDITS,
    SHAPES,
    Edit,
    Region,
    drawn_region,
    edited_image,
    mask_of,
)
from vtbench.data.condition_sources.made_images import MadeImage, made_digest
from vtbench.data.condition_sources.of_images import DatasetImage
from vtbench.data.conditions import ConditionSample, ConditionSet
from vtbench.data.embedded.photographs.crops import CROP_SIDE
from vtbench.data.embedded.photographs.photos_mini import PhotosMini

if TYPE_CHECKING:
    from torch import Tensor

_RULE = "edit-mini@1"
_SAID: dict[Edit, str] = {
    "recolour": "turn the colours round",
    "blur": "blur it",
    "paste": "put a piece of another photograph there",
}


class EditMini:
    """One edit a crop, kinds and shapes of masks in turn.

    Images: ``source``, ``mask`` and ``truth``. Beside: ``edit`` (``recolour``, ``blur``, ``paste``), ``shape``
    (``rectangle``, ``ellipse``) and ``instruction``.

    Args:
        count: crops, evenly spaced over those of ``photos-mini``.

    Raises:
        UsageError: more crops than there are.
    """

    def __init__(self, count: int = 48) -> None:
        crops = PhotosMini(count=count)
        samples = [_sample(crops, index) for index in range(count)]
        self.conditions = ConditionSet(samples, {"of": "edit-mini", "count": count})


def _sample(crops: PhotosMini, index: int) -> ConditionSample:
    name = crops.ids[index]
    edit, shape = EDITS[index % len(EDITS)], SHAPES[index // len(EDITS) % len(SHAPES)]
    other = (index + len(crops) // 2) % len(crops)
    region = drawn_region(shape, CROP_SIDE, name)
    digests = [crops.content_digest(place) for place in (index, other)]
    told = [region.shape, region.top, region.bottom, region.left, region.right]
    images = {
        "source": DatasetImage(crops, index, digests[0]),
        "mask": MadeImage(made_digest(_RULE, "mask", told), partial(mask_of, region, CROP_SIDE)),
        "truth": MadeImage(
            made_digest(_RULE, "truth", told, edit, digests), partial(_truth, crops, index, other, region, edit)
        ),
    }
    return ConditionSample(
        name, Condition(images=images, metadata={"edit": edit, "shape": shape, "instruction": _SAID[edit]})
    )


def _truth(crops: PhotosMini, index: int, other: int, region: Region, edit: Edit) -> Tensor:
    return edited_image(crops[index].image, crops[other].image, mask_of(region, CROP_SIDE), edit)
