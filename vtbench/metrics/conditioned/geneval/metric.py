"""``geneval``, and ``geneval_DETECTOR`` by another detector than GenEval's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vtbench.core.contracts import Condition, Estimate
from vtbench.core.errors import AssetMissingError
from vtbench.core.info import MetricInfo
from vtbench.core.naming.reference import Reference
from vtbench.core.threads.steady import one_thread_unless_own
from vtbench.detectors import DETECTORS
from vtbench.detectors.contract import COCO, Detections, Detector, moved
from vtbench.metrics.catalog.judged import GENEVAL_TAGS
from vtbench.metrics.catalog.of_conditions.geneval import GENEVAL_ENTRY, OFFICIAL, geneval_info, geneval_name
from vtbench.metrics.conditioned.geneval.boxes import LEAST_SCORE, LEAST_SCORE_COUNTING, Found, kept_by_class
from vtbench.metrics.conditioned.geneval.colours import VARIANT, ClipColours, ColourClassifier
from vtbench.metrics.conditioned.geneval.rules import judge
from vtbench.metrics.conditioned.geneval.wanted import asked
from vtbench.metrics.judged.tags import by_prompt, geneval_estimates

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

OF_COLOURS = ("colors", "color_attr")
_CALLED = {"mouse": "computer mouse", "remote": "tv remote", "keyboard": "computer keyboard"}
"""Classes that GenEval's prompts call by another name."""


class Geneval:
    """1 for an image that shows what its prompt asks for, 0 for another: objects, their number, colours and places.

    Rules as in djghosh13/geneval@af4902f (:mod:`vtbench.metrics.conditioned.geneval.rules`). The value over all is the
    unweighted mean of the tags' accuracies, each over its images; ``…_images`` and ``…_prompts`` are the share of
    images that are correct, and of prompts with any such image. Intervals are over prompts.

    Args:
        tags: the prompts that are judged, and averaged; without those of colours no CLIP is needed. All six are
            GenEval.
        least_score: what an object's score must exceed; GenEval's 0.3 unless given.
        least_score_counting: the same of prompts that name a number; 0.9.
        clip: local file of CLIP ViT-L/14; the hub's unless given.
        detector: instead of the one that the class names.
        colours: instead of CLIP.

    Raises:
        AssetMissingError: weights of the detector or of CLIP cannot be had.
    """

    info: ClassVar[MetricInfo] = geneval_info(OFFICIAL)
    detector: ClassVar[str] = OFFICIAL
    fields: ClassVar[tuple[str, ...]] = GENEVAL_ENTRY.fields

    def __init__(
        self,
        tags: Sequence[str] = GENEVAL_TAGS,
        least_score: float = LEAST_SCORE,
        least_score_counting: float = LEAST_SCORE_COUNTING,
        clip: str | None = None,
        detector: Detector | None = None,
        colours: ColourClassifier | None = None,
    ) -> None:
        self._tags = tuple(tags)
        self._least = {"counting": least_score_counting}
        self._least_else = least_score
        self._detector: Any = DETECTORS.create(Reference(self.detector, {})) if detector is None else detector
        needed = any(tag in OF_COLOURS for tag in self._tags)
        self._colours: Any = ClipColours(clip) if colours is None and needed else colours

    @classmethod
    def check(cls, condition: Condition) -> None:
        """Whether a condition asks for something that can be judged.

        Raises:
            UsageError: it does not.
        """
        asked(condition.metadata)

    @classmethod
    def check_available(cls, params: Mapping[str, Any]) -> None:
        """Whether the weights that a task needs can be had, which may fetch them.

        Raises:
            AssetMissingError: they cannot.
        """
        detector = DETECTORS.load(cls.detector)
        if hasattr(detector, "check_available"):
            detector.check_available()
        if any(tag in OF_COLOURS for tag in params.get("tags", GENEVAL_TAGS)):
            _require_clip(params.get("clip"))

    def to(self, *, device: torch.device | str) -> Self:
        """Move the networks; returns itself."""
        self._detector = moved(self._detector, device)
        if self._colours is not None:
            self._colours = moved(self._colours, device)
        return self

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``: 1 or 0; NaN of a prompt whose tag is not judged."""
        import torch

        with one_thread_unless_own(self._detector):
            found = self._detector(images)
        pairs = zip(images, found, conditions, strict=True)
        values = [self._value(image, objects, condition.metadata) for image, objects, condition in pairs]
        return torch.tensor(values, dtype=torch.float64, device=images.device)

    def _value(self, image: Tensor, found: Detections, metadata: Mapping[str, Any]) -> float:
        wanted = asked(metadata)
        if wanted.tag not in self._tags:
            return float("nan")
        if wanted.needs_colours and self._colours is None:
            return float("nan")
        objects = kept_by_class(by_class(found), self._least.get(wanted.tag, self._least_else))
        return float(judge(objects, wanted, lambda those, name: self._colours(image, those, name)).correct)

    @classmethod
    def estimates(
        cls,
        columns: Mapping[str, Any],
        lines: Any,
        fields: Mapping[str, Sequence[str]],
        params: Mapping[str, Any],
    ) -> dict[tuple[str, str], Estimate]:
        """By metric and stratum: from a column of values, the line that each is of, and tags.

        Args:
            columns: ``float64 [N]``, of the whole set.
            lines: ``int64 [N]``.
            fields: ``tag`` of each.
            params: as the task gives them.
        """
        tags, values = fields["tag"], np.asarray(columns[cls.info.row_column], dtype=np.float64)
        judged = tuple(params.get("tags", GENEVAL_TAGS))
        scores = by_prompt(values, [str(line) for line in lines], tags)
        found = geneval_estimates(scores, cls.info.name, judged)
        overall = found[cls.info.name, "all"]
        told = {**overall.details, "tags": list(judged), "detector": cls.detector}
        found[cls.info.name, "all"] = replace(overall, details=told)
        return found


def by_class(found: Detections) -> dict[str, list[Found]]:
    """Objects by the name that GenEval's prompts have for their class."""
    objects: dict[str, list[Found]] = {}
    for place, number in enumerate(found.classes):
        name = COCO[int(number)]
        mask = None if found.masks is None else found.masks[place]
        one = Found(found.boxes[place], float(found.scores[place]), mask)
        objects.setdefault(_CALLED.get(name, name), []).append(one)
    return objects


def _require_clip(weights: str | None) -> None:
    from vtbench.features.clip.model import clip_file

    try:
        clip_file(VARIANT, weights)
    except AssetMissingError as error:
        told = f"colours are told apart by CLIP {VARIANT}: without it the tags {' and '.join(OF_COLOURS)} have no value"
        least = "or judge the other tags in a task of your own, by params: {tags: [single_object, …]}"
        raise AssetMissingError(f"{told}: {error.what}", f"{error.hint}; {least}") from error


@lru_cache(maxsize=16)
def geneval_by(detector: str) -> type[Geneval]:
    """The metric by a detector of that name."""
    target = DETECTORS.load(detector)
    own = {
        "info": geneval_info(detector),
        "detector": detector,
        "required_assets": tuple(getattr(target, "required_assets", ())),
        "__doc__": Geneval.__doc__,
    }
    return type(geneval_name(detector), (Geneval,), own)
