"""``geneval-scenes``: prompts in GenEval's form, each with composed scenes that fulfil it. No network."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from vtbench.core.contracts import Condition
from vtbench.core.digests import digest_json
from vtbench.data.conditions import ConditionSample, ConditionSet
from vtbench.data.embedded.photographs.composed import BACKGROUNDS, CUT_OUTS, Placed, composed
from vtbench.data.embedded.photographs.crops import PHOTOGRAPHS

if TYPE_CHECKING:
    from torch import Tensor

_ALONE = (48, 48, 368, 368)
_LEFT, _RIGHT = (8, 60, 204, 356), (212, 60, 408, 356)
_ABOVE, _BELOW = (60, 4, 356, 206), (60, 210, 356, 412)
_THREE = ((6, 120, 134, 300), (144, 120, 272, 300), (282, 120, 410, 300))
_NUMBERS = {2: "two", 3: "three"}

Box = tuple[int, int, int, int]
Line = tuple[dict[str, Any], tuple[Placed, ...]]


class ComposedImage:
    """A scene, composed when it is asked for; see :class:`~vtbench.core.condition_images.ConditionImage`."""

    def __init__(self, background: str, objects: tuple[Placed, ...]) -> None:
        self._background, self._objects = background, objects
        seen = [BACKGROUNDS[background], *(CUT_OUTS[one.name] for one in objects)]
        files = [PHOTOGRAPHS[cut.photograph].sha256 for cut in seen]
        self.digest = digest_json(["geneval-scenes", 1, background, files, [list(one) for one in objects]])

    def pixels(self) -> Tensor:
        """``uint8 [3,416,416]``."""
        return composed(self._background, self._objects)


class GenevalScenes:
    """30 prompts of four of GenEval's tags, two scenes of each as ``source``, one on stars and one on sky.

    Scenes hold a person, a cup, a motorcycle or a cat, cut out of photographs with what is around them. Colours are not
    asked for: there is one of each object. Metadata are GenEval's: ``tag``, ``include``, ``exclude``.
    """

    def __init__(self) -> None:
        samples = [
            ConditionSample(
                f"{index:05d}-s{copy:02d}",
                Condition(
                    prompt=str(metadata["prompt"]),
                    metadata={key: value for key, value in metadata.items() if key != "prompt"},
                    images={"source": ComposedImage(background, objects)},
                ),
            )
            for index, (metadata, objects) in enumerate(_lines())
            for copy, background in enumerate(BACKGROUNDS)
        ]
        told = {"of": "prompts", "prompts": len(samples) // len(BACKGROUNDS), "per_prompt": len(BACKGROUNDS)}
        self.conditions = ConditionSet(samples, {**told, "count": len(samples)})


def _lines() -> list[Line]:
    names = list(CUT_OUTS)
    lines = [_line("single_object", f"a photo of a {name}", [_some(name)], [(name, _ALONE)]) for name in names]
    for one, other in combinations(names, 2):
        both, there = [_some(one), _some(other)], [(one, _LEFT), (other, _RIGHT)]
        lines.append(_line("two_object", f"a photo of a {one} and a {other}", both, there))
    for name in names:
        for count, boxes in ((2, (_LEFT, _RIGHT)), (3, _THREE)):
            prompt = f"a photo of {_NUMBERS[count]} {name}s"
            exclude = [_some(name, count + 1)]
            lines.append(_line("counting", prompt, [_some(name, count)], [(name, box) for box in boxes], exclude))
    for one, other in combinations(names, 2):
        for relation, mine, others in (("left of", _LEFT, _RIGHT), ("below", _BELOW, _ABOVE)):
            placed = {**_some(one), "position": [relation, 0]}
            prompt = f"a photo of a {one} {relation} a {other}"
            lines.append(_line("position", prompt, [_some(other), placed], [(one, mine), (other, others)]))
    return lines


def _some(name: str, count: int = 1) -> dict[str, Any]:
    return {"class": name, "count": count}


def _line(
    tag: str, prompt: str, include: list[dict[str, Any]], there: list[tuple[str, Box]], exclude: Any = ()
) -> Line:
    metadata: dict[str, Any] = {"tag": tag, "include": include, "prompt": prompt}
    if exclude:
        metadata["exclude"] = list(exclude)
    return metadata, tuple(Placed(name, *box) for name, box in there)
