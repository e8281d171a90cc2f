"""What a prompt of GenEval asks for, read from the metadata of its line and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vtbench.core.errors import UsageError

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
RELATIONS = ("left of", "right of", "above", "below")
_HINT = 'as {"tag": "counting", "include": [{"class": "cup", "count": 2}], "exclude": [{"class": "cup", "count": 3}]}'


@dataclass(frozen=True)
class Wanted:
    """Objects of one class.

    Attributes:
        name: of the class.
        count: at least so many; under ``exclude``, fewer.
        colour: that all of them must have.
        relation: on which side of the other class's objects they lie; with :attr:`other`.
        other: place of that class among those asked for.
    """

    name: str
    count: int
    colour: str | None = None
    relation: str | None = None
    other: int = -1


@dataclass(frozen=True)
class Asked:
    """What must be there, and of what there must be fewer.

    Attributes:
        tag: of the prompt, which decides the score that objects must have.
    """

    tag: str
    include: tuple[Wanted, ...]
    exclude: tuple[Wanted, ...] = ()

    @property
    def needs_colours(self) -> bool:
        """Whether colours must be told apart."""
        return any(one.colour is not None for one in self.include)


def asked(metadata: Mapping[str, Any]) -> Asked:
    """From a line of GenEval's ``evaluation_metadata.jsonl``.

    Raises:
        UsageError: it is no such line.
    """
    tag, include = metadata.get("tag"), metadata.get("include", [])
    exclude = metadata.get("exclude", [])
    if not isinstance(tag, str) or not isinstance(include, list) or not isinstance(exclude, list):
        raise UsageError("the line of a prompt names no tag, or include is no list", _HINT)
    if not include and not exclude:
        raise UsageError("the line of a prompt asks for no object", _HINT)
    return Asked(
        tag,
        tuple(_wanted(one, place) for place, one in enumerate(include)),
        tuple(_wanted(one, 0) for one in exclude),
    )


def _wanted(entry: Any, place: int) -> Wanted:
    if not isinstance(entry, Mapping):
        raise UsageError(f"an object that is asked for is {entry!r:.60}", _HINT)
    name, count, colour = entry.get("class"), entry.get("count"), entry.get("color")
    if not isinstance(name, str) or not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise UsageError(f"an object that is asked for has no class or no count: {dict(entry)!r:.80}", _HINT)
    if colour is not None and colour not in COLOURS:
        raise UsageError(f"{name} is to be {colour!r:.30}", f"colours are {', '.join(COLOURS)}")
    position = entry.get("position")
    if position is None:
        return Wanted(name, count, colour)
    relation, other = position if isinstance(position, list) and len(position) == 2 else (None, None)
    if relation not in RELATIONS or not isinstance(other, int) or not 0 <= other < place:
        raise UsageError(
            f"the position of {name} is {position!r:.60}",
            f'["left of", 0]: one of {", ".join(RELATIONS)}, and the place of an object that is asked for before',
        )
    return Wanted(name, count, colour, relation, other)
