"""Read predictions and references, and count how far both are from the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from torch import Tensor

from vtbench.core.naming.reference import parse_reference
from vtbench.metrics.texts import error_rates as text
from vtbench.metrics.texts.normalisation import policy_for
from vtbench.readers import READERS
from vtbench.readers.cache import CachedReader
from vtbench.tasks import ReaderSpec

FLOOR_PREFIX = "floor_"
"""Columns of what the reader made of the original carry it: the reader's own error."""
TEXT_COLUMNS = (*text.TEXT_COLUMNS, *(f"{FLOOR_PREFIX}{name}" for name in text.TEXT_COLUMNS))


@dataclass(frozen=True, eq=False)
class TextScorer:
    """A reader and a case policy; each distinct image is read once ever."""

    reader: CachedReader
    case: Literal["keep", "fold"]

    @property
    def reader_id(self) -> str:
        """Engine, model files and settings: results of two readers are not comparable."""
        return self.reader.id

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any]) -> list[Mapping[str, float]]:
        """``uint8 [B,3,H,W]`` twice and targets with ``text`` (and ``language``, a BCP 47 tag; ``en`` if missing).

        Counts by column, for the prediction and, with the prefix ``floor_``, for the reference. Empty for a sample
        without true text.
        """
        told = [place for place, target in enumerate(targets) if _true_text(target) is not None]
        images = [image.cpu() for place in told for image in (prediction[place], reference[place])]
        read = iter(self.reader.read(images))
        counts: list[Mapping[str, float]] = [{} for _ in targets]
        for place in told:
            counts[place] = self._counts(next(read).text, next(read).text, targets[place])
        return counts

    def _counts(self, predicted: str, original: str, target: Mapping[str, Any]) -> dict[str, float]:
        policy = policy_for(str(target.get("language") or "en"), self.case)
        found = text.score_text(predicted, target["text"], policy).columns()
        floor = text.score_text(original, target["text"], policy).columns()
        return {**found, **{f"{FLOOR_PREFIX}{name}": value for name, value in floor.items()}}


def _true_text(target: Any) -> str | None:
    told = target.get("text") if isinstance(target, Mapping) else None
    return told if isinstance(told, str) else None


@lru_cache(maxsize=4)
def text_scorer(spec: ReaderSpec | None) -> TextScorer | None:
    """The scorer of a task, if it has a reader; an engine is loaded once a process.

    Raises:
        UsageError: unknown reader or wrong arguments.
        AssetMissingError: the engine, its models or a language are not installed.
    """
    if spec is None:
        return None
    return TextScorer(CachedReader(READERS.create(parse_reference(spec.name))), spec.case)
