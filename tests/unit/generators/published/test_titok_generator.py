"""TiTok's generators against sequences that their own modules (bytedance/1d-tokenizer, 942a96f) made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from masked_cases import LABELS, check_an_image_stands_alone, check_greedy_without_noise_heeds_no_seed, refined
from next_token_cases import cards_of
from rule_weights import filled, sequences

from vtbench.checkpoints.cards import load_cards
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.masked.titok.adapter import _TINY, TiTokGenerator, schedule
from vtbench.generators.published.masked.titok.geometry import SIZES, TitokGeometry, Trunk
from vtbench.generators.published.masked.titok.networks import build
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.masked.settings import MaskedSettings

CARDS = {card.name: card for card in cards_of("titok-generator")}
FIRST_LOGITS = {"bert": [0.1745, -0.3235, -0.1027, -0.1761], "u-vit": [-0.3870, -1.1075, -0.2455, 0.8111]}
STILL = "47 93 93 105 93 47 93 93 98 47 105 105 93 105 98 93 | 105 93 61 97 97 97 105 52 97 109 27 93 97 105 97 97"


def settings(name: Any, scale: float, noise: float, steps: int, annealed: bool, draw: Any) -> MaskedSettings:
    guidance, formula = schedule(name, scale, 3.0)
    return MaskedSettings(steps, guidance, formula, "arccos", "annealed", "logit", noise, annealed, draw)


DRAWN: list[tuple[Trunk, int, int, MaskedSettings, str]] = [
    ("bert", 3, 0, settings("linear", 4.5, 9.5, 4, True, "torch-gumbel"),
     "105 67 80 67 67 48 50 75 49 67 67 104 21 67 81 67"),
    ("u-vit", 3, 0, settings("power-cosine", 6.9, 2.8, 8, True, "torch-gumbel"),
     "98 22 98 98 47 47 105 74 98 47 28 47 47 105 98 121"),
    ("u-vit", 7, 1, settings("constant", 3.0, 11.0, 8, False, "torch-gumbel"),
     "6 44 97 97 88 19 110 52 87 31 3 103 97 107 61 103"),
]  # fmt: skip


def small(trunk: Trunk) -> TitokGeometry:
    return TitokGeometry(trunk, depth=2, heads=4, width=64, hidden=128, tokens=16, vocabulary=128, classes=10)


@pytest.fixture(scope="module")
def networks() -> dict[str, Any]:
    trunks: tuple[Trunk, ...] = ("bert", "u-vit")
    return {trunk: filled(build(small(trunk))) for trunk in trunks}


@pytest.mark.parametrize("trunk", FIRST_LOGITS)
def test_the_first_logits_are_the_authors(networks: dict[str, Any], trunk: str) -> None:
    with torch.inference_mode():
        found = networks[trunk].predict(LABELS[:1], torch.full((1, 16), 128))[0, 0, :4]
    torch.testing.assert_close(found, torch.tensor(FIRST_LOGITS[trunk]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("draw", ["inverse-cdf", "torch-gumbel"])
def test_sequences_without_noise_are_the_authors(networks: dict[str, Any], draw: Any) -> None:
    still = settings("linear", 4.5, 0.0, 4, True, draw)
    assert refined(networks["u-vit"], still, LABELS, [0, 1]).tolist() == sequences(STILL)
    assert set(refined(networks["bert"], still, LABELS, [0, 1]).flatten().tolist()) == {67}


@pytest.mark.parametrize(("trunk", "label", "seed", "drawing", "wanted"), DRAWN)
def test_drawn_images_are_the_authors(
    networks: dict[str, Any], trunk: str, label: int, seed: int, drawing: MaskedSettings, wanted: str
) -> None:
    """``torch.manual_seed(seed)``, a batch of one."""
    assert refined(networks[trunk], drawing, torch.tensor([label]), [seed]).tolist() == sequences(wanted)


@pytest.mark.parametrize("trunk", FIRST_LOGITS)
@pytest.mark.parametrize("draw", ["inverse-cdf", "torch-gumbel"])
def test_an_image_depends_on_its_condition_and_seed_alone(networks: dict[str, Any], trunk: str, draw: Any) -> None:
    check_an_image_stands_alone(networks[trunk], settings("linear", 4.5, 9.5, 4, True, draw))
    check_greedy_without_noise_heeds_no_seed(networks[trunk], settings("power-cosine", 4.5, 9.5, 4, True, draw))


@pytest.mark.parametrize("name", CARDS)
def test_published_sizes_have_the_counts_of_their_cards(name: str) -> None:
    card = CARDS[name]
    geometry = SIZES[card.args["size"]]
    with torch.device("meta"):
        state = build(geometry).state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == card.parameters
    assert len(state) == card.tensors
    table = {"bert": "model.embeddings.word_embeddings.weight", "u-vit": "embeddings.weight"}[geometry.trunk]
    assert state[table].shape == (5098, geometry.width)
    (tokens,) = load_cards()[card.tokenizer].geometry.tokens  # type: ignore[union-attr]
    assert tokens == geometry.tokens


def test_names_are_the_published_ones() -> None:
    bert, u_vit = build(small("bert")).state_dict(), build(small("u-vit")).state_dict()
    assert {"model.lm_head.weight", "model.lm_head.bias", "model.embeddings.LayerNorm.weight"} <= set(bert)
    assert "model.encoder.layer.1.attention.output.LayerNorm.bias" in bert
    parts = {
        f"{part}.{kind}"
        for part in ("norm1", "norm2", "attn.proj", "mlp.fc1", "mlp.fc2")
        for kind in ("weight", "bias")
    }
    block = {*parts, "attn.qkv.weight"}
    out = {*block, "skip_linear.weight", "skip_linear.bias"}
    named = {f"in_blocks.0.{name}" for name in block} | {f"mid_block.{name}" for name in block}
    named |= {f"out_blocks.0.{name}" for name in out}
    ends = {"embeddings.weight", "pos_embed", "norm.weight", "norm.bias", "lm_head.weight", "lm_head.bias"}
    assert set(u_vit) == named | ends


@pytest.mark.parametrize("size", ["tiny-bert", "tiny-u-vit"])
def test_a_published_file_is_read_strictly(size: str, tmp_path: Path) -> None:
    state = build(SIZES[size]).state_dict()
    older = {"model.embeddings.position_ids": torch.arange(9)[None]} if size == "tiny-bert" else {}
    file = tmp_path / "generator.bin"
    torch.save({**state, **older}, file)
    named = f"titok-generator,size={size},checkpoint={file},tokenizer='{_TINY}'"
    with pytest.warns(UserWarning, match="random weights"):
        generator = resolve_generator(named)
    assert generator.info.parameters == sum(tensor.numel() for tensor in state.values())
    left_out = next(name for name in state if name.endswith("lm_head.bias"))
    del state[left_out]
    torch.save(state, file)
    with pytest.raises(AdapterError, match=r"lm_head\.bias"):
        resolve_generator(named)


@pytest.fixture(scope="module")
def tiny() -> TiTokGenerator:
    with pytest.warns(UserWarning, match="random weights"):
        return TiTokGenerator.random(**TiTokGenerator.shrunken, cfg_scale=3.0)


def test_it_samples_codes_of_its_tokenizer(tiny: TiTokGenerator) -> None:
    codes = tiny.sample_codes([Condition(label=3), Condition(label=999)], torch.tensor([1, 2]))
    assert codes.levels[0].shape == (2, 8) and codes.image_size == (64, 64)
    images = tiny.sample([Condition(label=3), Condition(label=999)], torch.tensor([1, 2]))
    assert images.shape == (2, 3, 64, 64)
    assert torch.equal((images * 255).round(), (tiny.tokenizer.decode(codes).clamp(0, 1) * 255).floor())
    cost = tiny.sampling_cost()
    assert cost is not None and (cost.forward_passes, cost.tokens) == (8, 16)
    assert tiny.info.family == "masked" and tiny.info.sampler["steps"] == 8 and tiny.info.untrained


def test_a_prompt_is_refused(tiny: TiTokGenerator) -> None:
    with pytest.raises(UsageError, match="needs a class label"):
        tiny.sample([Condition(prompt="a cat")], torch.tensor([0]))


@pytest.mark.filterwarnings("ignore:.*random weights")
@pytest.mark.parametrize(("tokenizer", "told"), [
    (_TINY.replace("tokens=8", "tokens=16"), "draws 8 tokens an image; the tokenizer titok-random takes 16"),
    (_TINY.replace("codebook_size=32", "codebook_size=64"), "a codebook of 64"),
    ("janus-vq,codebook_size=32,random_weights_seed=0", "takes no line of tokens"),
])  # fmt: skip
def test_a_tokenizer_that_is_not_its_own_is_refused(tokenizer: str, told: str) -> None:
    with pytest.raises(AdapterError, match=told):
        TiTokGenerator.random(size="tiny-bert", tokenizer=tokenizer)


def test_a_schedule_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="must be constant, linear or power-cosine"):
        schedule("cosine", 1.0, 1.0)  # type: ignore[arg-type]
