"""HMAR against codes that its own modules (NVlabs/HMAR, 595a9df) made with the same weights."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from next_scale_cases import check_an_image_stands_alone, check_the_likeliest_heeds_no_seed, maps_of, sampled
from next_token_cases import cards_of
from sorted_weights import digest, drawn

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.next_scale.hmar.adapter import PUBLISHED, Hmar, refinement
from vtbench.generators.published.next_scale.hmar.network import HmarNetwork, geometry_of
from vtbench.generators.published.next_scale.var.network import SIDES_256, VarGeometry
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.accumulation import ResidualAccumulator
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.refinement import MaskedRefinement, least_sure
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.generators.sampling.next_scale.strategy import ScaleStrategy
from vtbench.tokenizers.published.var_vq.adapter import VarVQ

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SCHEDULE = ScaleSchedule.square(SIDES_256)
FILTERS = Filters(1.0, 1000, 0.99, precision="float32", boundary="reaches")
CONDITIONS, SEEDS = [Condition(label=3), Condition(label=999)], torch.tensor([1, 2])
BEFORE_REFINING = [1863, 3466, 3760, 2324]


@pytest.fixture(scope="module")
def accumulator() -> ResidualAccumulator:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer = VarVQ.random(channels=32)
    drawn(tokenizer._network, 1)
    with torch.no_grad():
        tokenizer._network.quantize.embedding.weight.normal_(generator=torch.Generator().manual_seed(9))
    return ResidualAccumulator(SCHEDULE, tokenizer.contribution)


@pytest.fixture(scope="module")
def network() -> HmarNetwork:
    made: HmarNetwork = drawn(HmarNetwork(VarGeometry(depth=3, width=128, heads=2), tail=1), 2)
    return made


def settings_of(strategy: ScaleStrategy) -> ScaleSettings:
    return ScaleSettings(SCHEDULE, (FILTERS,), Ramp(1.7), draw="torch-multinomial", strategy=strategy)


def test_refined_codes_are_the_authors(network: HmarNetwork, accumulator: ResidualAccumulator) -> None:
    settings = settings_of(refinement(PUBLISHED, SCHEDULE, 1.7))
    codes, cost = sampled(network, accumulator, settings, [3], [0])
    assert digest(codes) == "01a56162058f" and torch.cat(codes, dim=1)[0, :5].tolist() == [1863, 484, 2955, 2324, 3775]
    rows = (1, 4, 4, 9, 9, 9, 9, 16, 25, 36, 64, 100, 169, 256)
    assert (cost.forward_passes, cost.tokens, cost.tokens_computed) == (14, 680, 2 * sum(rows))
    assert cost.kv_cache_bytes == 0


@pytest.mark.parametrize("counts", [None, tuple((side * side,) for side in SIDES_256)])
def test_one_pass_a_scale_is_the_authors_without_masks(
    network: HmarNetwork, accumulator: ResidualAccumulator, counts: Any
) -> None:
    codes, cost = sampled(network, accumulator, settings_of(refinement(counts, SCHEDULE, 1.7)), [3], [0])
    assert digest(codes) == "67adce66fe7d" and torch.cat(codes, dim=1)[0, :4].tolist() == BEFORE_REFINING
    assert cost.forward_passes == 10


@pytest.fixture(scope="module")
def tiny() -> Hmar:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Hmar.random(**Hmar.shrunken)


@pytest.mark.parametrize("rule", ["inverse-cdf", "torch-multinomial"])
def test_an_image_stands_alone(tiny: Hmar, rule: Any) -> None:
    settings = replace(tiny._identity.settings, draw=rule)
    check_an_image_stands_alone(tiny._network, tiny._accumulator(), settings)


def test_the_likeliest_tokens_heed_no_seed(tiny: Hmar) -> None:
    settings = replace(tiny._identity.settings, strategy=ScaleStrategy())
    check_the_likeliest_heeds_no_seed(tiny._network, tiny._accumulator(), settings)


def test_all_scales_in_one_pass_see_themselves_alone(tiny: Hmar) -> None:
    accumulator, network = tiny._accumulator(), tiny._network
    codes, _ = sampled(network, accumulator, tiny._identity.settings, [3], [0])
    maps = maps_of(accumulator, codes)
    with torch.inference_mode():
        condition = network.conditioned(torch.tensor([3]))
        whole = network.step(maps, 0, condition)
        parts = [network.step([seen], scale, condition) for scale, seen in enumerate(maps)]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-5)


def test_a_masked_place_is_predicted_without_its_token(tiny: Hmar) -> None:
    generator = torch.Generator().manual_seed(0)
    seen, own, other = (torch.randn(1, 32, 3, 3, generator=generator) for _ in range(3))
    masked, network = torch.tensor([[1, 5]]), tiny._network
    mixed = own.clone().flatten(2)
    mixed[..., masked[0]] = other.flatten(2)[..., masked[0]]
    with torch.inference_mode():
        condition = network.conditioned(torch.tensor([3]))
        first, second = (network.filled(seen, one, masked, 2, condition) for one in (own, mixed.view_as(own)))
        third = network.filled(seen, other, masked, 2, condition)
    assert torch.equal(first, second) and not torch.equal(first, third)


def test_the_least_sure_places_stay_masked() -> None:
    found = torch.tensor([[[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.3, 0.7]]])
    codes = torch.tensor([[0, 0, 1, 1]])
    assert least_sure(codes, found, 3, None).tolist() == [[1, 2, 3]]
    assert least_sure(codes, found, 1, torch.tensor([[3, 2]])).tolist() == [[2]]


@pytest.mark.parametrize(
    ("counts", "told"),
    [(((1,), (1, 2)), "not of scales of"), (((1,), (4, 0)), "every count must be 1 or more"), (((2,), (3,)), "not of")],
)
def test_counts_that_are_not_of_the_scales_are_refused(counts: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        MaskedRefinement(counts).checked(ScaleSchedule.square((1, 2)))


def test_the_record_tells_the_steps(tiny: Hmar) -> None:
    codes = tiny.sample_codes(CONDITIONS, SEEDS)
    assert torch.equal(tiny.sample(CONDITIONS, SEEDS), tiny.images(codes, SEEDS))
    told = tiny.info.sampler
    assert told["strategy"] == "masked refinement" and told["strategy_counts"][2] == [1, 1, 2, 5]
    assert told["strategy_cfg_scale"] == 1.7 * 1e-6 and told["image_rounding"] == "round"
    cost = tiny.sampling_cost()
    assert cost is not None and (cost.forward_passes, cost.tokens) == (8, 60)
    assert not hasattr(tiny, "log_likelihood")


@pytest.mark.parametrize("card", cards_of("hmar"), ids=lambda card: card.name)
def test_published_files_have_the_tensors_of_the_network(card: GeneratorCard) -> None:
    with torch.device("meta"):
        network = HmarNetwork(*geometry_of(card.args["size"]))
    state = network.state_dict()
    assert sum(parameter.numel() for parameter in network.parameters()) == card.parameters
    # two more in the file: the scale of each token, and the mask that follows from it
    assert len(state) + 2 == card.tensors + 2 == {"d16": 329, "d20": 381, "d24": 433, "d30": 511}[card.args["size"]]
    blocks = {name.split(".")[0] for name in state if "_blocks." in name}
    assert blocks == {"base_blocks", "ns_blocks", "mask_blocks"} and len(network.ns_blocks) == 8
    assert {
        "word_embed.weight",
        "word_embed_bias",
        "mask_embed.weight",
        "ns_head.bias",
        "mask_head_nm.ada_lin.1.bias",
    } <= {*state}
    assert "word_embed.bias" not in state


def test_published_files_are_read_strictly(tmp_path: Path) -> None:
    schedule = ScaleSchedule.square(Hmar.shrunken["scales"])
    whole: dict[str, Any] = HmarNetwork(*geometry_of("tiny", schedule=schedule)).state_dict()
    whole |= {"lvl_1L": torch.zeros(1, 30, dtype=torch.int64), "attn_bias_for_masking": torch.zeros(1, 1, 30, 30)}
    file = tmp_path / "hmar-d16.pth"
    torch.save(whole, file)
    given = {**Hmar.shrunken, "checkpoint": str(file)}
    assert torch.equal(Hmar(**given)._network.mask_embed.weight, whole["mask_embed.weight"])
    del whole["mask_embed.weight"]
    torch.save(whole, file)
    with pytest.raises(AdapterError, match=r"mask_embed\.weight"):
        Hmar(**given)
