"""Which card a published number is of: leaderboards keep the names of their sources, cards have names of their own."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml

from vtbench.checkpoints.cards import Card, find_card


@cache
def cards_of_reported() -> dict[str, Card]:
    """Cards by the name that sources call the same checkpoint. Needs no torch.

    Raises:
        UsageError: a card that is not there.
    """
    text = files("vtbench.tokenizers").joinpath("reported.yaml").read_text(encoding="utf-8")
    return {str(reported): find_card(str(name)) for reported, name in yaml.safe_load(text).items()}
