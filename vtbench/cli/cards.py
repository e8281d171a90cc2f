"""Cards of tokenizers as commands show them: all that ``show`` prints, and what the page of the leaderboards holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vtbench.checkpoints.cards import Card
    from vtbench.report.leaderboards.facts import Card as Shown


def card_fields(card: Card) -> dict[str, Any]:
    """Every field, with the arguments of the tokenizer that it stands for."""
    from vtbench.cli.adapters import card_arguments

    fields = card.model_dump(mode="json", exclude={"geometry", "anchors"}, exclude_defaults=True)
    shown: dict[str, Any] = {"kind": "tokenizer card", **{key: _text(value) for key, value in fields.items()}}
    if card.checkpoint is not None:
        shown["checkpoint"] = str(card.checkpoint)
    if card.geometry is not None:
        levels = card.geometry.tokens
        shown["tokens at 256x256"] = card.geometry.token_count
        shown |= {"tokens a level": ", ".join(str(tokens) for tokens in levels)} if len(levels) > 1 else {}
        shown["code"] = card.geometry.code
        shown["bits per pixel at 256x256"] = card.geometry.bits_per_pixel
    for number, anchor in enumerate(card.anchors, start=1):
        shown[f"published {number}"] = f"{anchor.metric} {anchor.value:g} ({anchor.protocol}; {anchor.source})"
    return shown | card_arguments(card.target, card.args)


def shown_cards() -> dict[str, Shown]:
    """Every card, as the page of the leaderboards shows it, by name."""
    from vtbench.checkpoints.cards import load_cards

    return {name: _shown(card) for name, card in load_cards().items()}


def _shown(card: Card) -> Shown:
    from vtbench.report.leaderboards.facts import Card as Shown
    from vtbench.report.leaderboards.facts import Facts, month_of

    geometry, size = card.geometry, card.native_size
    rate, tokens = (None, None) if geometry is None else (geometry.bits_per_pixel, geometry.token_count)
    facts = Facts(card.target, rate, "" if size is None else str(size), card.licence, month_of(card.paper))
    fields = ((key, str(value)) for key, value in card_fields(card).items() if key not in ("kind", "name", "summary"))
    return Shown(card.name, card.summary, facts, tokens, tuple(fields))


def _text(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value
