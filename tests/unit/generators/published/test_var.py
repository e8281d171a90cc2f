"""VAR against codes that its own modules (FoundationVision/VAR, 78b9539) made with the same weights."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from next_scale_cases import (
    AUTHORS,
    cached_against_one_pass,
    check_the_likeliest_heeds_no_seed,
    sampled,
)
from next_token_cases import cards_of
from sorted_weights import digest, drawn

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.protocols import LikelihoodGenerator
from vtbench.generators.published.next_scale.var.adapter import Var
from vtbench.generators.published.next_scale.var.network import SIDES_256, SIZES, VarGeometry, VarNetwork
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.accumulation import ResidualAccumulator
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.tokenizers.published.var_vq.adapter import VarVQ

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SCHEDULE = ScaleSchedule.square(SIDES_256)
FIRST = [907, 697, 3935, 1390, 2316, 1547, 1214, 821, 3775, 119, 951, 2682, 3884, 832]
CONDITIONS, SEEDS = [Condition(label=3), Condition(label=999)], torch.tensor([1, 2])
BLOCK = {
    *(f"attn.{name}" for name in ("scale_mul_1H11", "q_bias", "v_bias", "zero_k_bias", "mat_qkv.weight")),
    *(f"{layer}.{part}" for layer in ("attn.proj", "ffn.fc1", "ffn.fc2") for part in ("weight", "bias")),
}


@pytest.fixture(scope="module")
def tokenizer() -> VarVQ:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = VarVQ.random(channels=32)
    drawn(made._network, 1)
    with torch.no_grad():
        made._network.quantize.embedding.weight.normal_(generator=torch.Generator().manual_seed(9))
    return made


@pytest.fixture(scope="module")
def accumulator(tokenizer: VarVQ) -> ResidualAccumulator:
    return ResidualAccumulator(SCHEDULE, tokenizer.contribution)


@pytest.fixture(scope="module")
def network() -> VarNetwork:
    made: VarNetwork = drawn(VarNetwork(VarGeometry(depth=2, width=128, heads=2)), 2)
    return made


def test_a_batch_has_the_codes_and_images_of_the_authors_single_runs(
    network: VarNetwork, tokenizer: VarVQ, accumulator: ResidualAccumulator
) -> None:
    settings = ScaleSettings(SCHEDULE, (AUTHORS,), Ramp(1.5), draw="torch-multinomial")
    codes, cost = sampled(network, accumulator, settings, [3, 7], [0, 1])
    assert [digest([part[image] for part in codes]) for image in range(2)] == ["f25892c47d12", "3372a1c5c0bf"]
    whole = torch.cat(codes, dim=1)
    assert whole[0, :14].tolist() == FIRST and whole.sum(dim=1).tolist() == [1_419_165, 1_386_828]
    assert (cost.forward_passes, cost.tokens, cost.tokens_computed) == (10, 2 * 680, 4 * 680)
    assert cost.kv_cache_bytes == 4 * 2 * 680 * 128 * (4 + 4)  # rows, depth, L, C, bytes of a key and of a value
    first = [part[:1] for part in codes]
    levels = tuple(part.unflatten(1, size) for part, size in zip(first, SCHEDULE.sizes, strict=True))
    image = tokenizer.decode(Codes(levels=levels))
    assert abs(image.mean().item() - 0.51842) < 2e-5 and abs(image.std().item() - 0.01868) < 2e-5
    assert cached_against_one_pass(network, accumulator, first, 3) < 2.6e-6


def test_codes_without_guidance_are_the_authors(network: VarNetwork, accumulator: ResidualAccumulator) -> None:
    settings = ScaleSettings(SCHEDULE, (AUTHORS,), Ramp(0.0), draw="torch-multinomial")
    codes, cost = sampled(network, accumulator, settings, [3], [0])
    assert digest(codes) == "81f275aaa613"
    assert (cost.tokens_computed, cost.kv_cache_bytes) == (680, 2 * 680 * 128 * (4 + 4))


@pytest.mark.parametrize("card", cards_of("var"), ids=lambda card: card.name)
def test_published_files_have_the_tensors_of_the_network(card: GeneratorCard) -> None:
    sides = card.args.get("scales", SIDES_256)
    with torch.device("meta"):
        network = VarNetwork(VarGeometry(**SIZES[card.args["size"]], schedule=ScaleSchedule.square(sides)))  # type: ignore[arg-type]
    state, length = network.state_dict(), sum(side * side for side in sides)
    assert sum(parameter.numel() for parameter in network.parameters()) == card.parameters
    # two more in the file: the scale of each token, and the mask that follows from it
    published = {"d16": 220, "d20": 272, "d24": 324, "d30": 402, "d36-s": 446}
    elements = {"d16": 310_762_984, "d20": 601_405_816, "d24": 1_033_899_304, "d30": 2_010_541_036,
                "d36-s": 2_358_996_688}  # fmt: skip
    assert len(state) + 2 == card.tensors + 2 == published[card.args["size"]]
    assert sum(tensor.numel() for tensor in state.values()) + length + length**2 == elements[card.args["size"]]
    # of one image with guidance, in float32, in MiB
    cached = {"d16": 170.0, "d20": 265.6, "d24": 382.5, "d30": 597.7, "d36-s": 2835.0}[card.args["size"]]
    assert round(network.make_cache(2, length).nbytes / 2**20, 1) == cached
    shared = card.args["size"] == "d36-s"
    block = {name.split(".", 2)[2] for name in state if name.startswith("blocks.0.")}
    assert block == BLOCK | ({"ada_gss"} if shared else {"ada_lin.1.weight", "ada_lin.1.bias"})
    assert state["blocks.0.attn.mat_qkv.weight"].shape == (3 * network.geometry.width, network.geometry.width)
    assert state["pos_1LC"].shape == (1, length, network.geometry.width)


@pytest.mark.parametrize("nesting", ["trainer.var_wo_ddp", None])
def test_published_nestings_are_read_strictly(nesting: str | None, tmp_path: Path) -> None:
    schedule = ScaleSchedule.square(Var.shrunken["scales"])
    state = VarNetwork(VarGeometry(**SIZES["tiny"], schedule=schedule)).state_dict()  # type: ignore[arg-type]
    extra = {"lvl_1L": torch.zeros(1, 30, dtype=torch.int64), "attn_bias_for_masking": torch.zeros(1, 1, 30, 30)}
    whole: dict[str, Any] = {**state, **extra}
    file = tmp_path / "var.pth"
    torch.save({"trainer": {"var_wo_ddp": whole}, "epoch": 1} if nesting else whole, file)
    given = {**Var.shrunken, "checkpoint": str(file)}
    generator = Var(**given)
    assert torch.equal(generator._network.head.weight, state["head.weight"])
    del whole["lvl_embed.weight"]
    torch.save({"trainer": {"var_wo_ddp": whole}} if nesting else whole, file)
    with pytest.raises(AdapterError, match=r"lvl_embed\.weight"):
        Var(**given)


@pytest.fixture(scope="module")
def tiny() -> Var:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Var.random(**Var.shrunken)


def test_decoded_codes_are_the_images(tiny: Var) -> None:
    codes = tiny.sample_codes(CONDITIONS, SEEDS)
    assert [tuple(level.shape) for level in codes.levels] == [(2, side, side) for side in (1, 2, 3, 4)]
    assert codes.image_size == (8, 8) and torch.equal(tiny.sample(CONDITIONS, SEEDS), tiny.images(codes, SEEDS))
    told = tiny.info.sampler
    assert (told["scales"], told["top_k"], told["cfg_scale"]) == ([1, 2, 3, 4], 900, 1.5)
    assert told["image_rounding"] == "truncate" and tiny.info.family == "next-scale"
    cost = tiny.sampling_cost()
    assert cost is not None and (cost.forward_passes, cost.tokens) == (4, 60)


def test_the_likeliest_tokens_heed_no_seed(tiny: Var) -> None:
    check_the_likeliest_heeds_no_seed(tiny._network, tiny._accumulator(), tiny._identity.settings)


def test_likelihood_is_that_of_the_samplers_unfiltered_distribution(tiny: Var) -> None:
    assert isinstance(tiny, LikelihoodGenerator)
    plain = Var.random(**Var.shrunken, cfg_scale=0.0, top_k=0, top_p=1.0)
    codes = plain.sample_codes(CONDITIONS, SEEDS)
    labels, found = torch.tensor([3, 999]), []
    with torch.inference_mode():
        cache = plain._network.make_cache(2, 30)
        levels = [level.flatten(1) for level in codes.levels]
        for scale, (seen, tokens) in enumerate(zip(plain._maps(levels), levels, strict=True)):
            logits = plain._network.step([seen], scale, plain._network.conditioned(labels), cache)
            found.append(logits.double().softmax(-1).gather(-1, tokens[..., None])[..., 0].log())
    told = plain.log_likelihood(CONDITIONS, codes)
    assert told.dtype == torch.float64 and told.shape == (2, 30)
    torch.testing.assert_close(told, torch.cat(found, dim=1), rtol=0, atol=1e-4)
    assert torch.equal(told, tiny.log_likelihood(CONDITIONS, codes))  # guidance and filters take no part
    without = plain.log_likelihood([Condition()] * 2, codes)
    assert plain.null_condition and (without - told).abs().max() > 1e-3
    plain._network.head.weight.zero_()
    plain._network.head.bias.zero_()
    bits = -plain.log_likelihood(CONDITIONS, codes) / math.log(2)
    torch.testing.assert_close(bits, torch.full((2, 30), 12.0, dtype=torch.float64))
    with pytest.raises(UsageError, match=r"scales \[\[1, 1\], \[2, 2\]\], for 2 conditions"):
        plain.log_likelihood(CONDITIONS, Codes(levels=codes.levels[:2]))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"scales": (1, 2, 4)}, r"draws scales \[1, 2, 4\].*has scales \[1, 2, 3, 4\]"),
        ({"tokenizer": "janus-vq,channels=32,blocks=1,random_weights_seed=0"}, "has no scales"),
        ({"tokenizer": Var.shrunken["tokenizer"] + ",codebook_size=64"}, r"codebooks of \[64\]"),
    ],
)
def test_a_tokenizer_that_is_not_its_own_is_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(AdapterError, match=told):
        Var.random(**{**Var.shrunken, **changed})


def test_arguments_of_a_reference_reach_the_settings() -> None:
    named = ",".join(f"{key}='{value}'" if key == "tokenizer" else f"{key}={value}" for key, value in (
        ("size", "tiny"), ("scales", "[1,2,3,4]"), ("tokenizer", Var.shrunken["tokenizer"]), ("cfg_scale", 4),
        ("top_k", 0), ("top_p", 0.5), ("guided_scales", 2), ("random_weights_seed", 0),
    ))  # fmt: skip
    generator: Any = resolve_generator(f"var,{named}")
    settings = generator._identity.settings
    assert settings.filters == (Filters(top_p=0.5, boundary="reaches"),) and settings.guided_scales == 2
    assert settings.guidance == Ramp(4.0)
    with pytest.raises(UsageError, match="top_p=0"):
        resolve_generator(f"var,{named},top_p=0".replace("top_p=0.5,", ""))
