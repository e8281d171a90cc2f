"""Cards as commands show them: all that ``show`` prints, and what the page of the leaderboards holds of tokenizers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vtbench.checkpoints.cards import Anchor, Card, CommonCard, GeneratorCard
    from vtbench.report.leaderboards.facts import Card as Shown


def card_fields(name: str) -> dict[str, Any] | None:
    """Fields of the card of that name; ``None`` where there is none."""
    from vtbench.checkpoints.cards import load_cards, load_generator_cards

    tokenizer, generator = load_cards().get(name), load_generator_cards().get(name)
    if tokenizer is not None:
        return _tokenizer(tokenizer)
    return None if generator is None else _generator(generator)


def unpublished_fields(name: str) -> dict[str, Any] | None:
    """Fields of a generator that nobody can run; ``None`` for any other name."""
    from vtbench.generators.unpublished import INSTEAD, load_unpublished

    found = load_unpublished().get(name)
    if found is None:
        return None
    told = {"name": name, **found.model_dump(mode="json", exclude={"published", "measured"})}
    numbers = (f"{one.metric} {one.value:g} ({one.protocol}; {one.source})" for one in found.published)
    published = {f"published {number}": text for number, text in enumerate(numbers, start=1)}
    return {"kind": "generator without code", **told, **published, "its samples": found.measured, "instead": INSTEAD}


def shown_cards() -> dict[str, Shown]:
    """Every card of a tokenizer, as the page of the leaderboards shows it, by name."""
    from vtbench.checkpoints.cards import load_cards

    return {name: _shown(card) for name, card in load_cards().items()}


def _shown(card: Card) -> Shown:
    from vtbench.report.leaderboards.facts import Card as Shown
    from vtbench.report.leaderboards.facts import Facts, month_of

    geometry, size = card.geometry, card.native_size
    rate, tokens = (None, None) if geometry is None else (geometry.bits_per_pixel, geometry.token_count)
    facts = Facts(card.target, rate, "" if size is None else str(size), card.licence, month_of(card.paper))
    fields = ((key, str(value)) for key, value in _tokenizer(card).items() if key not in ("kind", "name", "summary"))
    return Shown(card.name, card.summary, facts, tokens, tuple(fields))


def _tokenizer(card: Card) -> dict[str, Any]:
    shown = {"kind": "tokenizer card", **_common(card, {"geometry"})}
    if card.geometry is not None:
        levels = card.geometry.tokens
        shown["tokens at 256x256"] = card.geometry.token_count
        shown |= {"tokens a level": ", ".join(str(tokens) for tokens in levels)} if len(levels) > 1 else {}
        shown["code"] = card.geometry.code
        shown["bits per pixel at 256x256"] = card.geometry.bits_per_pixel
    return shown | _end(card)


def _generator(card: GeneratorCard) -> dict[str, Any]:
    return {"kind": "generator card", **_common(card, set()), "conditions": card.conditions} | _end(card)


def _common(card: CommonCard, without: set[str]) -> dict[str, Any]:
    from vtbench.checkpoints.licences import terms

    fields = card.model_dump(mode="json", exclude={*without, "anchors"}, exclude_defaults=True)
    shown: dict[str, Any] = {}
    for key, value in fields.items():
        shown[key] = json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value
        if key == "licence" and (plainly := terms(card.licence)):
            shown["licence, plainly"] = plainly
    if card.checkpoint is not None:
        linked = str(card.checkpoint)
        shown["checkpoint"] = (
            linked if card.checkpoint.linked else f"no address known; give {card.name},checkpoint=FILE"
        )
    return shown


def _end(card: CommonCard) -> dict[str, Any]:
    from vtbench.cli.adapters import card_arguments

    published = {f"published {number}": _told(card, anchor) for number, anchor in enumerate(card.anchors, start=1)}
    return published | card_arguments(card.shelf, card.target, card.args)


def _told(card: CommonCard, anchor: Anchor) -> str:
    """A published number and, where it was sampled otherwise than the card says, what to type for its settings."""
    from vtbench.core.naming.reference import Reference

    sampled = f"; sampled as {Reference(card.name, anchor.args)}" if anchor.args else ""
    return f"{anchor.metric} {anchor.value:g} ({anchor.protocol}; {anchor.source}{sampled})"
