"""What rows are filtered by, and the cards of tokenizers that they open."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vtbench.report.gather import Run
from vtbench.report.overview import rate_of
from vtbench.results.tables.rows import scored_size

_ARXIV = re.compile(r"(?<!\d)(\d{2})(0[1-9]|1[0-2])\.\d{4,5}(?!\d)")
_PIXELS = re.compile(r"(\d{2,4})[x×]\1")


@dataclass(frozen=True)
class Facts:
    """What a row is filtered by; empty or ``None`` where it is not known.

    Attributes:
        family: of the model.
        rate: bits a pixel.
        size: pixels of a side, ``256x384`` (height x width), or ``native``.
        licence: of the weights.
        date: ISO day of a measurement; month of the paper of what was reported.
    """

    family: str = ""
    rate: float | None = None
    size: str = ""
    licence: str = ""
    date: str = ""


@dataclass(frozen=True)
class Card:
    """A tokenizer's card as the page shows it. Whoever asks for the page makes it: a report knows no tokenizers.

    Attributes:
        name: what users type after ``--tokenizer``.
        summary: one sentence.
        facts: its size is the native one, its date the month of its paper.
        tokens: of a 256x256 image; ``None`` where that is not known.
        fields: everything else, as names and texts.
    """

    name: str
    summary: str
    facts: Facts
    tokens: int | None = None
    fields: tuple[tuple[str, str], ...] = ()


def facts_of(run: Run) -> Facts:
    """Of a measured row."""
    record = run.record
    family = record.model.family or record.model.name
    return Facts(family, rate_of(run), scored_size(record), record.model.licence, f"{record.finished:%Y-%m-%d}")


def month_of(text: str) -> str:
    """``2025-05`` where the text names an arXiv number of May 2025 (``2505.18142``); else empty."""
    found = _ARXIV.search(text)
    return "" if found is None else f"20{found[1]}-{found[2]}"


def side_of(text: str) -> str:
    """``256`` where the text says ``256x256``; else empty."""
    found = _PIXELS.search(text)
    return "" if found is None else found[1]
