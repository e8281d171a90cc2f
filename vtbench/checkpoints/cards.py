"""Cards: named presets of registered tokenizers, one YAML file each. Reading them needs no torch."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from vtbench.checkpoints.geometry import Geometry
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.outside.parsing import boundary
from vtbench.results.leaderboards.reported_metrics import name_problem

_FROZEN = ConfigDict(frozen=True, extra="forbid")


class CardCheckpoint(BaseModel):
    """Where a published checkpoint lies.

    Attributes:
        hub: ``owner/name`` on the model hub.
        file: path in that repository; empty where the family reads a whole folder (diffusers, transformers).
        folder: folder in that repository that holds ``config.json`` and weights, for such a family.
        variant: e.g. ``fp16`` for ``diffusion_pytorch_model.fp16.safetensors``.
        revision: branch, tag or commit.
        url: direct address, for checkpoints that are on no hub.
        sha256: of the file, where it is known; then it is checked.
        key: entry of the file that holds the weights, e.g. ``ema``; the family's own order unless given.
        prefix: of the tensor names, taken off.
    """

    model_config = _FROZEN

    hub: str = Field(default="", pattern=r"^([\w.-]+/[\w.-]+)?$")
    file: str = ""
    folder: str = ""
    variant: str | None = None
    revision: str | None = None
    url: str | None = None
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    key: str | None = None
    prefix: str | None = None

    def __str__(self) -> str:
        if not self.hub:
            return self.url or self.file
        return "/".join(part for part in (self.hub, self.folder, self.file) if part)


class Anchor(BaseModel):
    """A published number of the checkpoint, and what it was measured with.

    Attributes:
        metric: this project's name where the source says enough for it, else one of
            :mod:`vtbench.results.leaderboards.reported_metrics`.
        value: as published.
        protocol: data, size and evaluator, as far as they are stated.
        source: where the number stands.
    """

    model_config = _FROZEN

    metric: str
    value: float
    protocol: str
    source: str


class Card(BaseModel):
    """A tokenizer under a name of its own.

    Attributes:
        name: what users type; equals the file's name.
        target: registered name of the tokenizer it stands for.
        args: its arguments; the user's override them.
        summary: one sentence for ``vtbench list tokenizers``.
        licence: of the weights, empty where there are none.
        source: where the setting comes from.
        checkpoint: the published weights, where there are any.
        value_range: what the network takes: ``signed`` is [-1, 1], ``unit`` [0, 1]; the family's own unless given.
        native_size: side in pixels it was trained at.
        geometry: tokens and codes at 256x256.
        paper: arXiv number.
        citation: paper to cite.
        anchors: published numbers.
        gated: the hub asks for an account and a consent.
    """

    model_config = _FROZEN

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    target: str = Field(min_length=1)
    args: dict[str, Any] = Field(default_factory=dict)
    summary: str = Field(min_length=1)
    licence: str = ""
    source: str = Field(min_length=1)
    checkpoint: CardCheckpoint | None = None
    value_range: Literal["signed", "unit"] | None = None
    native_size: int | None = Field(default=None, gt=0)
    geometry: Geometry | None = None
    paper: str = ""
    citation: str = ""
    anchors: tuple[Anchor, ...] = ()
    gated: bool = False


def parse_card(text: str, name: str) -> Card:
    """Read one card.

    Args:
        text: YAML.
        name: name of its file, without ``.yaml``.

    Raises:
        VtbenchError: not YAML, an unknown or missing field, or a name that is not the file's.
    """
    with boundary(f"tokenizer card {name}"):
        card = Card.model_validate(yaml.safe_load(text))
    if card.name != name:
        raise VtbenchError(f"tokenizer card {name} calls itself {card.name!r}", "name it as its file is named")
    return card


@cache
def _cards() -> MappingProxyType[str, Card]:
    found = sorted(
        (item for item in files("vtbench.tokenizers").joinpath("cards").iterdir() if item.name.endswith(".yaml")),
        key=lambda item: item.name.removesuffix(".yaml"),
    )
    cards = (parse_card(item.read_text(encoding="utf-8"), item.name.removesuffix(".yaml")) for item in found)
    return MappingProxyType({card.name: card for card in cards})


def load_cards() -> dict[str, Card]:
    """Every card that comes with vtbench, by name."""
    return dict(_cards())


def anchor_problems(known: Collection[str]) -> list[str]:
    """Published numbers of cards under names that say too little or nothing, a line each.

    Args:
        known: names of this project's metrics.
    """
    named = {(card.name, anchor.metric) for card in _cards().values() for anchor in card.anchors}
    told = ((card, name_problem(metric, known)) for card, metric in sorted(named))
    return [f"tokenizer card {card}: {problem}" for card, problem in told if problem]


def find_card(name: str) -> Card:
    """The card of that name.

    Raises:
        UsageError: there is none; with a suggestion.
    """
    cards = _cards()
    if name not in cards:
        close = difflib.get_close_matches(name, cards, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else "see vtbench list tokenizers"
        raise UsageError(f"no tokenizer card is called {name!r}", hint)
    return cards[name]
