"""IBQ's generators against sequences that their own modules (TencentARC/SEED-Voken, b9a17ea) made, weights equal."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from next_token_cases import BLOCK, LABELS, NONE, assert_counts, cards_of, greedy
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.errors import AdapterError
from vtbench.generators.contract import check_generator
from vtbench.generators.published.next_token.ibq.adapter import IbqAr
from vtbench.generators.published.next_token.ibq.network import SIZES, IbqGeometry, IbqNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant, Interval
from vtbench.generators.sampling.next_token import Prompted, sample_tokens
from vtbench.generators.sampling.settings import SamplerSettings

SMALL = IbqGeometry(SIZES["tiny"], vocabulary=128, grid=4, classes=10)
MODULATION = {"ada_lin.1.weight", "ada_lin.1.bias"}


@pytest.fixture(scope="module")
def network() -> IbqNetwork:
    made: IbqNetwork = filled(IbqNetwork(SMALL))
    return made


def test_a_greedy_sequence_is_the_authors(network: IbqNetwork) -> None:
    wanted = "59 105 28 45 108 27 119 5 77 92 64 53 113 50 64 53 | 23 45 119 101 96 68 83 90 111 66 81 54 66 81 68 83"
    assert greedy(network, Constant(2.0)) == sequences(wanted)


def test_cached_logits_equal_those_of_one_pass(network: IbqNetwork) -> None:
    tokens = torch.randint(0, 128, (2, 15), generator=torch.Generator().manual_seed(0))
    cache = network.make_cache(2)
    parts = [network.prefill(LABELS, cache)[:, None], *(network.step(part, cache) for part in tokens.split(4, dim=1))]
    torch.testing.assert_close(torch.cat(parts, dim=1), network(LABELS, tokens), rtol=0, atol=1e-5)


def test_an_image_depends_on_its_condition_and_seed_alone(network: IbqNetwork) -> None:
    """Also where guidance ends early, and the modulations of those without a class are let go."""
    settings = SamplerSettings(Filters(0.9, 40, 0.95), Interval(2.0, 5))
    labels, seeds = torch.tensor([3, 7, 3, 0]), torch.tensor([5, 6, 7, 5])
    none = torch.full_like(labels, 10)

    def drawn(rows: slice) -> torch.Tensor:
        return sample_tokens(network, Prompted(labels[rows], none[rows]), settings, seeds[rows])[0]

    whole = drawn(slice(None))
    assert torch.equal(whole, torch.cat([drawn(slice(0, 1)), drawn(slice(1, 4))]))


def test_guidance_of_one_is_none(network: IbqNetwork) -> None:
    plain = greedy(network, Constant(1.0))
    assert greedy(network, Constant(1.0 + 1e-9)) == plain
    for filters in (Filters(top_k=1), Filters(temperature=1e-5)):
        tokens, _ = sample_tokens(network, Prompted(LABELS, NONE), SamplerSettings(filters), torch.tensor([9, 10]))
        assert tokens.tolist() == plain


def test_without_modulation_the_class_is_seen_at_its_own_place_alone() -> None:
    """Gates of zero leave what enters: behind the first token, logits follow from the token before them."""
    network = filled(IbqNetwork(SMALL))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "ada_lin" in name:
                parameter.zero_()
    tokens = torch.tensor([[5, 9, 5], [5, 1, 5]])
    logits = network(LABELS, tokens)
    assert not torch.equal(logits[0, 0], logits[1, 0])
    assert torch.equal(logits[0, 1], logits[1, 1]) and torch.equal(logits[0, 1], logits[1, 3])


@pytest.mark.parametrize("card", cards_of("ibq-ar"), ids=lambda card: card.name)
def test_published_sizes_have_the_counts_of_their_cards(card: GeneratorCard) -> None:
    state = assert_counts(card, lambda: IbqNetwork(IbqGeometry(SIZES[card.args["size"]])))
    assert {key.split(".", 2)[2] for key in state if key.startswith("blocks.")} == BLOCK | MODULATION
    others = {key for key in state if not key.startswith("blocks.")}
    ends = {"tok_emb.weight", "class_emb.embedding_table.weight", "head.weight", "head_nm.rmsnorm.weight"}
    assert others == ends | {f"head_nm.{name}" for name in MODULATION}


def test_it_keeps_the_contract() -> None:
    with pytest.warns(UserWarning, match="random weights"):
        generator = IbqAr.random(**IbqAr.shrunken, cfg_scale=2.0)
    # random weights decode to no picture
    assert {result.name for result in check_generator(generator) if not result.passed} <= {"range"}
    assert generator.info.sampler["image_rounding"] == "truncate"


def test_a_training_file_is_read_strictly(tmp_path: Path) -> None:
    state = IbqNetwork(IbqGeometry(SIZES["tiny"], 32, 4)).state_dict()
    file = tmp_path / "AR_256_tiny.ckpt"
    whole = {f"transformer.{name}": tensor for name, tensor in state.items()}
    beside = {"first_stage_model.quantize.embedding.weight": torch.zeros(4, 4)}
    named = f"ibq-ar,size=tiny,grid=4,vocabulary=32,checkpoint={file},tokenizer={IbqAr.shrunken['tokenizer']!r}"
    torch.save({"state_dict": whole | beside, "global_step": 1}, file)
    with pytest.warns(UserWarning, match="random weights"):
        generator = resolve_generator(named)
    assert torch.equal(generator._network.head.weight, state["head.weight"])
    del whole["transformer.head_nm.rmsnorm.weight"]
    torch.save({"state_dict": whole | beside}, file)
    with pytest.raises(AdapterError, match=r"head_nm\.rmsnorm\.weight"):
        resolve_generator(named)
