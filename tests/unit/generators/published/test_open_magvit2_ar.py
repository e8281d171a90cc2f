"""Open-MAGVIT2's generators against sequences of their own modules (TencentARC/SEED-Voken, b9a17ea), weights equal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from next_token_cases import BLOCK, LABELS, assert_counts, cards_of, greedy_parts
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError
from vtbench.generators.contract import check_generator
from vtbench.generators.published.next_token.open_magvit2.adapter import OpenMagvit2Ar
from vtbench.generators.published.next_token.open_magvit2.network import SIZES, FactorisedNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.guidance import Constant
from vtbench.networks.binary import to_signs

SMALL = replace(SIZES["tiny"], bits=(3, 4), classes=10)
PRE = "3 4 4 5 5 2 3 2 5 0 2 1 5 2 1 5 | 5 5 0 6 1 6 1 6 6 1 0 0 0 0 0 0"
POST = "15 7 13 10 3 8 11 7 8 15 8 3 8 8 3 8 | 15 7 12 9 0 4 13 8 8 3 0 4 0 4 7 0"


@pytest.fixture(scope="module")
def network() -> FactorisedNetwork:
    made: FactorisedNetwork = filled(FactorisedNetwork(SMALL))
    return made


def test_both_parts_of_a_greedy_sequence_are_the_authors(network: FactorisedNetwork) -> None:
    codes = greedy_parts(network, Constant(2.0))
    assert codes[..., 0].tolist() == sequences(PRE)
    assert codes[..., 1].tolist() == sequences(POST)


def test_logits_part_by_part_equal_those_of_one_pass(network: FactorisedNetwork) -> None:
    generator = torch.Generator().manual_seed(0)
    codes = torch.stack([torch.randint(0, size, (2, 16), generator=generator) for size in (8, 16)], dim=-1)
    whole = network(LABELS, codes)
    for group in (1, 5):
        cache = network.make_cache(2)
        hidden = [network.prefill(LABELS, cache)[:, None]]
        hidden += [network.step(part, cache) for part in codes[:, :-1].split(group, dim=1)]
        for token, position in enumerate(torch.cat(hidden, dim=1).unbind(1)):
            inner = network.inner(position)
            found = inner.logits(0, None), inner.logits(1, codes[:, token, 0])
            for mine, wanted in zip(found, whole, strict=True):
                torch.testing.assert_close(mine, wanted[:, token], rtol=0, atol=1e-5)


def test_the_second_part_follows_the_first(network: FactorisedNetwork) -> None:
    hidden = network.prefill(LABELS, network.make_cache(2))
    found = []
    for first in (0, 5):
        inner = network.inner(hidden)
        inner.logits(0, None)
        found.append(inner.logits(1, torch.full((2,), first)))
    assert not torch.allclose(*found)


@pytest.mark.parametrize("card", cards_of("open-magvit2-ar"), ids=lambda card: card.name)
def test_published_sizes_have_the_counts_of_their_cards(card: GeneratorCard) -> None:
    state = assert_counts(card, lambda: FactorisedNetwork(SIZES[card.args["size"]]))
    blocks = [key for key in state if "blocks." in key]
    assert {key.split(".", 2)[2] for key in blocks} == BLOCK
    assert {key.split(".")[0] for key in blocks} == {"spatial_blocks", "factorized_blocks"}
    ends = {"pre_emb.weight", "post_emb.weight", "class_emb.embedding_table.weight", "norm.weight"}
    assert {key for key in state if key not in blocks} == {*ends, "head.0.weight", "head.1.weight"}


@pytest.fixture(scope="module")
def tiny() -> OpenMagvit2Ar:
    with pytest.warns(UserWarning, match="random weights"):
        return OpenMagvit2Ar.random(
            **OpenMagvit2Ar.shrunken, cfg_scale=1.75, cfg_scale_post=1.85, temperature=1.1, temperature_post=1.0
        )


def test_it_keeps_the_contract_and_records_both_parts(tiny: OpenMagvit2Ar) -> None:
    # random weights decode to no picture
    assert {result.name for result in check_generator(tiny) if not result.passed} <= {"range"}
    sampler = tiny.info.sampler
    assert (sampler["cfg_scale"], sampler["temperature"]) == ([1.75, 1.85], [1.1, 1.0])
    assert sampler["top_k"] == 0 and sampler["cfg_schedule"] == "constant"


def test_bits_are_the_channels_that_the_authors_decode(tiny: OpenMagvit2Ar) -> None:
    """Both parts count from their lowest bit; the first part is the first channels."""
    pairs = torch.tensor([[[2, 8 + 1]] * 16])
    signs = to_signs(tiny._codes(pairs).bits[0], torch.float32)
    assert signs.shape == (1, 6, 4, 4)
    assert signs[0, :, 0, 0].tolist() == [-1, 1, 1, -1, -1, 1]


def test_a_training_file_is_read_strictly(tmp_path: Path) -> None:
    state = FactorisedNetwork(SIZES["tiny"]).state_dict()
    file = tmp_path / "AR_256_tiny.ckpt"
    whole = {f"transformer.{name}": tensor for name, tensor in state.items()}
    beside = {"first_stage_model.encoder.conv_in.weight": torch.zeros(4, 4)}
    named = f"open-magvit2-ar,size=tiny,checkpoint={file},tokenizer={OpenMagvit2Ar.shrunken['tokenizer']!r}"
    torch.save({"state_dict": whole | beside, "global_step": 1}, file)
    with pytest.warns(UserWarning, match="random weights"):
        generator = resolve_generator(named)
    assert torch.equal(generator._network.head[1].weight, state["head.1.weight"])
    assert generator.sample([Condition(label=999)], torch.tensor([3])).shape == (1, 3, 8, 8)
    del whole["transformer.norm.weight"]
    torch.save({"state_dict": whole | beside}, file)
    with pytest.raises(AdapterError, match=r"norm\.weight"):
        resolve_generator(named)
