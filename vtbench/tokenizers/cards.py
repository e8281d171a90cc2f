"""Cards: named presets of registered tokenizers, one YAML file each. Reading them needs no torch."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vtbench.core.errors import VtbenchError


class Card(BaseModel):
    """A tokenizer under a name of its own.

    Attributes:
        name: what users type; equals the file's name.
        target: registered name of the tokenizer it stands for.
        args: its arguments; the user's override them.
        summary: one sentence for ``vtbench list tokenizers``.
        licence: of the weights, empty where there are none.
        source: where the setting comes from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    target: str = Field(min_length=1)
    args: dict[str, Any] = Field(default_factory=dict)
    summary: str = Field(min_length=1)
    licence: str = ""
    source: str = Field(min_length=1)


def parse_card(text: str, name: str) -> Card:
    """Read one card.

    Args:
        text: YAML.
        name: name of its file, without ``.yaml``.

    Raises:
        VtbenchError: not YAML, an unknown or missing field, or a name that is not the file's.
    """
    try:
        card = Card.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        raise VtbenchError(f"tokenizer card {name}: {error}") from error
    if card.name != name:
        raise VtbenchError(f"tokenizer card {name} calls itself {card.name!r}", "name it as its file is named")
    return card


@cache
def _cards() -> MappingProxyType[str, Card]:
    found = sorted(
        (item for item in files("vtbench.tokenizers").joinpath("cards").iterdir() if item.name.endswith(".yaml")),
        key=lambda item: item.name,
    )
    cards = (parse_card(item.read_text(encoding="utf-8"), item.name.removesuffix(".yaml")) for item in found)
    return MappingProxyType({card.name: card for card in cards})


def load_cards() -> dict[str, Card]:
    """Every card that comes with vtbench, by name."""
    return dict(_cards())
