"""Taming transformers' GPT against sequences that its own module (CompVis/taming-transformers, 3ba01b2) drew with the
same weights; its mask, which is a buffer there, is no key here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from next_token_cases import LABELS, assert_counts, cards_of
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.contract import check_generator
from vtbench.generators.published.next_token.taming.adapter import TamingGpt
from vtbench.generators.published.next_token.taming.network import SIZES, TamingGeometry, TamingNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_token import Prompted, sample_tokens
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import strategy_of

DRAWN = {
    0: "115 16 48 115 115 80 100 10 48 12 115 75 108 120 45 10",
    1: "115 17 124 48 75 48 115 96 120 12 110 16 110 77 75 89",
}


@pytest.fixture(scope="module")
def network() -> TamingNetwork:
    made: TamingNetwork = filled(TamingNetwork(TamingGeometry(2, 4, 64, vocabulary=128, grid=4)))
    return made


@pytest.mark.parametrize("seed", DRAWN)
def test_a_drawn_image_is_the_authors(network: TamingNetwork, seed: int) -> None:
    """``torch.manual_seed(seed)``, batch of one, top-k 20, top-p 0.92, ``torch.multinomial``; labels 3 and 7."""
    label = LABELS[seed : seed + 1]
    settings = SamplerSettings(Filters(top_k=20, top_p=0.92, precision="float32"), draw="torch-multinomial")
    tokens, cost = sample_tokens(network, Prompted(label, label), settings, torch.tensor([seed]))
    assert tokens.tolist() == sequences(DRAWN[seed])
    assert cost.kv_cache_bytes == 2 * 2 * 16 * 64 * 4  # layers, keys and values, positions, width, float32: no guidance


def test_first_logits_are_the_authors(network: TamingNetwork) -> None:
    first = network(LABELS[:1], torch.zeros(1, 0, dtype=torch.int64))[0, 0, :4]
    torch.testing.assert_close(first, torch.tensor([-0.140596, 0.012897, -0.139158, -0.133064]), rtol=0, atol=1e-5)


def test_cached_logits_equal_those_of_one_pass(network: TamingNetwork) -> None:
    tokens = torch.randint(0, 128, (2, 15), generator=torch.Generator().manual_seed(0))
    cache = network.make_cache(2)
    parts = [network.prefill(LABELS, cache)[:, None], *(network.step(part, cache) for part in tokens.split(4, dim=1))]
    torch.testing.assert_close(torch.cat(parts, dim=1), network(LABELS, tokens), rtol=0, atol=1e-5)


@pytest.mark.parametrize("card", cards_of("taming-gpt"), ids=lambda card: card.name)
def test_the_published_size_has_the_counts_of_its_card(card: GeneratorCard) -> None:
    state = assert_counts(card, lambda: TamingNetwork(SIZES[card.args["size"]]))
    block = {key.split(".", 2)[2] for key in state if key.startswith("blocks.")}
    parts = ("ln1", "ln2", "attn.key", "attn.query", "attn.value", "attn.proj", "mlp.0", "mlp.2")
    assert block == {f"{part}.{name}" for part in parts for name in ("weight", "bias")}
    others = {key for key in state if not key.startswith("blocks.")}
    assert others == {"tok_emb.weight", "pos_emb", "ln_f.weight", "ln_f.bias", "head.weight"}


@pytest.fixture(scope="module")
def tiny() -> TamingGpt:
    with pytest.warns(UserWarning, match="random weights"):
        return TamingGpt.random(**TamingGpt.shrunken, top_k=600, top_p=0.92)


def test_it_keeps_the_contract(tiny: TamingGpt) -> None:
    # random weights decode to no picture
    assert {result.name for result in check_generator(tiny) if not result.passed} <= {"range"}
    assert tiny.info.sampler["cfg_scale"] == 1.0 and tiny.info.classes == 1000


def test_a_label_out_of_range_is_refused(tiny: TamingGpt) -> None:
    """Though the table has an entry of its number: it is a code."""
    with pytest.raises(UsageError, match="has no class 1000"):
        tiny.sample([Condition(label=1000)], torch.tensor([0]))


def test_a_training_file_is_read_strictly(tmp_path: Path) -> None:
    state = TamingNetwork(SIZES["tiny"]).state_dict()
    file = tmp_path / "last.ckpt"
    mask = torch.ones(16, 16).tril()[None, None]
    masks = {f"transformer.blocks.{layer}.attn.mask": mask for layer in range(2)}
    whole = {f"transformer.{name}": tensor for name, tensor in state.items()} | masks
    beside = {"first_stage_model.encoder.conv_in.weight": torch.zeros(4, 4)}
    named = f"taming-gpt,size=tiny,checkpoint={file},tokenizer={TamingGpt.shrunken['tokenizer']!r}"
    torch.save({"state_dict": whole | beside, "global_step": 1}, file)
    with pytest.warns(UserWarning, match="random weights"):
        generator = resolve_generator(named)
    assert torch.equal(generator._network.pos_emb, state["pos_emb"])
    del whole["transformer.pos_emb"]
    torch.save({"state_dict": whole | beside}, file)
    with pytest.raises(AdapterError, match="pos_emb"):
        resolve_generator(named)


def test_greedy_speculation_draws_what_one_token_a_pass_does(network: TamingNetwork) -> None:
    plain = SamplerSettings(Filters(greedy=True))
    faster = SamplerSettings(Filters(greedy=True), strategy=strategy_of("sjd", 4, "random"))
    prompted, seeds = Prompted(LABELS, LABELS), torch.tensor([0, 1])
    with torch.inference_mode():
        wanted, _ = sample_tokens(network, prompted, plain, seeds)
        found, cost = sample_tokens(network, prompted, faster, seeds)
    assert torch.equal(found, wanted) and cost.steps is not None and cost.steps <= 32
