"""``subjects-mini``: photographs as subjects, three crops of ``photos-mini`` each to know them by."""

from __future__ import annotations

from vtbench.core.contracts import Condition
from vtbench.data.condition_sources.of_images import DatasetImage
from vtbench.data.conditions import ConditionSample, ConditionSet
from vtbench.data.embedded.photographs.photos_mini import PhotosMini

_SHOWN = 3


class SubjectsMini:
    """A condition a part of a photograph's crops: ``chelsea/0``, ``chelsea/1``. Images: three crops, as ``subject``.

    Beside: ``subject``, the photograph.

    Args:
        parts: conditions a photograph, of crops of their own.
    """

    def __init__(self, parts: int = 2) -> None:
        crops = PhotosMini()
        places: dict[str, list[int]] = {}
        for index, name in enumerate(crops.ids):
            places.setdefault(name.partition("/")[0].removesuffix("-div2"), []).append(index)
        samples = []
        for name, found in places.items():
            for part in range(parts):
                shown = found[part::parts][:_SHOWN]
                if len(shown) < _SHOWN:
                    continue
                images = [DatasetImage(crops, index, crops.content_digest(index)) for index in shown]
                condition = Condition(images={"subject": images}, metadata={"subject": name})
                samples.append(ConditionSample(f"{name}/{part}", condition))
        self.conditions = ConditionSet(samples, {"of": "subjects-mini", "count": len(samples)})
