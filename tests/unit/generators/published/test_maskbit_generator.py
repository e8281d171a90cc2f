"""MaskBit's generators against sequences that their own modules (markweberdev/maskbit, 5ea3d73) made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from masked_cases import LABELS, check_an_image_stands_alone, check_greedy_without_noise_heeds_no_seed, refined
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import load_generator_cards
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.masked.maskbit.adapter import MaskBitGenerator, schedule
from vtbench.generators.published.masked.maskbit.network import LfqBert, MaskbitGeometry, bits_of
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.guidance import FROM_CONDITIONAL, RisingCosine
from vtbench.generators.sampling.masked.settings import MaskedSettings

CARDS = {name: card for name, card in load_generator_cards().items() if card.target == "maskbit-generator"}
SMALL = MaskbitGeometry(bits=6, depth=2, heads=4, width=64, hidden=128, tokens=16, classes=10)
COSINE = RisingCosine(7.1, 3.0)
GREEDY = MaskedSettings(4, COSINE, FROM_CONDITIONAL, tokens="greedy")
STILL = "9 9 9 9 14 9 9 14 9 9 9 9 9 9 9 9 | 9 9 9 9 9 9 9 14 9 9 9 9 9 9 9 9"
DRAWN = {
    (3, 0, "arccos"): "26 22 36 12 27 13 9 27 35 38 1 2 14 36 19 60",
    (7, 5, "cosine"): "14 6 6 9 31 45 1 25 62 6 2 11 62 34 5 33",
}


def drawing(schedule: Any, draw: Any) -> MaskedSettings:
    return MaskedSettings(8, COSINE, FROM_CONDITIONAL, schedule, randomize_temperature=7.8, draw=draw)


@pytest.fixture(scope="module")
def network() -> LfqBert:
    made: LfqBert = filled(LfqBert(SMALL), others=("bits_to_indices",))
    return made


def tokens(parts: torch.Tensor) -> list[list[int]]:
    """Halves of three bits each, the lower first, to whole tokens."""
    low, high = parts.unflatten(1, (-1, 2)).unbind(-1)
    return (low + 8 * high).tolist()


def test_the_first_logits_are_the_authors(network: LfqBert) -> None:
    with torch.inference_mode():
        found = network.predict(LABELS[:1], torch.full((1, 32), 8))[0, 0, :4]
    torch.testing.assert_close(found, torch.tensor([-0.134156, 0.209956, -0.011721, -0.003373]), rtol=0, atol=1e-5)


def test_greedy_sequences_without_noise_are_the_authors(network: LfqBert) -> None:
    assert tokens(refined(network, GREEDY, LABELS, [0, 1])) == sequences(STILL)


@pytest.mark.parametrize(("label", "seed", "mask_schedule"), DRAWN)
def test_drawn_images_are_the_authors(network: LfqBert, label: int, seed: int, mask_schedule: str) -> None:
    """``torch.manual_seed(seed)``, a batch of one on a CPU."""
    parts = refined(network, drawing(mask_schedule, "torch-multinomial"), torch.tensor([label]), [seed])
    assert tokens(parts) == sequences(DRAWN[label, seed, mask_schedule])


@pytest.mark.parametrize("draw", ["inverse-cdf", "torch-multinomial"])
def test_an_image_depends_on_its_condition_and_seed_alone(network: LfqBert, draw: Any) -> None:
    check_an_image_stands_alone(network, drawing("arccos", draw))
    check_greedy_without_noise_heeds_no_seed(network, drawing("cosine", draw))


def test_a_masked_half_enters_as_zeros_whatever_stands_in_the_other(network: LfqBert) -> None:
    parts = torch.tensor([[5, 8] + [8] * 30])
    found = network._signs(parts)[0]
    assert found[0].tolist() == [1, -1, 1, 0, 0, 0] and not found[1:].any()


@pytest.mark.parametrize("name", CARDS)
def test_published_sizes_have_the_counts_of_their_cards(name: str) -> None:
    card = CARDS[name]
    with torch.device("meta"):
        state = LfqBert(MaskbitGeometry(card.args["bits"])).state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == card.parameters
    assert len(state) == card.tensors
    assert card.tokenizer == f"maskbit-{card.args['bits']}bit"


def test_names_are_the_published_ones() -> None:
    state = LfqBert(MaskbitGeometry(bits=6, depth=1, heads=4, width=64, hidden=128, tokens=16)).state_dict()
    both = ("weight", "bias")
    attention = {"mha.in_proj_weight", "mha.in_proj_bias", *(f"mha.out_proj.{kind}" for kind in both)}
    attention |= {f"norm.{kind}" for kind in both}
    feed_forward = {f"{part}.{kind}" for part in ("net.0", "net.2", "norm") for kind in both}
    blocks = {f"transformer.layers.0.0.{name}" for name in attention}
    blocks |= {f"transformer.layers.0.1.{name}" for name in feed_forward}
    ends = {f"{part}.{kind}" for part in ("first_layer.0", "last_layer.0", "last_layer.2") for kind in both}
    ends |= {f"{part}.{kind}" for part in ("input_proj", "prediction_layer") for kind in both}
    assert set(state) == blocks | ends | {"class_emb.weight", "pos_emb"}


@pytest.mark.parametrize("older", [False, True])
def test_a_published_file_is_read_strictly(older: bool, tmp_path: Path) -> None:
    tiny = MaskBitGenerator.shrunken
    state = LfqBert(MaskbitGeometry(6, depth=2, heads=4, width=64, hidden=128, tokens=16)).state_dict()
    kept = dict(state)
    if older:
        state = {name.replace("input_proj", "token_emb"): tensor for name, tensor in state.items()}
    state["bits_to_indices"] = torch.tensor([1, 2, 4], dtype=torch.int32)
    file = tmp_path / "maskbit_generator.bin"
    torch.save(state, file)
    named = f"maskbit-generator,bits=6,size=tiny,checkpoint={file},tokenizer='{tiny['tokenizer']}'"
    with pytest.warns(UserWarning, match="random weights"):
        generator = resolve_generator(named)
    assert torch.equal(generator._network.input_proj.weight, kept["input_proj.weight"])
    assert generator.info.parameters == sum(tensor.numel() for tensor in kept.values())
    del state["pos_emb"]
    torch.save(state, file)
    with pytest.raises(AdapterError, match="pos_emb"):
        resolve_generator(named)


@pytest.fixture(scope="module")
def tiny() -> MaskBitGenerator:
    with pytest.warns(UserWarning, match="random weights"):
        return MaskBitGenerator.random(**MaskBitGenerator.shrunken)


def test_it_samples_bits_of_its_tokenizer(tiny: MaskBitGenerator) -> None:
    conditions, seeds = [Condition(label=3), Condition(label=999)], torch.tensor([1, 2])
    codes = tiny.sample_codes(conditions, seeds)
    assert codes.bits[0].shape == (2, 4, 4, 6) and codes.bits[0].dtype == torch.bool and codes.image_size == (8, 8)
    images = tiny.sample(conditions, seeds)
    assert torch.equal((images * 255).round(), (tiny.tokenizer.decode(codes).clamp(0, 1) * 255).floor())
    cost = tiny.sampling_cost()
    assert cost is not None and (cost.forward_passes, cost.tokens) == (8, 2 * 32)


def test_bits_of_a_token_are_its_halves_the_lowest_first() -> None:
    assert bits_of(torch.tensor([[6, 1]]), 3).int().tolist() == [[[0, 1, 1], [1, 0, 0]]]


@pytest.mark.filterwarnings("ignore:.*random weights")
def test_a_tokenizer_that_is_not_its_own_is_refused() -> None:
    other = MaskBitGenerator.shrunken["tokenizer"].replace("bits=6", "bits=8")
    with pytest.raises(AdapterError, match="draws tokens of 64 entries"):
        MaskBitGenerator.random(bits=6, size="tiny", tokenizer=other)


def test_settings_out_of_range_are_refused(tiny: MaskBitGenerator) -> None:
    with pytest.raises(UsageError, match="bits=7: must be even"):
        MaskBitGenerator.random(bits=7)
    with pytest.raises(UsageError, match="must be constant, linear or cosine"):
        schedule("none", 1.0, 1.0)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="has no class 1000"):
        tiny.sample([Condition(label=1000)], torch.tensor([0]))
