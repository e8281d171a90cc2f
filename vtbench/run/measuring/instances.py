"""Score the words or faces of an image by themselves, and add the scores up by size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vtbench.core.code_identity import id_with_code
from vtbench.core.digests import digest_arrays
from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import parse_reference
from vtbench.data.preparing.tokbench_buckets import Edges, bucket_of
from vtbench.features.faces import FACE_RECOGNISERS, FaceRecogniser, cosine_similarities
from vtbench.metrics.texts.instances import Instance, tally, word_scores
from vtbench.readers import READERS
from vtbench.readers.boxes import rectified
from vtbench.readers.cache import CachedBoxReader
from vtbench.readers.contract import Box, BoxReader
from vtbench.tasks import InstanceSpec


class InstanceJudge(Protocol):
    """Scores instances of one image; ``id`` says what does it, weights and settings included."""

    @property
    def id(self) -> str:
        """Part of the job's identity: scores of two judges are not comparable."""

    def scores(
        self, prediction: Tensor, reference: Tensor, instances: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, float]]:
        """``uint8 [3,H,W]`` twice and instances of a target to their scores by metric; NaN: cannot be scored."""


@dataclass(frozen=True, eq=False)
class WordJudge:
    """Word boxes, read on the prediction and compared with the data set's truth."""

    reader: CachedBoxReader

    @property
    def id(self) -> str:
        """The reader's."""
        return self.reader.id

    def scores(
        self, prediction: Tensor, reference: Tensor, instances: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, float]]:
        """``t_acc`` and ``t_ned`` of each word."""
        texts = self._texts(prediction.cpu(), [word["box"] for word in instances])
        return [word_scores(read, word["text"]) for read, word in zip(texts, instances, strict=True)]

    def _texts(self, image: Tensor, outlines: Sequence[Any]) -> list[str]:
        """Upright boxes of an image are read together; a slanted one is turned upright first, an image of its own."""
        slanted = [isinstance(outline[0], (list, tuple)) for outline in outlines]
        boxes = [_box(outline) for outline, turned in zip(outlines, slanted, strict=True) if not turned]
        upright = iter(self.reader.read_boxes(image, boxes) if boxes else [])
        return [
            self._read_slanted(image, outline) if turned else next(upright)
            for outline, turned in zip(outlines, slanted, strict=True)
        ]

    def _read_slanted(self, image: Tensor, corners: Sequence[Sequence[float]]) -> str:
        word = rectified(image, corners)
        if word is None:
            return ""
        height, width = word.shape[-2:]
        return self.reader.read_boxes(word, [(0.0, 0.0, float(width), float(height))])[0]


@dataclass(frozen=True, eq=False)
class FaceJudge:
    """Faces on given landmarks: how alike a recogniser finds the original and the prediction.

    Embeddings of originals are kept in memory, so that the next tokenizer on the same data needs its own only.
    """

    recogniser: FaceRecogniser
    _originals: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The recogniser's."""
        return id_with_code(self.recogniser, self.recogniser.id)

    def scores(
        self, prediction: Tensor, reference: Tensor, instances: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, float]]:
        """``face_similarity`` of each face: the cosine of its two embeddings."""
        if not instances:
            return []
        landmarks = np.array([face["landmarks"] for face in instances], dtype=np.float64)
        predicted = self.recogniser.embed(prediction.cpu(), landmarks)
        cosines = cosine_similarities(predicted, self._of_original(reference.cpu(), landmarks))
        return [{"face_similarity": value} for value in cosines.tolist()]

    def _of_original(self, image: Tensor, landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
        key = digest_arrays({"image": image.numpy(), "landmarks": landmarks})
        if key not in self._originals:
            self._originals[key] = self.recogniser.embed(image, landmarks)
        return self._originals[key]


@dataclass(frozen=True, eq=False)
class InstanceScorer:
    """A judge and the size buckets of a task; instances in no bucket are counted, not judged."""

    judge: InstanceJudge
    of: str
    edges: Edges

    @property
    def judge_id(self) -> str:
        """What judges, weights and settings included."""
        return self.judge.id

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any]) -> Iterator[dict[str, float]]:
        """``uint8 [B,3,H,W]`` twice and targets to counts and sums of each image, by column.

        Raises:
            UsageError: the data set's targets have no such instances.
        """
        for item in zip(prediction, reference, targets, strict=True):
            yield self._sums(*item)

    def _sums(self, prediction: Tensor, reference: Tensor, target: Any) -> dict[str, float]:
        found = target.get(self.of) if isinstance(target, Mapping) else None
        if not isinstance(found, Sequence) or isinstance(found, str):
            raise UsageError(
                f"the data set's targets hold no {self.of}",
                f"give a folder in TokBench's layout, or a data set whose targets have a list of {self.of}",
            )
        counted = [one for one in found if bucket_of(one["ratio"], self.edges) is not None]
        scores = iter(self.judge.scores(prediction, reference, counted))
        instances = [
            Instance(one["ratio"], next(scores) if bucket_of(one["ratio"], self.edges) is not None else {})
            for one in found
        ]
        return tally(instances, self.of, self.edges)


@lru_cache(maxsize=4)
def instance_scorer(spec: InstanceSpec | None) -> InstanceScorer | None:
    """The scorer of a task, if it has instances; its network is loaded once a process.

    Raises:
        UsageError: unknown reader or recogniser, wrong arguments, or a reader that reads no given boxes.
        AssetMissingError: the engine or its weights are not installed.
    """
    if spec is None:
        return None
    reference = parse_reference(spec.by)
    if spec.of == "faces":
        return InstanceScorer(FaceJudge(FACE_RECOGNISERS.create(reference)), spec.of, spec.edges)
    reader = READERS.create(reference)
    if not isinstance(reader, BoxReader):
        raise UsageError(f"{spec.by} reads no given boxes", f"write boxes,reader={reference.target}")
    return InstanceScorer(WordJudge(CachedBoxReader(reader)), spec.of, spec.edges)


def _box(outline: Sequence[float]) -> Box:
    left, top, right, bottom = (float(edge) for edge in outline)
    return left, top, right, bottom
