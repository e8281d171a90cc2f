"""The generator contract over every published family, of small width and with random weights; cards by their counts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from vtbench.checkpoints.cards import GeneratorCard, load_generator_cards
from vtbench.core.naming.parameters import UNKNOWN, parameters_of
from vtbench.core.naming.reference import Reference, parse_reference
from vtbench.generators import GENERATORS
from vtbench.generators.contract import check_generator
from vtbench.generators.published.base import PublishedGenerator
from vtbench.generators.resolve import expand


def families() -> Iterator[tuple[str, type[PublishedGenerator]]]:
    for name in GENERATORS.builtin:
        target = GENERATORS.load(name)
        if isinstance(target, type) and issubclass(target, PublishedGenerator):
            yield name, target


FAMILIES = dict(families())
CARDS = {name: card for name, card in load_generator_cards().items() if card.target in FAMILIES}


def test_they_are_found() -> None:
    assert "llamagen" in FAMILIES and len(CARDS) >= 8


@pytest.mark.filterwarnings("ignore:.*random weights")
@pytest.mark.parametrize("name", FAMILIES)
def test_contract(name: str) -> None:
    family = FAMILIES[name]
    generator = family.random(**family.shrunken)
    assert generator.info.revision == "random-0" and generator.info.name == f"{name}-random"
    assert any("random weights" in note for note in generator.notes)
    assert sum(parameter.numel() for parameter in generator._network.parameters()) < 8_000_000
    assert {result.name: result.detail for result in check_generator(generator) if not result.passed} == {}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_takes_the_same_sources(name: str) -> None:
    family: Any = FAMILIES[name]
    parameters = parameters_of(family)
    assert parameters is not None
    assert {"checkpoint", "card", "entry", "random_weights_seed", "tokenizer"} <= set(parameters.named)
    assert all(parameter.default is not UNKNOWN for parameter in parameters.named.values())
    assert family.family == name and family.citation and (family.__doc__ or "").strip()


@pytest.fixture
def without_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of random weights are built on the meta device, whole."""

    def on_meta(build: Any, seed: int) -> Any:
        del seed
        with torch.device("meta"):
            return build()

    monkeypatch.setattr("vtbench.checkpoints.loading.seeded", on_meta)


@pytest.mark.parametrize("card", CARDS.values(), ids=list(CARDS))
def test_the_network_has_the_counts_of_its_card(card: GeneratorCard, without_memory: None) -> None:
    """The whole generator with the whole tokenizer that the card names, without memory behind either."""
    reference = expand(parse_reference(card.name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seed = "random_weights_seed=0"
        random = {"tokenizer": f"{card.tokenizer},{seed}", "random_weights_seed": 0}
        if "refiner" in reference.args:  # a generator of its own, with the same tokenizer
            random["refiner"] = f"{reference.args['refiner']},tokenizer='{card.tokenizer},{seed}',{seed}"
        generator = GENERATORS.create(Reference(reference.target, {**reference.args, **random}))
    assert generator.info.parameters == card.parameters
    assert len(generator._network.state_dict()) == card.tensors
    assert generator.info.conditions == card.conditions and generator.info.name == f"{card.name}-random"
    assert generator.info.native_size == (card.args.get("output_size") or card.native_size)
    assert generator.info.tokenizer == f"{parse_reference(card.tokenizer).target}-random"
    assert generator.info.sampler
