"""Fetch what a generator's card stands for: its checkpoint, and those of its tokenizer and of what refines it."""

from __future__ import annotations

from vtbench.checkpoints.cards import GeneratorCard, load_cards, load_generator_cards
from vtbench.checkpoints.files import Located
from vtbench.checkpoints.published import locate_whole
from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import parse_reference
from vtbench.generators import GENERATORS
from vtbench.tokenizers.fetching import fetch_card


def fetch_generator_card(card: GeneratorCard) -> list[tuple[str, Located]]:
    """Every file with the name of the card that it is of: the tokenizer's first, which is the smaller.

    Raises:
        UsageError: neither has a checkpoint.
        AssetMissingError: one cannot be had; what was fetched before it stays.
    """
    tokenizer = load_cards().get(parse_reference(card.tokenizer).target) if card.tokenizer else None
    found: list[tuple[str, Located]] = []
    if tokenizer is not None and tokenizer.checkpoint is not None:
        found += [(tokenizer.name, file) for file in fetch_card(tokenizer)]
    refiner = load_generator_cards().get(parse_reference(card.args.get("refiner", card.name)).target)
    found += _own(card) + ([] if refiner is None or refiner is card else _own(refiner))
    if not found:
        raise UsageError(f"{card.name} has no weights", "it needs no fetching")
    return found


def _own(card: GeneratorCard) -> list[tuple[str, Located]]:
    """What the card's own checkpoint is made of."""
    if card.checkpoint is None:
        return []
    family = GENERATORS.load(card.target)
    locate, beside = getattr(family, "locate", None), getattr(family, "beside", tuple)
    whole = locate(card) if locate else locate_whole(card, card.checkpoint)
    return [(card.name, file) for file in (whole, *beside())]
