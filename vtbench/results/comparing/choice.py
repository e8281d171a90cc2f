"""One model of several, by its label: ``PLACE#MODEL``, or a name beside a place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

from vtbench.core.errors import UsageError
from vtbench.results.comparing.measurement import Measurement

MARK = "#"


def split_choice(argument: str) -> tuple[str, str]:
    """``runs#jpeg`` to path and model; the model is empty where the argument is a path as it stands.

    A ``#`` in a path that exists belongs to the path.
    """
    if Path(argument).exists():
        return argument, ""
    marks = [place for place, letter in enumerate(argument) if letter == MARK]
    for place in reversed(marks):
        if Path(argument[:place]).exists():
            return argument[:place], argument[place + 1 :]
    path, _, chosen = argument.partition(MARK)
    return path, chosen


def chosen_models(found: Sequence[Measurement], chosen: str, where: str) -> list[Measurement]:
    """The measurements of one model: its label, ``LABEL@REVISION``, or the label that is equal but for case.

    Raises:
        UsageError: there is none; with a suggestion.
    """
    exact = [one for one in found if chosen in (one.label, f"{one.label}@{one.revision}")]
    matches = exact or [one for one in found if one.label.lower() == chosen.lower()]
    if matches:
        return matches
    known = labels_of(found)
    close = difflib.get_close_matches(chosen, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(known)}"
    raise UsageError(f"{where} has no model {chosen!r}", hint)


def labels_of(found: Iterable[Measurement]) -> list[str]:
    """The models' labels, each once, in order."""
    return list(dict.fromkeys(one.label for one in found))
