"""Hita's GPT against sequences that its own modules (CVMI-Lab/Hita, e10a95c) made with the same weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import load_generator_cards
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.next_token.hita.adapter import HitaGpt
from vtbench.generators.published.next_token.hita.network import SIZES, HitaGeometry, HitaNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant
from vtbench.generators.sampling.next_token import Prompted, sample_tokens
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.networks.decoder_transformer import DecoderGeometry

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SMALL = HitaGeometry(DecoderGeometry(depth=2, heads=4, width=64, hidden=192), 128, slots=8, grid=4, classes=10)
LABELS = torch.tensor([3, 7])
NONE = torch.tensor([10, 10])


@pytest.fixture(scope="module")
def network() -> HitaNetwork:
    made: HitaNetwork = filled(HitaNetwork(SMALL))
    return made


def test_greedy_sequences_are_the_authors(network: HitaNetwork) -> None:
    settings = SamplerSettings(Filters(greedy=True), Constant(2.0))
    tokens, cost = sample_tokens(network, Prompted(LABELS, NONE), settings, torch.arange(2))
    assert tokens.tolist() == sequences(
        "1 1 85 82 127 114 52 61 8 55 123 89 26 81 57 45 45 84 81 50 48 125 45 8 | "
        "127 19 27 71 73 124 43 124 6 119 42 101 78 42 42 79 63 92 79 63 42 79 33 79"
    )
    assert (cost.forward_passes, cost.tokens) == (24, 48)


@pytest.mark.parametrize("group", [1, 3, 7])
def test_cached_logits_equal_those_of_one_pass(network: HitaNetwork, group: int) -> None:
    tokens = torch.randint(0, 128, (2, 23), generator=torch.Generator().manual_seed(0))
    cache = network.make_cache(2)
    parts = [network.prefill(LABELS, cache)[:, None]]
    parts += [network.step(part, cache) for part in tokens.split(group, dim=1)]
    torch.testing.assert_close(torch.cat(parts, dim=1), network(LABELS, tokens), rtol=0, atol=1e-5)


def test_the_last_holistic_token_is_embedded_as_one_of_the_map() -> None:
    network = filled(HitaNetwork(SMALL))
    tokens = torch.arange(23)[None]  # every token once
    before = network(LABELS[:1], tokens)

    def changed(table: torch.nn.Embedding, token: int) -> list[int]:
        kept = table.weight[token].detach().clone()
        with torch.no_grad():
            table.weight[token].add_(1)
            found = (network(LABELS[:1], tokens) != before).any(-1)[0]
            table.weight[token].copy_(kept)
        return found.nonzero().flatten().tolist()

    assert changed(network.slot_embeddings, 6) == list(range(7, 24))
    assert changed(network.slot_embeddings, 7) == []
    assert changed(network.tok_embeddings, 6) == []
    assert changed(network.tok_embeddings, 7)[0] == 8


def test_the_halves_of_the_head_predict_one_kind_of_token_each() -> None:
    network = filled(HitaNetwork(SMALL))
    tokens = torch.zeros(1, 23, dtype=torch.int64)
    before = network(LABELS[:1], tokens)
    with torch.no_grad():
        network.output.weight[:128] = 0
    after = network(LABELS[:1], tokens)
    assert not after[:, :8].any() and torch.equal(after[:, 8:], before[:, 8:])


@pytest.mark.parametrize("settings", [
    SamplerSettings(Filters(0.9, 40, 0.95), Constant(2.0)),
    SamplerSettings(Filters(top_k=30, precision="float32"), Constant(1.7), "torch-multinomial"),
])  # fmt: skip
def test_an_image_depends_on_its_condition_and_seed_alone(network: HitaNetwork, settings: SamplerSettings) -> None:
    labels, seeds = torch.tensor([3, 7, 3, 0]), torch.tensor([5, 6, 7, 5])
    none = torch.full_like(labels, 10)

    def drawn(rows: slice) -> torch.Tensor:
        return sample_tokens(network, Prompted(labels[rows], none[rows]), settings, seeds[rows])[0]

    whole = drawn(slice(None))
    assert torch.equal(whole, torch.cat([drawn(slice(0, 1)), drawn(slice(1, 4))]))
    assert not torch.equal(whole[0], whole[2]) and not torch.equal(whole[0], whole[3])


CARDS = {name: card for name, card in load_generator_cards().items() if card.target == "hita-gpt"}


@pytest.mark.parametrize("name", sorted(CARDS))
def test_published_sizes_have_the_counts_of_their_cards(name: str) -> None:
    card = CARDS[name]
    with torch.device("meta"):
        state = HitaNetwork(HitaGeometry(SIZES[card.args["size"]])).state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == card.parameters
    assert len(state) == card.tensors
    assert {key for key in state if not key.startswith("layers.")} == {
        *("tok_embeddings.weight", "slot_embeddings.weight", "slot_pos.weight", "norm.weight", "output.weight"),
        "cls_embedding.embedding_table.weight",
    }
    assert card.args.get("tokenizer", "hita-v") == card.tokenizer


def test_averages_of_a_published_file_are_read_strictly(tmp_path: Path) -> None:
    state = HitaNetwork(HitaGeometry(SIZES["tiny"], slots=8, grid=3)).state_dict()
    file = tmp_path / "GPT-tiny-50e.pt"
    small = HitaGpt.shrunken["tokenizer"]
    named = f"hita-gpt,size=tiny,slots=8,grid=3,checkpoint={file},tokenizer='{small}'"
    torch.save({"model": {key: part + 1 for key, part in state.items()}, "ema": state}, file)
    generator = resolve_generator(named)
    assert torch.equal(generator._network.slot_pos.weight, state["slot_pos.weight"])
    del state["slot_pos.weight"]
    torch.save({"ema": state}, file)
    with pytest.raises(AdapterError, match=r"slot_pos\.weight"):
        resolve_generator(named)


def test_it_samples_codes_of_both_levels() -> None:
    tiny = HitaGpt.random(**HitaGpt.shrunken, cfg_scale=1.5, cfg_interval=9, output_size=32)
    conditions, seeds = [Condition(label=3), Condition(label=999)], torch.tensor([1, 2])
    codes = tiny.sample_codes(conditions, seeds)
    assert [tuple(level.shape) for level in codes.levels] == [(2, 8), (2, 3, 3)]
    assert tiny.sample(conditions, seeds).shape == (2, 3, 32, 32)
    assert tiny.info.sampler["order"] == "8 holistic, then raster" and tiny.info.native_size == 32
    with pytest.raises(UsageError, match="needs a class label"):
        tiny.sample([Condition(prompt="a cat")], seeds[:1])


def test_a_tokenizer_of_other_codebooks_is_refused() -> None:
    small = HitaGpt.shrunken["tokenizer"].replace("random_weights_seed=0", "codebook_size=64,random_weights_seed=0")
    with pytest.raises(AdapterError, match=r"two codebooks of 16384.*\(64, 64\)"):
        HitaGpt.random(**{**HitaGpt.shrunken, "tokenizer": small})
