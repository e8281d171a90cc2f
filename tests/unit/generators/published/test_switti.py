"""Switti against codes that its own modules (yandex-research/switti, 3b286b5) drew with the same weights."""

from __future__ import annotations

import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from next_scale_cases import maps_of
from next_token_cases import cards_of
from safetensors.torch import save_file
from sorted_weights import digest, drawn
from transformers import ByT5Tokenizer, CLIPConfig, CLIPModel, CLIPTextConfig, CLIPTextModel

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.generators.protocols import LikelihoodGenerator
from vtbench.generators.published.next_scale.switti.adapter import Switti
from vtbench.generators.published.next_scale.switti.geometry import SIZES, SwittiGeometry
from vtbench.generators.published.next_scale.switti.network import SwittiNetwork
from vtbench.generators.published.next_scale.switti.positions import spread_table
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.accumulation import ResidualAccumulator
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.sampler import sample_scales
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.generators.text.clip import CLIP_BIG_G, CLIP_L, PooledText, clip_text_encoder
from vtbench.generators.text.encoded import PromptedText
from vtbench.generators.text.folder import locate_text_encoder
from vtbench.generators.text.rules import TextRule
from vtbench.tokenizers.published.var_vq.adapter import VarVQ

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SCHEDULE = ScaleSchedule.square((1, 2, 3, 4, 6, 9))
AUTHORS = Filters(1.0, 400, 0.95, precision="float32", boundary="reaches")
PROMPTS = [Condition(prompt="a cat"), Condition(prompt="a much longer prompt about a dog")]
SEEDS = torch.tensor([1, 2])


@pytest.fixture(scope="module")
def accumulator() -> ResidualAccumulator:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer = VarVQ.random(scales=(1, 2, 3, 4, 6, 9), channels=32, multipliers=(1, 1))
    drawn(tokenizer._network.quantize, 4)
    with torch.no_grad():
        tokenizer._network.quantize.embedding.weight.normal_(generator=torch.Generator().manual_seed(9))
    return ResidualAccumulator(SCHEDULE, tokenizer.contribution)


def small(causal: bool) -> SwittiNetwork:
    """Weights by the rule of the facts, with norms near 1, scales that are told apart, and a crop that counts."""
    geometry = SwittiGeometry(depth=3, width=128, heads=2, causal=causal, schedule=SCHEDULE)
    made: SwittiNetwork = drawn(SwittiNetwork(geometry), 3)
    with torch.no_grad():
        made.lvl_embed.weight.mul_(10)
        made.head.weight.mul_(2)
        made.crop_embed.weight.mul_(20)
        for name, parameter in made.named_parameters():
            if "norm" in name:
                parameter.add_(1)
    return made


def texts() -> PromptedText:
    """Of nine tokens, and of two for none."""
    generator = torch.Generator().manual_seed(5)
    features = torch.randn(2, 77, 2048, generator=generator)
    pooled, mask = torch.randn(2, 1280, generator=generator), torch.zeros(2, 77, dtype=torch.bool)
    mask[0, :9], mask[1, :2] = True, True
    halves = [PooledText(features[one, None], mask[one, None], pooled[one, None]) for one in (0, 1)]
    return PromptedText(*halves)


def sampled(
    network: SwittiNetwork, accumulator: ResidualAccumulator, prompted: Any, seeds: list[int], **changes: Any
) -> tuple[list[torch.Tensor], SamplingCost]:
    settings = ScaleSettings(SCHEDULE, (AUTHORS,), Ramp(6.0), draw="torch-multinomial")
    with torch.inference_mode():
        return sample_scales(network, prompted, accumulator, replace(settings, **changes), torch.tensor(seeds))


COLD = (*(AUTHORS,) * 4, *(replace(AUTHORS, temperature=0.8),) * 2)


@pytest.mark.parametrize(("causal", "wanted"), [(False, "74e5ba085de9"), (True, "c355664f1771")])
def test_codes_are_the_authors(accumulator: ResidualAccumulator, causal: bool, wanted: str) -> None:
    changes: dict[str, Any] = {"guided_scales": 4, "filters": COLD}
    codes, cost = sampled(small(causal), accumulator, texts(), [59], **changes)
    assert digest(codes) == wanted and torch.cat(codes, dim=1)[0, :3].tolist() == [598, 1460, 2374]
    assert (cost.forward_passes, cost.tokens, cost.tokens_computed) == (6, 147, 2 * 30 + 117)
    assert cost.kv_cache_bytes == (2 * 2 * 3 * 147 * 128 * 4 if causal else 0)


@pytest.mark.parametrize("causal", [False, True])
def test_scales_one_by_one_are_all_scales_in_one_pass(accumulator: ResidualAccumulator, causal: bool) -> None:
    network, text = small(causal), texts().conditional
    codes, _ = sampled(network, accumulator, texts(), [0])
    maps = maps_of(accumulator, codes)
    with torch.inference_mode():
        condition = network.conditioned(text)  # type: ignore[arg-type]
        whole = network.step(maps, 0, condition, None)
        cache = network.make_cache(1, SCHEDULE.tokens)
        parts = [network.step([seen], scale, condition, cache) for scale, seen in enumerate(maps)]
        alone = network.step(maps[5:], 5, condition, None)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-4)
    assert torch.allclose(alone, whole[:, -81:], rtol=0, atol=1e-4) != causal


def test_without_guidance_the_condition_draws_alone(accumulator: ResidualAccumulator) -> None:
    network, prompted = small(False), texts()
    plain, cost = sampled(network, accumulator, prompted, [3], guidance=Ramp(0.0))
    other = PromptedText(prompted.conditional, prompted.conditional)
    same, _ = sampled(network, accumulator, other, [3])
    none, _ = sampled(network, accumulator, prompted, [3], guided_scales=0)
    assert digest(plain) == digest(same) == digest(none) and cost.tokens_computed == 147
    guided, _ = sampled(network, accumulator, prompted, [3])
    early, _ = sampled(network, accumulator, prompted, [3], guided_scales=5)
    assert digest(plain) != digest(guided)
    assert digest(early[:5]) == digest(guided[:5]) and digest(early) != digest(guided), "off from the sixth scale on"


def test_places_are_spread_over_one_extent() -> None:
    geometry = SwittiGeometry(depth=1, width=32, heads=2, schedule=ScaleSchedule.square((1, 2, 5)))
    table = spread_table(geometry)
    assert torch.equal(table[0], torch.tensor([[1.0, 0.0]] * 8)), "a single token stands at 0"
    assert torch.equal(table[1], table[5]), "first places coincide"
    torch.testing.assert_close(table[4], table[-1], rtol=0, atol=1e-4, msg="last places coincide")
    angle = torch.tensor(3 * 32 * 10_000.0 ** (-4 / 16))  # row 2, column 3 of five: pair 1 turns by the column
    torch.testing.assert_close(table[5 + 2 * 5 + 3, 1], torch.stack([angle.cos(), angle.sin()]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("card", cards_of("switti"), ids=lambda card: card.name)
def test_published_files_have_the_tensors_of_the_network(card: GeneratorCard) -> None:
    schedule, causal = ScaleSchedule.square(card.args["scales"]), card.args["autoregressive"]
    with torch.device("meta"):
        network = SwittiNetwork(SwittiGeometry(**asdict(SIZES["d30"]), causal=causal, schedule=schedule))
        cache = network.make_cache(2, schedule.tokens)
    state = network.state_dict()
    assert sum(parameter.numel() for parameter in network.parameters()) == card.parameters
    assert len(state) == card.tensors and schedule.sizes[-1][0] * 16 == card.native_size
    shapes = {
        "blocks.29.attn.to_qkv.weight": (5760, 1920),
        "blocks.29.cross_attn.to_kv.weight": (3840, 2048),
        "blocks.0.attention_y_norm.weight": (2048,),
        "blocks.0.ffn.down_proj.weight": (1920, 5120),
        "blocks.0.crop_cond_scales": (1, 1920),
        "crop_embed.weight": (240,),
        "lvl_embed.weight": (len(schedule), 1920),
        "head_nm.ada_lin.1.weight": (3840, 1920),
        "text_pooler.weight": (1920, 1280),
    }
    assert {name: tuple(state[name].shape) for name in shapes} == shapes
    assert (cache is None) != causal


@pytest.fixture(scope="module")
def tiny() -> Switti:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Switti.random(**Switti.shrunken)


def test_an_image_stands_alone_and_is_its_codes(tiny: Switti) -> None:
    codes = tiny.sample_codes(PROMPTS, SEEDS)
    for row in (0, 1):
        alone = tiny.sample_codes(PROMPTS[row : row + 1], SEEDS[row : row + 1])
        assert all(torch.equal(one, all_[row : row + 1]) for one, all_ in zip(alone.levels, codes.levels, strict=True))
    assert torch.equal(tiny.sample(PROMPTS, SEEDS), tiny.images(codes, SEEDS))
    told = tiny.info.sampler
    assert (told["top_k"], told["top_p"], told["guided_scales"], told["image_rounding"]) == (400, 0.95, 10, "truncate")
    assert told["attention_across_scales"] == "none" and told["text_encoder_dtype"] == "bfloat16"
    assert {"text_encoder", "text_encoder_2"} <= set(told) and tiny.info.conditions == "prompt"
    assert any("text encoders have random weights" in note for note in tiny.notes)
    with pytest.raises(UsageError, match="needs a prompt"):
        tiny.sample_codes([Condition(label=3)], SEEDS[:1])


def test_a_negative_prompt_takes_the_place_of_none(tiny: Switti) -> None:
    other = Switti.random(**Switti.shrunken, negative_prompt="a cat", autoregressive=True, temperature=[1, 1, 1, 0.1])
    prompted = other._prompted(PROMPTS[:1])
    assert torch.equal(prompted.conditional.features, prompted.unconditional.features)
    assert int(tiny._prompted(PROMPTS[:1]).unconditional.mask.sum()) == 1, "the end of an empty text"
    told = other.info.sampler
    assert told["negative_prompt"] == "a cat" and told["temperature"] == [1.0, 1.0, 1.0, 0.1]
    assert told["attention_across_scales"] == "to those before"


def test_likelihood_is_that_of_the_samplers_unfiltered_codes(tiny: Switti) -> None:
    assert isinstance(tiny, LikelihoodGenerator)
    codes = tiny.sample_codes(PROMPTS, SEEDS)
    told = tiny.log_likelihood(PROMPTS, codes)
    levels = [level.flatten(1) for level in codes.levels]
    with torch.inference_mode():
        condition = tiny._network.conditioned(tiny._prompted(PROMPTS).conditional)
        maps = maps_of(tiny._accumulator(), levels)
        logits = torch.cat([tiny._network.step([seen], k, condition, None) for k, seen in enumerate(maps)], dim=1)
    wanted = logits.double().log_softmax(-1).gather(-1, torch.cat(levels, dim=1)[..., None])[..., 0]
    torch.testing.assert_close(told, wanted, rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One with both towers, as ViT-L/14 is published, and one of the text's alone; texts are cut into bytes."""
    root, made = tmp_path_factory.mktemp("clip"), []
    for name, width in (("large", 16), ("big", 32)):
        sizes = {"vocab_size": 384, "hidden_size": width, "intermediate_size": 24, "num_attention_heads": 2}
        text = {**sizes, "num_hidden_layers": 2, "eos_token_id": 1, "pad_token_id": 0}
        seen = {"hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 1, "num_hidden_layers": 1}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(width)
            vision = {**seen, "image_size": 8, "patch_size": 4}
            whole = CLIPModel(CLIPConfig(text_config=text, vision_config=vision)) if name == "large" else None
            (whole or CLIPTextModel(CLIPTextConfig(**text))).save_pretrained(root / name)
        ByT5Tokenizer().save_pretrained(root / name)
        made.append(root / name)
    return made


def test_features_are_those_of_the_library(folders: list[Path]) -> None:
    rule = TextRule(length=12)
    found = clip_text_encoder(locate_text_encoder(str(folders[0]), 16, "mine", kind=CLIP_L), rule)
    told = found.encode(["a cat", "a much longer prompt"])
    tokens = ByT5Tokenizer()(
        ["a cat", "a much longer prompt"], max_length=12, padding="max_length", truncation=True, return_tensors="pt"
    )
    with torch.inference_mode():
        own = CLIPTextModel.from_pretrained(folders[0]).eval()(**tokens)
    torch.testing.assert_close(told.features[told.mask], own.last_hidden_state[told.mask], rtol=0, atol=1e-5)
    torch.testing.assert_close(told.pooled, own.pooler_output, rtol=0, atol=1e-5)
    assert torch.equal(told.pooled[0], told.features[0, 5]), "at the end of the text"
    assert found.name.startswith("CLIP, 2 blocks of 16 channels, files ")


def test_another_encoder_is_refused(folders: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"features of 768 channels; those of .* have 16\n.*openai/clip-vit-large"):
        locate_text_encoder(str(folders[0]), 768, "mine", kind=CLIP_L)
    for name in ("VTBENCH_ASSETS", "HF_HUB_CACHE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    with pytest.raises(AssetMissingError) as caught:
        locate_text_encoder(CLIP_BIG_G.published, 1280, "mine", kind=CLIP_BIG_G)
    assert "mine,text_encoder_2=FOLDER" in str(caught.value.hint)


def test_published_files_are_read_strictly(folders: list[Path], tmp_path: Path) -> None:
    schedule, file = ScaleSchedule.square((1, 2, 3, 4)), tmp_path / "model.safetensors"
    whole = SwittiNetwork(SwittiGeometry(**asdict(SIZES["tiny"]), schedule=schedule)).state_dict()
    of_scales = {"lvl_1L": torch.zeros(1, 30), "attn_bias_for_masking": torch.zeros(1, 1, 30, 30)}
    save_file({**whole, **of_scales}, file)
    texts = {"text_encoder": str(folders[0]), "text_encoder_2": str(folders[1])}
    given: dict[str, Any] = {**Switti.shrunken, "checkpoint": str(file), **texts}
    generator = Switti(**given)
    assert all(torch.equal(tensor, whole[name]) for name, tensor in generator._network.state_dict().items())
    assert sum(weight.name == "model.safetensors" for weight in generator.info.weights) == 3
    assert generator.sample(PROMPTS[:1], SEEDS[:1]).shape == (1, 3, 8, 8)
    for damaged in (
        {name: tensor for name, tensor in whole.items() if name != "crop_proj.bias"},
        {**whole, "pos_1LC": torch.zeros(1)},
    ):
        save_file(damaged, file)
        with pytest.raises(AdapterError, match=r"crop_proj\.bias|pos_1LC"):
            Switti(**given)
