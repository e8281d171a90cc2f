"""RAR against sequences that its own modules (bytedance/1d-tokenizer, 942a96f) made with the same weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import load_generator_cards
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.next_token.rar.adapter import Rar
from vtbench.generators.published.next_token.rar.network import SIZES, RarGeometry, RarNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant, PowerCosine, Schedule
from vtbench.generators.sampling.next_token import Prompted, sample_tokens
from vtbench.generators.sampling.settings import SamplerSettings

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SMALL = RarGeometry(depth=2, width=64, hidden=128, heads=4, vocabulary=128, tokens=16, classes=10)
LABELS = torch.tensor([3, 7])
NONE = torch.tensor([10, 10])
GREEDY = {
    4.0: "15 45 127 94 118 85 83 65 83 59 49 59 2 90 104 2 | 61 124 104 78 1 85 51 109 76 63 117 63 117 30 117 30",
    1.0: "15 45 127 94 118 85 83 65 83 59 14 111 124 37 1 29 | 61 124 104 78 1 85 51 109 76 126 34 63 63 117 91 63",
}


@pytest.fixture(scope="module")
def network() -> RarNetwork:
    made: RarNetwork = filled(RarNetwork(SMALL))
    return made


def greedy(network: Any, guidance: Schedule) -> list[list[int]]:
    settings = SamplerSettings(Filters(greedy=True), guidance)
    tokens, _ = sample_tokens(network, Prompted(LABELS, NONE), settings, torch.arange(2))
    return tokens.tolist()


@pytest.mark.parametrize("scale", GREEDY)
def test_greedy_sequences_are_the_authors(network: RarNetwork, scale: float) -> None:
    first = network(LABELS[:1], torch.zeros(1, 0, dtype=torch.int64))[0, 0, :4]
    torch.testing.assert_close(first, torch.tensor([-0.655238, 0.405407, 0.216846, -0.365821]), rtol=0, atol=1e-4)
    assert greedy(network, PowerCosine(scale, 2.75)) == sequences(GREEDY[scale])


def test_a_drawn_image_is_the_authors(network: RarNetwork) -> None:
    """``torch.manual_seed(0)``, batch of one, guidance 4; their sampler draws a number a label before all tokens."""
    for before, equal in ((1, True), (0, False)):
        settings = SamplerSettings(Filters(precision="float32"), PowerCosine(4.0, 2.75), "torch-multinomial", before)
        tokens, _ = sample_tokens(network, Prompted(LABELS[:1], NONE[:1]), settings, torch.tensor([0]))
        assert (tokens.tolist() == sequences("120 98 35 76 87 30 101 63 7 48 77 112 58 54 3 107")) is equal


def test_the_schedule_is_the_authors() -> None:
    found = [PowerCosine(16.0, 2.75).strength(token, 256) for token in (0, 64, 128, 192, 255)]
    assert found == pytest.approx([1, 1.0181, 1.8031, 7.4044, 15.9958], abs=5e-5)


def test_degenerate_settings_are_what_they_degenerate_to(network: RarNetwork) -> None:
    assert greedy(network, PowerCosine(4.0, 0.0)) == greedy(network, Constant(4.0))
    assert greedy(network, Constant(1.0)) == greedy(network, PowerCosine(1.0, 2.75))


def test_cached_logits_equal_those_of_one_pass(network: RarNetwork) -> None:
    tokens = torch.randint(0, 128, (2, 15), generator=torch.Generator().manual_seed(0))
    whole = network(LABELS, tokens)
    for group in (1, 4):
        cache = network.make_cache(2)
        parts = [network.prefill(LABELS, cache)[:, None]]
        parts += [network.step(part, cache) for part in tokens.split(group, dim=1)]
        torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-5)


def test_without_modulation_a_block_is_the_identity(network: RarNetwork) -> None:
    block = filled(RarNetwork(SMALL)).blocks[0]
    torch.nn.init.zeros_(block.adaLN_modulation[1].weight)
    torch.nn.init.zeros_(block.adaLN_modulation[1].bias)
    x, condition = torch.randn(2, 2, 5, 64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(block(x, condition, None, None, 0), x)


@pytest.mark.parametrize("settings", [
    SamplerSettings(Filters(1.02), PowerCosine(6.9, 1.5)),
    SamplerSettings(Filters(0.9, 40, 0.95, precision="float32"), PowerCosine(3.0, 2.0), "torch-multinomial", 1),
])  # fmt: skip
def test_an_image_depends_on_its_condition_and_seed_alone(network: RarNetwork, settings: SamplerSettings) -> None:
    labels, seeds = torch.tensor([3, 7, 3, 0]), torch.tensor([5, 6, 7, 5])
    none = torch.full_like(labels, 10)

    def drawn(rows: slice) -> torch.Tensor:
        return sample_tokens(network, Prompted(labels[rows], none[rows]), settings, seeds[rows])[0]

    whole = drawn(slice(None))
    assert torch.equal(whole, torch.cat([drawn(slice(0, 1)), drawn(slice(1, 4))]))
    assert not torch.equal(whole[0], whole[2]) and not torch.equal(whole[0], whole[3])


def test_a_cache_that_is_halved_keeps_the_classes(network: RarNetwork) -> None:
    cache = network.make_cache(4)
    network.prefill(torch.cat([LABELS, NONE]), cache)
    cache.halved()
    tokens = torch.tensor([[5], [6]])
    torch.testing.assert_close(network.step(tokens, cache), network(LABELS, tokens)[:, 1:], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", sorted(name for name, card in load_generator_cards().items() if card.target == "rar"))
def test_published_sizes_have_the_counts_of_their_cards(name: str) -> None:
    card = load_generator_cards()[name]
    with torch.device("meta"):
        geometry = replace(SIZES[card.args["size"]], vocabulary=card.args.get("codebook_size", 1024))
        state = RarNetwork(geometry).state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == card.parameters
    assert len(state) == card.tensors
    assert (state["pos_embed"].shape[1], state["timesteps_embeddings"].shape[1]) == (1280, 356)
    assert state["embeddings.weight"].shape[0] == geometry.vocabulary + 1002
    block = {key.split(".", 2)[2] for key in state if key.startswith("blocks.0.")}
    layers = ("norm1", "norm2", "attn.qkv", "attn.q_norm", "attn.k_norm", "attn.proj", "mlp.fc1", "mlp.fc2")
    assert block == {f"{part}.{kind}" for part in (*layers, "adaLN_modulation.1") for kind in ("weight", "bias")}
    last = ("adaln_before_head.adaLN_modulation.1", "lm_head")
    assert {key for key in state if not key.startswith("blocks.")} == {
        *("cls_token", "pos_embed", "target_aware_pos_embed", "timesteps_embeddings", "embeddings.weight"),
        *(f"{part}.{kind}" for part in last for kind in ("weight", "bias")),
    }


def test_a_published_file_is_read_strictly(tmp_path: Path) -> None:
    state = RarNetwork(SIZES["tiny"]).state_dict()
    file = tmp_path / "rar_tiny.bin"
    named = f"rar,size=tiny,checkpoint={file},tokenizer='maskgit-vq,random_weights_seed=0'"
    torch.save(state, file)
    with pytest.warns(UserWarning, match="random weights"):
        generator = resolve_generator(named)
    assert torch.equal(generator._network.pos_embed, state["pos_embed"])
    del state["timesteps_embeddings"]
    torch.save(state, file)
    with pytest.raises(AdapterError, match="timesteps_embeddings"):
        resolve_generator(named)


@pytest.fixture(scope="module")
def tiny() -> Rar:
    with pytest.warns(UserWarning, match="random weights"):
        return Rar.random(**Rar.shrunken, cfg_scale=4.0, cfg_power=2.0)


def test_it_samples_codes_and_its_images_are_cut_to_bytes(tiny: Rar) -> None:
    conditions, seeds = [Condition(label=3), Condition(label=999)], torch.tensor([1, 2])
    codes = tiny.sample_codes(conditions, seeds)
    assert codes.levels[0].shape == (2, 4, 4) and codes.image_size == (64, 64)
    images = tiny.sample(conditions, seeds)
    decoded = tiny.tokenizer.decode(codes)
    assert torch.equal((images * 255).round(), (decoded.clamp(0, 1) * 255).floor())
    sampler = tiny.info.sampler
    assert (sampler["cfg_schedule"], sampler["cfg_scale"], sampler["cfg_power"]) == ("power-cosine", 4.0, 2.0)
    assert sampler["image_rounding"] == "truncate"
    cost = tiny.sampling_cost()
    assert cost is not None and (cost.forward_passes, cost.tokens) == (16, 32)


def test_no_guidance_is_written_as_0_or_1(tiny: Rar) -> None:
    with pytest.warns(UserWarning, match="random weights"):
        none = Rar.random(**Rar.shrunken, cfg_scale=0.0, cfg_power=2.0)
    assert none.info.sampler["cfg_scale"] == 1.0
    assert none.sampling_cost() is None


def test_what_it_does_not_take_is_refused(tiny: Rar) -> None:
    with pytest.raises(UsageError, match="has no class 1000"):
        tiny.sample([Condition(label=1000)], torch.tensor([0]))
    with pytest.warns(UserWarning, match="random"), pytest.raises(AdapterError, match=r"1024 entries.*codebook of 64"):
        Rar.random(size="tiny", tokenizer="maskgit-vq,codebook_size=64,random_weights_seed=0")


def test_over_another_codebook_its_images_are_as_large_as_that_tokenizers() -> None:
    tokenizer = "xqgan,encoder=nano,decoder=nano,scales=[4],quantiser=one-map,codebook_size=32,codebook_dim=6"
    with pytest.warns(UserWarning, match="random weights"):
        other = Rar.random(
            size="tiny", codebook_size=32, rounding="round", tokenizer=f"{tokenizer},random_weights_seed=0"
        )
    conditions, seeds = [Condition(label=3)], torch.tensor([1])
    codes = other.sample_codes(conditions, seeds)
    assert codes.grids == ((4, 4),) and int(codes.levels[0].max()) < 32
    side = other.tokenizer.info.native_size
    assert other.info.native_size == side and other.info.sampler["image_rounding"] == "round"
    assert torch.equal(other.sample(conditions, seeds), other.tokenizer.decode(codes))
