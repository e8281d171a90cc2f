"""M-VAR against codes that its own modules (OliverRensu/MVAR, 80768a1) made with the same weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from next_scale_cases import (
    AUTHORS,
    cached_against_one_pass,
    check_an_image_stands_alone,
    check_the_likeliest_heeds_no_seed,
    sampled,
)
from next_token_cases import cards_of
from sorted_weights import digest, drawn
from torch import Tensor

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.next_scale.mvar.adapter import MVar
from vtbench.generators.published.next_scale.mvar.network import SIZES, MvarNetwork, scan
from vtbench.generators.published.next_scale.var.network import SIDES_256, VarGeometry
from vtbench.generators.sampling.next_scale.accumulation import ResidualAccumulator
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.networks.key_value_cache import KeyValueCache
from vtbench.tokenizers.published.var_vq.adapter import VarVQ

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
CONDITIONS, SEEDS = [Condition(label=3), Condition(label=999)], torch.tensor([1, 2])
SCHEDULE = ScaleSchedule.square(SIDES_256)


def step_by_step(mixer: Any, x: Tensor) -> Tensor:
    """Mamba-2 as a recurrence (Dao and Gu, Transformers are SSMs, 2405.21060), one position after another."""
    heads, inner, states = len(mixer.D), mixer.out_proj.in_features, 64
    gate, mixed, steps = mixer.in_proj(x).split([inner, inner + 2 * states, heads], dim=-1)
    mixed = F.silu(mixer.conv1d(mixed.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2))
    values, into, out = mixed.split([inner, states, states], dim=-1)
    steps, values = F.softplus(steps + mixer.dt_bias), values.unflatten(-1, (heads, 64))
    state, made = x.new_zeros(len(x), heads, 64, states), []
    for at in range(x.shape[1]):
        kept = (-mixer.A_log.exp() * steps[:, at]).exp()[..., None, None] * state
        state = kept + (steps[:, at, :, None] * values[:, at])[..., None] * into[:, at, None, None]
        made.append((state * out[:, at, None, None]).sum(-1) + mixer.D[:, None] * values[:, at])
    gated = torch.stack(made, dim=1).flatten(2) * F.silu(gate)
    normed = gated * (gated.square().mean(-1, keepdim=True) + 1e-5).rsqrt() * mixer.norm.weight
    found: Tensor = mixer.out_proj(normed)
    return found


def test_the_librarys_scan_is_the_recurrence() -> None:
    torch.manual_seed(0)
    mixer = scan(64).eval()
    x = torch.randn(1, 270, 64)  # longer than a chunk of the library's
    with torch.inference_mode():
        found = mixer(x)
        torch.testing.assert_close(found, step_by_step(mixer, x), rtol=0, atol=2e-5)
        torch.testing.assert_close(mixer(x[:, :20]), found[:, :20], rtol=0, atol=2e-5)


def test_codes_are_the_authors() -> None:
    """Theirs with the recurrence in place of mamba_ssm, and torch's attention in place of flash_attn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer = VarVQ.random(channels=32)
    drawn(tokenizer._network, 1)
    with torch.no_grad():
        tokenizer._network.quantize.embedding.weight.normal_(generator=torch.Generator().manual_seed(9))
    network = drawn(MvarNetwork(VarGeometry(depth=2, width=128, heads=2)), 2)
    settings = ScaleSettings(SCHEDULE, (AUTHORS,), Ramp(1.5), draw="torch-multinomial")
    codes, cost = sampled(network, ResidualAccumulator(SCHEDULE, tokenizer.contribution), settings, [3], [0])
    assert digest(codes) == "c0d7bf18494f" and torch.cat(codes, dim=1)[0, :5].tolist() == [1483, 390, 3962, 981, 3319]
    assert (cost.forward_passes, cost.tokens_computed) == (10, 2 * 680)
    assert cost.kv_cache_bytes == 2 * 2 * 680 * 128 * 4  # halves, depth, positions, width, float32


@pytest.fixture(scope="module")
def tiny() -> MVar:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MVar.random(**MVar.shrunken)


def test_passes_with_a_history_are_one_pass(tiny: MVar) -> None:
    accumulator, settings = tiny._accumulator(), tiny._identity.settings
    codes, _ = sampled(tiny._network, accumulator, settings, [3], [0])
    assert cached_against_one_pass(tiny._network, accumulator, codes, 3) < 1e-5
    check_an_image_stands_alone(tiny._network, accumulator, settings)
    check_the_likeliest_heeds_no_seed(tiny._network, accumulator, settings)


def test_decoded_codes_are_the_images(tiny: MVar) -> None:
    codes = tiny.sample_codes(CONDITIONS, SEEDS)
    assert torch.equal(tiny.sample(CONDITIONS, SEEDS), tiny.images(codes, SEEDS))
    told = tiny.log_likelihood(CONDITIONS, codes)
    assert told.shape == (2, 30) and bool((told < 0).all()) and tiny.info.sampler["cfg_scale"] == 1.5


def test_it_has_no_keys_and_values_to_choose_from(tiny: MVar) -> None:
    network = tiny._network
    condition = network.conditioned(torch.tensor([3]))
    cache = KeyValueCache(network.geometry.cache(1), 1, network.head.weight)
    with pytest.raises(UsageError, match="keeps no keys and values"):
        network.step([None], 0, condition, cache)


@pytest.mark.parametrize(
    ("size", "parameters"),
    [("d16", 464_157_184), ("d20", 900_528_736), ("d24", 1_550_067_136), ("d32", 3_658_707_968)],
)
def test_published_sizes_have_their_counts(size: str, parameters: int) -> None:
    with torch.device("meta"):
        network = MvarNetwork(VarGeometry(**SIZES[size]))  # type: ignore[arg-type]
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    assert hasattr(network.blocks[0].attn, "scale_mul_1H11") == (size in ("d24", "d32"))
    width, names = network.geometry.width, dict(network.blocks[0].mamba.named_parameters())
    assert names["in_proj.weight"].shape == (4 * width + 2 * 64 + width // 32, width)
    assert set(names) == {
        *("in_proj.weight", "conv1d.weight", "conv1d.bias", "dt_bias", "A_log", "D", "norm.weight", "out_proj.weight")
    }


@pytest.mark.parametrize("card", cards_of("m-var"), ids=lambda card: card.name)
def test_the_card_counts_the_tensors(card: GeneratorCard) -> None:
    with torch.device("meta"):
        state = MvarNetwork(VarGeometry(**SIZES[card.args["size"]])).state_dict()  # type: ignore[arg-type]
    assert len(state) == card.tensors and state["blocks.0.ada_lin.1.bias"].shape == (9 * 2048,)


@pytest.mark.parametrize("nesting", ["trainer.mvar_wo_ddp", None])
def test_published_nestings_are_read_strictly(nesting: str | None, tmp_path: Path) -> None:
    schedule = ScaleSchedule.square(MVar.shrunken["scales"])
    whole: dict[str, Any] = MvarNetwork(VarGeometry(**SIZES["tiny"], schedule=schedule)).state_dict()  # type: ignore[arg-type]
    whole |= {"lvl_1L": torch.zeros(1, 30, dtype=torch.int64), "attn_bias_for_masking": torch.zeros(1, 1, 30, 30)}
    whole |= {f"blocks.{layer}.attn.patch_nums": torch.tensor([1, 4, 9, 16]).int() for layer in range(2)}
    file = tmp_path / "d32.pth"
    torch.save({"trainer": {"mvar_wo_ddp": whole}} if nesting else whole, file)
    given = {**MVar.shrunken, "checkpoint": str(file)}
    assert torch.equal(MVar(**given)._network.blocks[1].mamba.A_log, whole["blocks.1.mamba.A_log"])
    del whole["blocks.1.mamba.A_log"]
    torch.save({"trainer": {"mvar_wo_ddp": whole}} if nesting else whole, file)
    with pytest.raises(AdapterError, match=r"blocks\.1\.mamba\.A_log"):
        MVar(**given)
