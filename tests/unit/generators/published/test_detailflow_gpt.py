"""DetailFlow's GPT against sequences that its own modules (ByteFlow-AI/DetailFlow, c5f06cd) made, same weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import load_generator_cards
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.next_token.detailflow.adapter import DetailFlowGpt
from vtbench.generators.published.next_token.detailflow.network import SIZES, DetailFlowGeometry, DetailFlowNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.groups import sample_groups
from vtbench.generators.sampling.guidance import Constant
from vtbench.generators.sampling.next_token import Prompted
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.networks.decoder_transformer import DecoderGeometry

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
DECODER = DecoderGeometry(depth=2, heads=4, width=64, hidden=192)
SMALL = DetailFlowGeometry(DECODER, vocabulary=128, tokens=16, group=4, classes=10)
LABELS = torch.tensor([3, 7])
NONE = torch.tensor([10, 10])


@pytest.fixture(scope="module")
def network() -> DetailFlowNetwork:
    made: DetailFlowNetwork = filled(DetailFlowNetwork(SMALL))
    return made


def test_greedy_sequences_are_the_authors(network: DetailFlowNetwork) -> None:
    settings = SamplerSettings(Filters(greedy=True), Constant(2.0))
    tokens, cost = sample_groups(network, Prompted(LABELS, NONE), settings, torch.arange(2))
    assert tokens.tolist() == sequences(
        "1 118 98 101 75 20 70 42 53 124 118 67 124 122 53 42 | 127 66 27 27 110 126 83 102 17 69 72 29 41 69 102 98"
    )
    assert (cost.forward_passes, cost.tokens) == (7, 32)


def test_cached_logits_equal_those_of_one_pass(network: DetailFlowNetwork) -> None:
    tokens = torch.randint(0, 128, (2, 16), generator=torch.Generator().manual_seed(0))
    whole = network(LABELS, tokens[:, :12])
    cache = network.make_cache(2)
    found = network.prefill(LABELS, cache)
    groups = network.order.groups
    for number, group in enumerate(groups):
        if number:
            found = network.step(tokens[:, list(groups[number - 1])], number, cache)
        torch.testing.assert_close(found, whole[:, list(group)], rtol=0, atol=1e-5)


def test_a_further_group_changes_no_earlier_one(network: DetailFlowNetwork) -> None:
    tokens = torch.randint(0, 128, (2, 12), generator=torch.Generator().manual_seed(1))
    whole = network(LABELS, tokens)
    for count in (0, 1, 3, 4, 8):
        part = network(LABELS, tokens[:, :count])
        torch.testing.assert_close(part, whole[:, : part.shape[1]], rtol=0, atol=1e-5)


def test_the_special_tokens_count_from_the_first_group_of_several_on() -> None:
    network = filled(DetailFlowNetwork(SMALL))
    tokens = torch.randint(0, 128, (2, 12), generator=torch.Generator().manual_seed(1))
    before = network(LABELS, tokens)
    with torch.no_grad():
        network.spe_tok_embeddings.special_embeddings.weight.add_(1)
    changed = (network(LABELS, tokens) != before).any(-1).any(0)
    assert changed.tolist() == [False] * 4 + [True] * 12


@pytest.mark.parametrize("settings", [
    SamplerSettings(Filters(0.9, 40, 0.95), Constant(2.0)),
    SamplerSettings(Filters(top_k=30, precision="float32"), Constant(1.7), "torch-multinomial"),
])  # fmt: skip
def test_an_image_depends_on_its_condition_and_seed_alone(
    network: DetailFlowNetwork, settings: SamplerSettings
) -> None:
    labels, seeds = torch.tensor([3, 7, 3, 0]), torch.tensor([5, 6, 7, 5])
    none = torch.full_like(labels, 10)

    def drawn(rows: slice) -> torch.Tensor:
        return sample_groups(network, Prompted(labels[rows], none[rows]), settings, seeds[rows])[0]

    whole = drawn(slice(None))
    assert torch.equal(whole, torch.cat([drawn(slice(0, 1)), drawn(slice(1, 4))]))
    assert not torch.equal(whole[0], whole[2]) and not torch.equal(whole[0], whole[3])


@pytest.mark.parametrize(
    "name", sorted(name for name, card in load_generator_cards().items() if card.target == "detailflow-gpt")
)
def test_published_sizes_have_the_counts_of_their_cards(name: str) -> None:
    card = load_generator_cards()[name]
    geometry = DetailFlowGeometry(SIZES[card.args["size"]], tokens=card.args["tokens"])
    with torch.device("meta"):
        state = DetailFlowNetwork(geometry).state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == card.parameters
    assert len(state) == card.tensors
    assert len(geometry.order.groups) == {128: 23, 256: 39, 512: 71}[geometry.tokens]
    assert state["spe_tok_embeddings.special_embeddings.weight"].shape == (7, 1024)
    assert card.args["tokenizer"] == card.tokenizer


def test_a_published_file_is_read_strictly_and_its_averages_first(tmp_path: Path) -> None:
    geometry = DetailFlowGeometry(SIZES["tiny"], tokens=16, group=4)
    state = DetailFlowNetwork(geometry).state_dict()
    file = tmp_path / "16.pt"
    tokenizer = DetailFlowGpt.shrunken["tokenizer"]
    named = f"detailflow-gpt,size=tiny,tokens=16,group=4,checkpoint={file},tokenizer='{tokenizer}'"
    torch.save({"model": {key: part + 1 for key, part in state.items()}, "ema": state}, file)
    with pytest.warns(UserWarning, match="random weights"):
        generator = resolve_generator(named)
    assert torch.equal(generator._network.output.weight, state["output.weight"])
    del state["norm.weight"]
    torch.save({"ema": state}, file)
    with pytest.raises(AdapterError, match=r"norm\.weight"):
        resolve_generator(named)


def test_it_samples_codes_of_its_tokenizer() -> None:
    with pytest.warns(UserWarning, match="random weights"):
        tiny = DetailFlowGpt.random(**DetailFlowGpt.shrunken, cfg_scale=1.5)
    conditions, seeds = [Condition(label=3), Condition(label=999)], torch.tensor([1, 2])
    codes = tiny.sample_codes(conditions, seeds)
    assert codes.levels[0].shape == (2, 16) and tiny.sample(conditions, seeds).shape == (2, 3, 16, 16)
    assert tiny.info.sampler["order"] == "4 singly, then 4 at once" and tiny.info.native_size == 16


def test_tokens_that_are_no_whole_groups_are_refused() -> None:
    with pytest.raises(UsageError, match="tokens=130, group=8"):
        DetailFlowGpt.random(tokens=130)
