"""Text that an image was to show, read by an OCR engine: error rates by the code of the text tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.core.info import MetricInfo
from vtbench.core.naming.reference import parse_reference
from vtbench.metrics.catalog.of_conditions.rendered import RENDERED_ENTRIES, RENDERED_INFOS
from vtbench.metrics.texts.error_rates import TextScore, row_neds, score_text
from vtbench.metrics.texts.normalisation import Case, TextPolicy, normalise, policy_for
from vtbench.readers import READERS
from vtbench.readers.cache import CachedReader

if TYPE_CHECKING:
    from torch import Tensor

Column = np.ndarray[Any, np.dtype[np.float64]]


def text_of(condition: Condition) -> str:
    """The text that an image of a condition is to show: ``text`` of its line, one or several joined by line breaks.

    Raises:
        UsageError: it names none.
    """
    told = condition.metadata.get("text")
    parts = list(told) if isinstance(told, (list, tuple)) else [told]
    if not parts or not all(isinstance(part, str) and part.strip() for part in parts):
        raise UsageError(
            "the line of a prompt does not say which text is to appear", 'as {"prompt": "a sign …", "text": "OPEN"}'
        )
    return "\n".join(map(str, parts))


@lru_cache(maxsize=4)
def _reader(name: str) -> CachedReader:
    """One engine a process, whatever asks for it; each distinct image is read once ever."""
    return CachedReader(READERS.create(parse_reference(name)))


class _Rendered(ABC):
    """Of every metric here.

    Both texts are normalised as in the text tasks: NFKC, white space and line breaks one space, in the language that
    the line names under ``language`` (a BCP 47 tag; English unless it does). Without any text an image has every error.

    Args:
        reader: as after ``reader`` of a text task: ``rapidocr``, ``tesseract,lang=jpn`` … A task names it.
        case: ``keep``, or ``fold``: whether capitals count.

    Raises:
        UsageError: no such reader.
        AssetMissingError: the engine or its models are not installed.
    """

    info: ClassVar[MetricInfo]

    def __init__(self, reader: str = "rapidocr", case: Case = "keep") -> None:
        self._reader = _reader(reader)
        self._case = case

    @staticmethod
    def check(condition: Condition) -> None:
        """Whether a condition says which text is to appear.

        Raises:
            UsageError: it does not.
        """
        text_of(condition)

    @staticmethod
    def check_available(params: Mapping[str, Any]) -> None:
        """Whether the reader can be made.

        Raises:
            UsageError: there is none of that name.
            AssetMissingError: the engine or its models are not installed.
        """
        _reader(str(params.get("reader", "rapidocr")))

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor | dict[str, Tensor]:
        """``uint8 [B,3,H,W]`` to ``float64 [B]``, by column where there are several."""
        import torch

        read = self._reader.read([image.cpu() for image in images])
        rows = [self._row(one.text, condition) for one, condition in zip(read, conditions, strict=True)]
        columns = {
            name: torch.tensor([row[place] for row in rows], dtype=torch.float64, device=images.device)
            for place, name in enumerate(self._columns())
        }
        return columns if len(columns) > 1 else next(iter(columns.values()))

    def _columns(self) -> tuple[str, ...]:
        entry = RENDERED_ENTRIES.get(self.info.name)
        return entry.columns if entry is not None and isinstance(entry.columns, tuple) else (self.info.row_column,)

    def _row(self, read: str, condition: Condition) -> Sequence[float]:
        policy = policy_for(str(condition.metadata.get("language") or "en"), self._case)
        return self._values(read, text_of(condition), policy)

    @abstractmethod
    def _values(self, read: str, wanted: str, policy: TextPolicy) -> Sequence[float]:
        """Of one image, a value a column."""


class RenderedCer(_Rendered):
    """Edits over characters of the texts, of the whole set: ``cer`` with the text that was asked for as the truth."""

    info = RENDERED_INFOS["rendered_cer"]

    def _values(self, read: str, wanted: str, policy: TextPolicy) -> Sequence[float]:
        found = score_text(read, wanted, policy)
        return found.edits, found.length

    @staticmethod
    def of_means(means: Mapping[str, Column]) -> Column:
        """``float64 [R]`` of means of the two columns."""
        return means["rendered_edits"] / means["rendered_length"]


class RenderedWer(_Rendered):
    """Edits over words of the texts, of the whole set; NaN where a language has no words that spaces part."""

    info = RENDERED_INFOS["rendered_wer"]

    def _values(self, read: str, wanted: str, policy: TextPolicy) -> Sequence[float]:
        found = score_text(read, wanted, policy)
        return found.word_edits, found.words

    @staticmethod
    def of_means(means: Mapping[str, Column]) -> Column:
        """``float64 [R]`` of means of the two columns."""
        return means["rendered_word_edits"] / means["rendered_words"]


class RenderedNed(_Rendered):
    """Edits over the longer of the two lengths; the mean over texts, each by the mean of its images."""

    info = RENDERED_INFOS["rendered_ned"]

    def _values(self, read: str, wanted: str, policy: TextPolicy) -> Sequence[float]:
        found: TextScore = score_text(read, wanted, policy)
        return row_neds([found.edits], [found.max_length])


class TextPresent(_Rendered):
    """1 where what was read has the whole text in it, word for word; other text beside it does not count against it."""

    info = RENDERED_INFOS["text_present"]

    def _values(self, read: str, wanted: str, policy: TextPolicy) -> Sequence[float]:
        there, text = normalise(read, policy), normalise(wanted, policy)
        if policy.words:
            there, text = f" {there} ", f" {text} "
        return (float(text in there),)
