"""LlamaGen against sequences that its own modules (FoundationVision/LlamaGen, ce98ec4) made with the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from next_token_cases import cards_of
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import load_generator_cards
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.generators.published.next_token.llamagen.adapter import LlamaGen, schedule
from vtbench.generators.published.next_token.llamagen.network import SIZES, LlamaGenGeometry, LlamaGenNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant, Interval, PowerCosine, Schedule
from vtbench.generators.sampling.next_token import Prompted, sample_tokens
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.networks.decoder_transformer import DecoderGeometry

SMALL = LlamaGenGeometry(DecoderGeometry(depth=2, heads=4, width=64, hidden=192), vocabulary=128, grid=4, classes=10)
TOKENIZER = LlamaGen.shrunken["tokenizer"]
LABELS = torch.tensor([3, 7])
NONE = torch.tensor([10, 10])
GREEDY = {
    "no guidance": (Constant(1.0), "1 1 111 1 52 52 52 69 64 51 115 69 64 51 115 51 | "
                    "59 127 127 127 127 127 127 127 127 18 27 127 127 121 96 121"),
    "s 2": (Constant(2.0), "1 1 91 52 96 96 96 64 85 64 85 25 41 11 11 64 | "
            "127 19 19 27 73 3 66 121 107 22 103 22 17 22 17 73"),
    "s 2, interval 3": (Interval(2.0, 3), "1 1 91 52 96 52 46 51 51 51 51 51 51 51 51 6 | "
                        "127 19 19 27 73 124 73 22 103 22 73 22 47 46 73 53"),
}  # fmt: skip


@pytest.fixture(scope="module")
def network() -> LlamaGenNetwork:
    made: LlamaGenNetwork = filled(LlamaGenNetwork(SMALL))
    return made


def greedy(network: Any, guidance: Schedule) -> list[list[int]]:
    settings = SamplerSettings(Filters(greedy=True), guidance)
    tokens, _ = sample_tokens(network, Prompted(LABELS, NONE), settings, torch.arange(2))
    return tokens.tolist()


@pytest.mark.parametrize("case", GREEDY)
def test_greedy_sequences_are_the_authors(network: LlamaGenNetwork, case: str) -> None:
    guidance, wanted = GREEDY[case]
    first = network(LABELS[:1], torch.zeros(1, 0, dtype=torch.int64))[0, 0, :4]
    torch.testing.assert_close(first, torch.tensor([0.156189, 2.729199, -0.880200, 0.133060]), rtol=0, atol=1e-4)
    assert greedy(network, guidance) == sequences(wanted)


def test_a_drawn_image_is_the_authors(network: LlamaGenNetwork) -> None:
    """``torch.manual_seed(0)``, batch of one, guidance 2, top-k 20, ``torch.multinomial``."""
    settings = SamplerSettings(Filters(top_k=20, precision="float32"), Constant(2.0), "torch-multinomial")
    tokens, _ = sample_tokens(network, Prompted(LABELS[:1], NONE[:1]), settings, torch.tensor([0]))
    assert tokens.tolist() == sequences("115 0 70 122 75 7 81 38 19 88 115 70 108 20 41 83")


def test_cached_logits_equal_those_of_one_pass(network: LlamaGenNetwork) -> None:
    tokens = torch.randint(0, 128, (2, 15), generator=torch.Generator().manual_seed(0))
    whole = network(LABELS, tokens)
    for group in (1, 4):
        cache = network.make_cache(2)
        parts = [network.prefill(LABELS, cache)[:, None]]
        parts += [network.step(part, cache) for part in tokens.split(group, dim=1)]
        torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-5)
    cache.truncate(5)
    torch.testing.assert_close(network.step(tokens[:, 4:5], cache)[:, -1], whole[:, 5], rtol=0, atol=1e-5)


def test_the_condition_stands_in_front_with_a_vector_of_zeros(network: LlamaGenNetwork) -> None:
    """Scaling what makes the condition's query and key changes nothing at the condition's own position."""
    before = network(LABELS, torch.zeros(2, 0, dtype=torch.int64))
    weight = network.layers[0].attention.wqkv.weight
    kept = weight.detach().clone()
    with torch.no_grad():
        weight[:128] *= 3
    after = network(LABELS, torch.zeros(2, 0, dtype=torch.int64))
    with torch.no_grad():
        weight.copy_(kept)
    assert torch.equal(before, after)


@pytest.mark.parametrize("settings", [
    SamplerSettings(),
    SamplerSettings(Filters(0.9, 40, 0.95), Constant(2.0)),
    SamplerSettings(Filters(top_k=30, precision="float32"), Interval(1.7, 5), "torch-multinomial"),
])  # fmt: skip
def test_an_image_depends_on_its_condition_and_seed_alone(network: LlamaGenNetwork, settings: SamplerSettings) -> None:
    labels, seeds = torch.tensor([3, 7, 3, 0]), torch.tensor([5, 6, 7, 5])
    none = torch.full_like(labels, 10)

    def drawn(rows: slice) -> torch.Tensor:
        return sample_tokens(network, Prompted(labels[rows], none[rows]), settings, seeds[rows])[0]

    whole = drawn(slice(None))
    assert torch.equal(whole, torch.cat([drawn(slice(0, 1)), drawn(slice(1, 4))]))
    assert not torch.equal(whole[0], whole[2]) and not torch.equal(whole[0], whole[3])


def test_degenerate_settings_are_what_they_degenerate_to(network: LlamaGenNetwork) -> None:
    plain = greedy(network, Constant(1.0))
    assert greedy(network, Interval(2.0, 99)) == greedy(network, Constant(2.0))
    assert greedy(network, PowerCosine(2.0, 0.0)) == greedy(network, Constant(2.0))
    for filters in (Filters(top_k=1), Filters(temperature=1e-5)):
        tokens, cost = sample_tokens(network, Prompted(LABELS, NONE), SamplerSettings(filters), torch.tensor([9, 10]))
        assert tokens.tolist() == plain
    assert (cost.forward_passes, cost.tokens) == (16, 32)
    assert cost.kv_cache_bytes == 2 * 2 * 2 * 16 * 64 * 4  # layers, keys and values, batch, positions, width, float32


@pytest.mark.parametrize("name", [card.name for card in cards_of("llamagen")])
def test_published_sizes_have_the_counts_of_their_cards(name: str) -> None:
    card = load_generator_cards()[name]
    with torch.device("meta"):
        network = LlamaGenNetwork(LlamaGenGeometry(SIZES[card.args["size"]], grid=card.args["grid"]))
    state = network.state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == card.parameters
    assert len(state) == card.tensors
    block = {key.split(".", 2)[2] for key in state if key.startswith("layers.0.")}
    attention, feed_forward = (
        ("attention.wqkv", "attention.wo"),
        ("feed_forward.w1", "feed_forward.w2", "feed_forward.w3"),
    )
    assert block == {f"{part}.weight" for part in (*attention, *feed_forward, "attention_norm", "ffn_norm")}
    others = {key for key in state if not key.startswith("layers.")}
    assert others == {"tok_embeddings.weight", "norm.weight", "output.weight", "cls_embedding.embedding_table.weight"}


@pytest.mark.parametrize("nesting", ["model", "module", "state_dict", None])
def test_every_published_nesting_is_read_strictly(nesting: str | None, tmp_path: Path) -> None:
    state = LlamaGenNetwork(LlamaGenGeometry(SIZES["tiny"], grid=4)).state_dict() | {"freqs_cis": torch.zeros(17, 8, 2)}
    file = tmp_path / "c2i_tiny.pt"
    torch.save({nesting: state, "steps": 1} if nesting else state, file)
    named = f"llamagen,size=tiny,grid=4,checkpoint={file},tokenizer='{TOKENIZER}'"
    with pytest.warns(UserWarning, match="random weights"):
        generator = resolve_generator(named)
    assert torch.equal(generator._network.output.weight, state["output.weight"])
    assert generator.info.parameters == sum(t.numel() for n, t in state.items() if n != "freqs_cis")
    del state["norm.weight"]
    torch.save({nesting: state} if nesting else state, file)
    with pytest.raises(AdapterError, match=r"norm\.weight"):
        resolve_generator(named)


@pytest.fixture(scope="module")
def tiny() -> LlamaGen:
    with pytest.warns(UserWarning, match="random weights"):
        return LlamaGen.random(**LlamaGen.shrunken, cfg_scale=1.5)


def test_it_samples_codes_of_its_tokenizer(tiny: LlamaGen) -> None:
    conditions, seeds = [Condition(label=3), Condition(label=999)], torch.tensor([1, 2])
    codes = tiny.sample_codes(conditions, seeds)
    assert codes.levels[0].shape == (2, 4, 4) and codes.image_size == (64, 64)
    images = tiny.sample(conditions, seeds)
    assert images.shape == (2, 3, 64, 64) and torch.equal(images, tiny.images(codes, seeds))
    assert tiny.info.sampler["cfg_schedule"] == "constant" and tiny.info.sampler["cfg_scale"] == 1.5
    assert tiny.info.untrained and tiny.info.name == "llamagen-random"


@pytest.mark.parametrize(("condition", "told"), [
    (Condition(prompt="a cat"), "needs a class label"),
    (Condition(label=1000), "has no class 1000"),
    (Condition(label=-1), "has no class -1"),
])  # fmt: skip
def test_a_condition_that_it_does_not_take_is_refused(tiny: LlamaGen, condition: Condition, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        tiny.sample([condition], torch.tensor([0]))


def test_a_tokenizer_that_is_not_its_own_is_refused() -> None:
    with pytest.warns(UserWarning, match="random"), pytest.raises(AdapterError, match="codebook of 64"):
        LlamaGen.random(size="tiny", grid=4, tokenizer=f"{TOKENIZER},codebook_size=64")


def test_a_checkpoint_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssetMissingError, match=r"c2i\.pt does not exist"):
        LlamaGen(checkpoint=str(tmp_path / "c2i.pt"))


def test_two_schedules_at_once_are_refused() -> None:
    with pytest.raises(UsageError, match="exclude"):
        schedule(2.0, 3, 1.0)
