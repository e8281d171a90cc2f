"""Cards: named presets of registered tokenizers and generators, one YAML file each. Reading them needs no torch."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from vtbench.checkpoints.geometry import Geometry
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.outside.parsing import boundary
from vtbench.results.leaderboards.reported_metrics import name_problem

_FROZEN = ConfigDict(frozen=True, extra="forbid")
_Kind = TypeVar("_Kind", bound="CommonCard")


class CardCheckpoint(BaseModel):
    """Where a published checkpoint lies.

    Attributes:
        hub: ``owner/name`` on the model hub.
        file: path in that repository; empty where the family reads a whole folder (diffusers, transformers).
        folder: folder in that repository that holds ``config.json`` and weights, for such a family.
        layout: the library whose names the files of such a folder have.
        shards: ``folder`` holds shards of one state dict, or one file of it, and no configuration: for a family whose
            network is written here.
        variant: e.g. ``fp16`` for ``diffusion_pytorch_model.fp16.safetensors``.
        revision: branch, tag or commit.
        url: direct address, for checkpoints that are on no hub.
        package: Python package that holds ``file``, for weights that are a distribution of their own; it is found
            without being imported, and ``sha256`` has to be given.
        sha256: of the file, where it is known; then it is checked.
        key: entry of the file that holds the weights, e.g. ``ema``; the family's own order unless given.
        prefix: of the tensor names, taken off.
    """

    model_config = _FROZEN

    hub: str = Field(default="", pattern=r"^([\w.-]+/[\w.-]+)?$")
    file: str = ""
    folder: str = ""
    layout: Literal["diffusers", "transformers"] = "diffusers"
    shards: bool = False
    variant: str | None = None
    revision: str | None = None
    url: str | None = None
    package: str = Field(default="", pattern=r"^([a-z][a-z0-9_]*)?$")
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    key: str | None = None
    prefix: str | None = None

    @model_validator(mode="after")
    def _check(self) -> CardCheckpoint:
        if self.package and not (self.file and self.sha256):
            raise ValueError("a checkpoint of a package needs its file and its sha256")
        return self

    @property
    def linked(self) -> bool:
        """Whether its authors say where it lies; where not, only who has the file can use the card."""
        return bool(self.hub or self.url or self.package)

    def __str__(self) -> str:
        if self.package:
            return f"{self.package}/{self.file}"
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
        args: of a generator, where it was sampled with other settings than the card's.
    """

    model_config = _FROZEN

    metric: str
    value: float
    protocol: str
    source: str
    args: dict[str, Any] = Field(default_factory=dict)


class CommonCard(BaseModel):
    """A published model under a name of its own: what cards of tokenizers and of generators have in common.

    Attributes:
        name: what users type; equals the file's name.
        target: registered name of the adapter it stands for.
        args: its arguments; the user's override them.
        summary: one sentence for ``vtbench list``.
        licence: of the weights, empty where there are none.
        source: where the setting comes from.
        checkpoint: the published weights, where there are any.
        native_size: side in pixels it was trained at.
        paper: arXiv number.
        citation: paper to cite.
        anchors: published numbers.
        gated: the hub asks for an account and a consent.
    """

    model_config = _FROZEN

    shelf: ClassVar[str]
    """Where files of its kind lie in the cache, and what lists it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    target: str = Field(min_length=1)
    args: dict[str, Any] = Field(default_factory=dict)
    summary: str = Field(min_length=1)
    licence: str = ""
    source: str = Field(min_length=1)
    checkpoint: CardCheckpoint | None = None
    native_size: int | None = Field(default=None, gt=0)
    paper: str = ""
    citation: str = ""
    anchors: tuple[Anchor, ...] = ()
    gated: bool = False


class Card(CommonCard):
    """A tokenizer under a name of its own.

    Attributes:
        value_range: what the network takes: ``signed`` is [-1, 1], ``unit`` [0, 1]; the family's own unless given.
        geometry: tokens and codes at 256x256.
        code_space: name of its latents or codes, where other checkpoints have the same: what one encodes, the others
            decode. Empty where they are its own.
    """

    shelf: ClassVar[str] = "tokenizers"

    value_range: Literal["signed", "unit"] | None = None
    geometry: Geometry | None = None
    code_space: str = ""


class GeneratorCard(CommonCard):
    """A generator under a name of its own. Its ``args`` are the settings of the number that it is known for.

    Attributes:
        tokenizer: card or registered name of the tokenizer it generates for.
        conditions: what it is conditioned on.
        images: roles of the images that it needs beside.
        parameters: of the network alone, as counted.
        tensors: of its state dict.
    """

    shelf: ClassVar[str] = "generators"

    tokenizer: str = ""
    conditions: Literal["class", "prompt", "none"] = "class"
    images: tuple[str, ...] = ()
    parameters: int = Field(gt=0)
    tensors: int = Field(gt=0)


def parse_card(text: str, name: str, kind: type[_Kind] = Card) -> _Kind:  # type: ignore[assignment]
    """Read one card.

    Args:
        text: YAML.
        name: name of its file, without ``.yaml``.
        kind: of card.

    Raises:
        VtbenchError: not YAML, an unknown or missing field, or a name that is not the file's.
    """
    what = kind.shelf.removesuffix("s")
    with boundary(f"{what} card {name}"):
        card: _Kind = kind.model_validate(yaml.safe_load(text))
    if card.name != name:
        raise VtbenchError(f"{what} card {name} calls itself {card.name!r}", "name it as its file is named")
    return card


@cache
def _cards(kind: type[_Kind]) -> MappingProxyType[str, _Kind]:
    found = sorted(
        (item for item in files(f"vtbench.{kind.shelf}").joinpath("cards").iterdir() if item.name.endswith(".yaml")),
        key=lambda item: item.name.removesuffix(".yaml"),
    )
    cards = (parse_card(item.read_text(encoding="utf-8"), item.name.removesuffix(".yaml"), kind) for item in found)
    return MappingProxyType({card.name: card for card in cards})


def load_cards() -> dict[str, Card]:
    """Every card of a tokenizer that comes with vtbench, by name."""
    return dict(_cards(Card))


def load_generator_cards() -> dict[str, GeneratorCard]:
    """Every card of a generator that comes with vtbench, by name."""
    return dict(_cards(GeneratorCard))


def anchor_problems(known: Collection[str]) -> list[str]:
    """Published numbers of cards under names that say too little or nothing, a line each.

    Args:
        known: names of this project's metrics.
    """
    cards: list[CommonCard] = [*_cards(Card).values(), *_cards(GeneratorCard).values()]
    named = {(card.shelf.removesuffix("s"), card.name, anchor.metric) for card in cards for anchor in card.anchors}
    told = ((what, card, name_problem(metric, known)) for what, card, metric in sorted(named))
    return [f"{what} card {card}: {problem}" for what, card, problem in told if problem]


def find_card(name: str) -> Card:
    """The card of that tokenizer.

    Raises:
        UsageError: there is none; with a suggestion.
    """
    return _found(name, Card)


def find_generator_card(name: str) -> GeneratorCard:
    """The card of that generator; raises as :func:`find_card`."""
    return _found(name, GeneratorCard)


def _found(name: str, kind: type[_Kind]) -> _Kind:
    cards: MappingProxyType[str, _Kind] = _cards(kind)
    if name not in cards:
        close = difflib.get_close_matches(name, cards, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"see vtbench list {kind.shelf}"
        raise UsageError(f"no {kind.shelf.removesuffix('s')} card is called {name!r}", hint)
    return cards[name]
