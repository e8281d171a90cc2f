"""The adapter contract over every family of published checkpoints, of small width and with random weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.core.naming.parameters import UNKNOWN, parameters_of
from vtbench.tokenizers import TOKENIZERS
from vtbench.tokenizers.contract import check_tokenizer
from vtbench.tokenizers.contract.subject import photographs
from vtbench.tokenizers.published.base import OfficialTokenizer


def families() -> Iterator[tuple[str, type[OfficialTokenizer]]]:
    for name in TOKENIZERS.builtin:
        target = TOKENIZERS.load(name)
        if isinstance(target, type) and issubclass(target, OfficialTokenizer):
            yield name, target


FAMILIES = dict(families())


def test_they_are_found() -> None:
    assert {"ldm-vq", "ldm-kl", "janus-vq"} <= set(FAMILIES)


@pytest.mark.filterwarnings("ignore:.*random weights")
@pytest.mark.parametrize("name", FAMILIES)
def test_contract(name: str) -> None:
    family = FAMILIES[name]
    tokenizer = family.random(**family.shrunken)
    assert tokenizer.info.revision == "random-0" and tokenizer.info.name == f"{name}-random"
    assert sum(parameter.numel() for parameter in tokenizer._network.parameters()) < 2_000_000
    assert {result.name: result.detail for result in check_tokenizer(tokenizer) if not result.passed} == {}


@pytest.mark.filterwarnings("ignore:.*random weights")
@pytest.mark.parametrize("name", FAMILIES)
def test_in_half_precision(name: str) -> None:
    tokenizer = FAMILIES[name].random(**FAMILIES[name].shrunken).to(dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in tokenizer._network.parameters()} == {torch.bfloat16}
    info = tokenizer.info
    side = info.native_size if info.fixed_size and info.native_size else 32
    images, seeds = photographs(2, side, side), {"seeds": torch.arange(2)} if info.stochastic else {}
    codes = tokenizer.encode(images, **seeds)
    output = tokenizer.decode(codes, **seeds)
    assert output.shape == images.shape and output.dtype == torch.float32 and bool(output.isfinite().all())


@pytest.mark.filterwarnings("ignore:.*random weights")
@pytest.mark.parametrize(
    ("name", "argument"),
    [
        *(("titok", "encoder"), ("gigatok", "decoder"), ("detailflow", "encoder")),
        *(("unitok-vq", "size"), ("hita", "vision")),
    ],
)
def test_an_unknown_size_is_told_with_those_there_are(name: str, argument: str) -> None:
    with pytest.raises(UsageError, match="has no size 'huge'") as caught:
        FAMILIES[name].random(**{**FAMILIES[name].shrunken, argument: "huge"})
    assert str(caught.value.hint).startswith("one of ")


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_takes_the_same_sources(name: str) -> None:
    family: Any = FAMILIES[name]
    parameters = parameters_of(family)
    assert parameters is not None
    assert {"checkpoint", "card", "random_weights_seed"} <= set(parameters.named)
    assert all(parameter.default is not UNKNOWN for parameter in parameters.named.values())
    assert family.family == name and family.citation and (family.__doc__ or "").strip()
