"""Which generators tell how likely real images are, and in words why the others do not."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from vtbench.checkpoints.cards import load_generator_cards
from vtbench.core.errors import UsageError
from vtbench.generators import GENERATORS
from vtbench.generators.protocols import LikelihoodGenerator, PixelLikelihoodGenerator

CODES, PIXELS = "codes", "pixels"
WITHOUT_CLASS = "without a class"


def told_by(generator: Any) -> frozenset[str]:
    """What a generator tells the likelihood of: ``codes``, ``pixels``, both or neither; and whether a class-conditional
    one tells it ``without a class`` too."""
    # asked of the object itself: some tell none under some of their settings
    of_codes = isinstance(generator, LikelihoodGenerator) and all(
        hasattr(generator, name) for name in ("log_likelihood", "tokenizer")
    )
    of_pixels = isinstance(generator, PixelLikelihoodGenerator)
    without = of_codes and bool(getattr(generator, "null_condition", False))
    told = {CODES: of_codes, PIXELS: of_pixels, WITHOUT_CLASS: without}
    return frozenset(name for name, is_told in told.items() if is_told)


def require_likelihood(label: str, told: Collection[str], wanted: str) -> None:
    """Refuse a generator that does not tell what is asked.

    Args:
        label: what tables call it.
        told: see :func:`told_by`.
        wanted: ``codes`` or ``pixels``.

    Raises:
        UsageError: it does not, and why.
    """
    if wanted in told:
        return
    if wanted == PIXELS:
        coded = "it predicts codes, which a tokenizer or a palette makes of an image with loss"
        why = coded if told else "it tells none"
        raise UsageError(
            f"{label} has no likelihood of pixels: {why}; bits_per_dim is of 8-bit RGB values",
            "of codes there is code_nll_bits_per_pixel: --task imagenet256-code-nll, or code-nll-folder with --data",
        )
    if PIXELS in told:
        raise UsageError(f"{label} has a likelihood of pixels, not of codes", "--task bits-per-dim-folder")
    raise UsageError(
        f"{label} does not tell how likely the codes of an image are: it has no log_likelihood",
        f"those that do: {', '.join(_with_likelihood())}",
    )


def _with_likelihood() -> list[str]:
    """Cards, and registered names without cards, whose class has the method."""
    able = {name for name in GENERATORS.builtin if hasattr(GENERATORS.load(name), "log_likelihood")}
    cards = [card for card in load_generator_cards().values() if card.target in able]
    return [*sorted(able - {card.target for card in cards}), *sorted(card.name for card in cards)]
