"""Whether an image is correct by GenEval's rules, given the objects that were found in it.

Over 6,000 draws of boxes, scores, colours and requests (single and several objects, counts with upper bounds,
colours, positions; boxes on a coarse grid, so that many touch, coincide or lie at 45°) the outcome equals that of
``evaluate`` of djghosh13/geneval@af4902f with the same boxes and colours, reasons included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vtbench.metrics.conditioned.geneval.boxes import Found, sides
from vtbench.metrics.conditioned.geneval.wanted import COLOURS, Asked, Wanted

ColoursOf = Callable[[Sequence[Found], str], Sequence[str]]
"""Objects of one class, and its name, to the colour of each."""


@dataclass(frozen=True)
class Verdict:
    """Of one image: whether it is correct, and what is not, a sentence each."""

    correct: bool
    reasons: tuple[str, ...] = ()


def judge(objects: Mapping[str, Sequence[Found]], wanted: Asked, colours_of: ColoursOf | None) -> Verdict:
    """Everything that is asked for must be there, and nothing that is ruled out.

    Of a class only the surest ``count`` objects are looked at further: each must have the colour, and lie on the side
    of each of the other class's. What did not match is nothing to lie beside. ``exclude`` bounds the number from
    above: ``count`` objects of a class are one too many.

    Args:
        objects: that count, the surest first, by class: see :func:`~vtbench.metrics.conditioned.geneval.boxes.kept`.
        wanted: by the prompt.
        colours_of: asked only where a colour is wanted; may be ``None`` where none is.

    Raises:
        ValueError: a colour is wanted, and nothing tells colours.
    """
    reasons: list[str] = []
    matched: list[Sequence[Found] | None] = []
    for one in wanted.include:
        surest = list(objects.get(one.name, ()))[: one.count]
        told = _number(one, surest) or _colour(one, surest, colours_of) or _position(one, surest, matched)
        reasons += told
        matched.append(None if told else surest)
    for one in wanted.exclude:
        there = len(objects.get(one.name, ()))
        if there >= one.count:
            reasons.append(f"expected {one.name}<{one.count}, found {there}")
    return Verdict(not reasons, tuple(reasons))


def _number(one: Wanted, surest: Sequence[Found]) -> list[str]:
    return [f"expected {one.name}>={one.count}, found {len(surest)}"] if len(surest) < one.count else []


def _colour(one: Wanted, surest: Sequence[Found], colours_of: ColoursOf | None) -> list[str]:
    if one.colour is None:
        return []
    if colours_of is None:
        raise ValueError(f"{one.name} is to be {one.colour}, and nothing tells colours")
    seen = list(colours_of(surest, one.name))
    right = seen.count(one.colour)
    if right >= one.count:
        return []
    others = ", ".join(f"{seen.count(colour)} {colour}" for colour in COLOURS if colour in seen)
    return [f"expected {one.colour} {one.name}>={one.count}, found {right} {one.colour}; and {others}"]


def _position(one: Wanted, surest: Sequence[Found], matched: Sequence[Sequence[Found] | None]) -> list[str]:
    if one.relation is None:
        return []
    others = matched[one.other]
    if others is None:
        return [f"no target for {one.name} to be {one.relation}"]
    for mine in surest:
        for other in others:
            lies = sides(mine.box, other.box)
            if one.relation not in lies:
                return [f"expected {one.name} {one.relation} target, found {' and '.join(sorted(lies))} target"]
    return []
