"""Images drawn from a list of sheets when they are asked for, with the text that is on them as exact truth."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from vtbench.core.contracts import Sample
from vtbench.data.embedded.drawing.text_pages import Array, PlacedText
from vtbench.data.fingerprint import Fingerprinted
from vtbench.data.pixels import from_array


class Sheet(Protocol):
    """One image to be."""

    @property
    def id(self) -> str:
        """Stable and unique in its data set."""


AnySheet = TypeVar("AnySheet", bound=Sheet)


class RenderedSheets(Fingerprinted, Generic[AnySheet]):
    """What rendered text sets share: each sheet is drawn once a process, and not carried into workers."""

    def __init__(self, sheets: Sequence[AnySheet]) -> None:
        self.sheets = tuple(sheets)
        self.ids = tuple(sheet.id for sheet in self.sheets)
        self._drawn: dict[int, tuple[Array, PlacedText]] = {}

    @abstractmethod
    def render(self, sheet: AnySheet) -> tuple[Array, PlacedText]:
        """Pixels ``uint8 [H,W,3]`` and the text on them; the same bits whenever it is called."""

    @abstractmethod
    def labels(self, sheet: AnySheet) -> dict[str, Any]:
        """What a target says beside ``text`` and ``boxes``."""

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_drawn": {}}

    def __getitem__(self, index: int) -> Sample:
        return Sample(id=self.ids[index], image=from_array(self._sheet(index)[0]), target=self.target(index))

    def target(self, index: int) -> dict[str, Any]:
        """The truth: ``text``, ``boxes`` and the sheet's labels."""
        _, text = self._sheet(index)
        return {"text": text.text, **self.labels(self.sheets[index]), "boxes": text.boxes}

    def content_digest(self, index: int) -> str:
        """SHA-256 of the pixels, so that another rendering (another version of a font) is another data set."""
        return hashlib.sha256(self._sheet(index)[0].tobytes()).hexdigest()

    def _sheet(self, index: int) -> tuple[Array, PlacedText]:
        if index not in self._drawn:
            self._drawn[index] = self.render(self.sheets[index])
        return self._drawn[index]
