"""Fetch what a generator's card stands for: its checkpoint, and the one of its tokenizer."""

from __future__ import annotations

from vtbench.checkpoints.cards import GeneratorCard, load_cards
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
    if card.checkpoint is not None:
        family = GENERATORS.load(card.target)
        locate, beside = getattr(family, "locate", None), getattr(family, "beside", tuple)
        whole = locate(card) if locate else locate_whole(card, card.checkpoint)
        found += [(card.name, file) for file in (whole, *beside())]
    if not found:
        raise UsageError(f"{card.name} has no weights", "it needs no fetching")
    return found
