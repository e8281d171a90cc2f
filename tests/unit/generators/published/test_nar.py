"""NAR against sequences that its own modules (ThisisBillhe/NAR, 225c1fb) made with the same weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import load_generator_cards
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.next_token.llamagen.network import LlamaGenGeometry, LlamaGenNetwork
from vtbench.generators.published.next_token.nar.adapter import Nar
from vtbench.generators.published.next_token.nar.network import SIZES, NarGeometry, NarNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.groups import sample_groups
from vtbench.generators.sampling.guidance import Constant, Schedule, WhileAtMost
from vtbench.generators.sampling.next_token import Prompted
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.networks.decoder_transformer import DecoderGeometry, causal_mask

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
DECODER = DecoderGeometry(depth=2, heads=4, width=64, hidden=192)
SMALL = NarGeometry(DECODER, vocabulary=128, grid=4, classes=10)
LABELS = torch.tensor([3, 7])
NONE = torch.tensor([10, 10])
GREEDY = {
    1.0: "67 32 32 6 58 44 22 73 38 55 118 73 72 80 11 48 | 76 21 32 45 76 13 13 86 77 13 13 13 120 13 13 73",
    2.0: "53 83 79 83 36 96 96 96 93 105 96 82 106 96 96 96 | 48 7 57 14 63 127 58 63 97 24 59 57 63 76 63 63",
}


@pytest.fixture(scope="module")
def network() -> NarNetwork:
    made: NarNetwork = filled(NarNetwork(SMALL))
    return made


def greedy(network: NarNetwork, guidance: Schedule) -> torch.Tensor:
    settings = SamplerSettings(Filters(greedy=True), guidance)
    return sample_groups(network, Prompted(LABELS, NONE), settings, torch.arange(2))[0]


@pytest.mark.parametrize("scale", GREEDY)
def test_greedy_sequences_are_the_authors(network: NarNetwork, scale: float) -> None:
    assert greedy(network, Constant(scale)).tolist() == sequences(GREEDY[scale])


def test_a_drawn_image_is_the_authors(network: NarNetwork) -> None:
    """``torch.manual_seed(0)``, batch of one, guidance 2, top-k 20."""
    settings = SamplerSettings(Filters(top_k=20, precision="float32"), Constant(2.0), "torch-multinomial")
    tokens, _ = sample_groups(network, Prompted(LABELS[:1], NONE[:1]), settings, torch.tensor([0]))
    assert tokens.tolist() == sequences("58 96 96 87 120 87 10 55 58 79 70 5 3 56 111 76")


def test_without_a_cache_the_same_tokens_are_likeliest(network: NarNetwork) -> None:
    tokens = greedy(network, Constant(1.0))
    assert torch.equal(network(LABELS, tokens).argmax(-1), tokens)


def test_cached_logits_equal_those_of_one_pass(network: NarNetwork) -> None:
    tokens = torch.randint(0, 128, (2, 16), generator=torch.Generator().manual_seed(0))
    whole = network(LABELS, tokens)
    cache = network.make_cache(2)
    found = network.prefill(LABELS, cache)
    groups = network.order.groups
    for number, group in enumerate(groups):
        if number:
            found = network.step(tokens[:, list(groups[number - 1])], number, cache)
        torch.testing.assert_close(found, whole[:, list(group)], rtol=0, atol=1e-5)


def test_it_is_llamagen_without_its_last_block_and_second_head(network: NarNetwork) -> None:
    """The rest loads into LlamaGen, and its first head under LlamaGen's mask gives LlamaGen's logits bit for bit."""
    host = LlamaGenNetwork(LlamaGenGeometry(DECODER, 128, 4, 10)).eval()
    beyond = ("layers.2.", "medusa_")
    host.load_state_dict({key: part for key, part in network.state_dict().items() if not key.startswith(beyond)})
    tokens = torch.randint(0, 128, (2, 15), generator=torch.Generator().manual_seed(1))
    mask = causal_mask(16, 0, tokens.device)
    assert mask is not None
    right, _ = network.heads(LABELS, tokens, mask)
    assert torch.equal(right, host(LABELS, tokens))


def test_a_grid_of_one_is_one_pass() -> None:
    network = filled(NarNetwork(NarGeometry(DECODER, vocabulary=128, grid=1, classes=10)))
    tokens, cost = sample_groups(network, Prompted(LABELS, NONE), SamplerSettings(), torch.tensor([3, 4]))
    assert tokens.shape == (2, 1) and (cost.forward_passes, cost.tokens) == (1, 2)


def test_guidance_ends_when_more_tokens_are_there(network: NarNetwork) -> None:
    """Their own sequences have the same at the ends: never, after the first token, and for all."""
    constant, none = greedy(network, Constant(2.0)), greedy(network, Constant(1.0))
    assert torch.equal(greedy(network, WhileAtMost(2.0, -1)), constant)
    assert torch.equal(greedy(network, WhileAtMost(2.0, 15)), constant)
    first = greedy(network, WhileAtMost(2.0, 0))
    assert torch.equal(first[:, 0], constant[:, 0]) and not torch.equal(first, constant)
    assert not torch.equal(first, none)


@pytest.mark.parametrize("settings", [
    SamplerSettings(Filters(0.9, 40, 0.95), Constant(2.0)),
    SamplerSettings(Filters(top_k=30, precision="float32"), WhileAtMost(1.7, 5), "torch-multinomial"),
])  # fmt: skip
def test_an_image_depends_on_its_condition_and_seed_alone(network: NarNetwork, settings: SamplerSettings) -> None:
    labels, seeds = torch.tensor([3, 7, 3, 0]), torch.tensor([5, 6, 7, 5])
    none = torch.full_like(labels, 10)

    def drawn(rows: slice) -> torch.Tensor:
        return sample_groups(network, Prompted(labels[rows], none[rows]), settings, seeds[rows])[0]

    whole = drawn(slice(None))
    assert torch.equal(whole, torch.cat([drawn(slice(0, 1)), drawn(slice(1, 4))]))
    assert not torch.equal(whole[0], whole[2]) and not torch.equal(whole[0], whole[3])


@pytest.mark.parametrize("filters", [Filters(top_k=1), Filters(temperature=1e-5)])
def test_one_candidate_is_the_likeliest(network: NarNetwork, filters: Filters) -> None:
    tokens, cost = sample_groups(network, Prompted(LABELS, NONE), SamplerSettings(filters), torch.tensor([9, 10]))
    assert torch.equal(tokens, greedy(network, Constant(1.0)))
    assert (cost.forward_passes, cost.tokens) == (7, 32)
    assert cost.kv_cache_bytes == 3 * 2 * 2 * 16 * 64 * 4  # layers, keys and values, batch, positions, width, float32


@pytest.mark.parametrize("name", sorted(name for name, card in load_generator_cards().items() if card.target == "nar"))
def test_published_sizes_have_the_counts_of_their_cards(name: str) -> None:
    card = load_generator_cards()[name]
    geometry = NarGeometry(SIZES[card.args["size"]], grid=card.args["grid"])
    with torch.device("meta"):
        state, host = (
            NarNetwork(geometry).state_dict(),
            LlamaGenNetwork(LlamaGenGeometry(geometry.decoder)).state_dict(),
        )
    assert sum(tensor.numel() for tensor in state.values()) == card.parameters
    assert len(state) == card.tensors
    last = f"layers.{geometry.decoder.depth}."
    more = {"medusa_norm.weight", "medusa_output.weight", *(key for key in state if key.startswith(last))}
    assert set(state) == set(host) | more


@pytest.mark.parametrize("nesting", ["model", "module", "state_dict", None])
def test_every_published_nesting_is_read_strictly(nesting: str | None, tmp_path: Path) -> None:
    state = NarNetwork(NarGeometry(SIZES["tiny"], grid=4)).state_dict() | {"freqs_cis": torch.zeros(17, 8, 2)}
    file = tmp_path / "last_version.pt"
    torch.save({nesting: state} if nesting else state, file)
    named = f"nar,size=tiny,grid=4,checkpoint={file},tokenizer='janus-vq,random_weights_seed=0'"
    with pytest.warns(UserWarning, match="random weights"):
        generator = resolve_generator(named)
    assert torch.equal(generator._network.medusa_output.weight, state["medusa_output.weight"])
    del state["medusa_norm.weight"]
    torch.save({nesting: state} if nesting else state, file)
    with pytest.raises(AdapterError, match=r"medusa_norm\.weight"):
        resolve_generator(named)


def test_it_samples_codes_of_its_tokenizer() -> None:
    with pytest.warns(UserWarning, match="random weights"):
        tiny = Nar.random(**Nar.shrunken, cfg_scale=1.5, cfg_interval=4)
    conditions, seeds = [Condition(label=3), Condition(label=999)], torch.tensor([1, 2])
    codes = tiny.sample_codes(conditions, seeds)
    assert codes.levels[0].shape == (2, 4, 4) and tiny.sample(conditions, seeds).shape == (2, 3, 64, 64)
    cost = tiny.sampling_cost()
    assert cost is not None and (cost.forward_passes, cost.tokens) == (7, 32)
    assert tiny.info.sampler["order"] == "anti-diagonal" and tiny.info.sampler["cfg_schedule"] == "while-at-most"
    with pytest.raises(UsageError, match="has no class 1000"):
        tiny.sample([Condition(label=1000)], seeds[:1])
