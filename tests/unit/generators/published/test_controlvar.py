"""ControlVAR against codes that its own modules (lxa9867/ControlVAR, 9433c18) made with the same weights."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from next_token_cases import cards_of
from sorted_weights import digest, drawn
from torch import Tensor

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, SampleError, UsageError
from vtbench.generators.published.next_scale.controlvar.adapter import ControlVar
from vtbench.generators.published.next_scale.controlvar.maps import fitted
from vtbench.generators.published.next_scale.controlvar.network import SIZES, ControlVarNetwork, paired
from vtbench.generators.published.next_scale.controlvar.sampling import sample_pairs
from vtbench.generators.published.next_scale.controlvar.settings import ControlSettings
from vtbench.generators.published.next_scale.var.network import SIDES_256, VarGeometry
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.accumulation import ResidualAccumulator
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.tokenizers.published.var_vq.adapter import VarVQ

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SCHEDULE = ScaleSchedule.square(SIDES_256)
AUTHORS = Filters(1.0, 900, 0.95, precision="float32", boundary="reaches")
SEEDS = torch.tensor([1, 2])


def control(seed: int, side: int = 8) -> Tensor:
    """``uint8 [3,side,side]``."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, side, side), generator=generator, dtype=torch.int64).to(torch.uint8)


CONDITIONS = [Condition(label=label, images={"control": control(label)}) for label in (3, 999)]


def quiet(**changes: Any) -> ControlVar:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ControlVar.random(**{**ControlVar.shrunken, **changes})


@pytest.fixture(scope="module")
def tiny() -> ControlVar:
    return quiet()


def codes_of(generator: ControlVar, conditions: list[Condition] = CONDITIONS, seeds: Tensor = SEEDS) -> Tensor:
    return torch.cat([level.flatten(1) for level in generator.sample_codes(conditions, seeds).levels], dim=1)


def test_codes_are_the_authors() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer = VarVQ.random(channels=32)
    drawn(tokenizer._network, 1)
    with torch.no_grad():
        tokenizer._network.quantize.embedding.weight.normal_(generator=torch.Generator().manual_seed(9))
    network = drawn(
        ControlVarNetwork(VarGeometry(depth=2, width=128, heads=2, cosine=False, schedule=paired(SCHEDULE))), 2
    )
    accumulator = ResidualAccumulator(SCHEDULE, tokenizer.contribution)
    cases: list[tuple[int, int, Any, tuple[float, ...], str, int]] = [
        (0, 3, "canny", (4.0, 4.0, 4.0), "b516a60d592d", 2),
        (1, 7, "depth", (4.0, 2.0, 1.0), "fd12d2aaf87c", 4),
    ]
    for seed, label, kind, strengths, wanted, branches in cases:
        image = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(50 + seed))
        given = [level.flatten(1) for level in tokenizer.encode(image).levels]
        settings = ControlSettings(SCHEDULE, AUTHORS, strengths, "torch-multinomial", kind)
        with torch.inference_mode():
            codes, cost = sample_pairs(
                network, torch.tensor([label]), given, accumulator, settings, torch.tensor([seed])
            )
        assert digest(codes) == wanted
        assert (cost.forward_passes, cost.tokens, cost.tokens_computed) == (10, 680, branches * 1360)
        assert (
            cost.kv_cache_bytes == branches * 2 * 2 * 1360 * 128 * 4
        )  # depth, keys and values, places, width, float32


@dataclass(frozen=True)
class Every(ControlSettings):
    """All branches, whether or not they count."""

    def branches(self) -> tuple[int, ...]:
        return (0, 1, 2, 3)


@pytest.mark.parametrize("rule", ["inverse-cdf", "torch-multinomial"])
def test_with_equal_strengths_two_branches_are_four(rule: Any) -> None:
    two, four = quiet(draw=rule), quiet(draw=rule)
    settings = four._identity.settings
    every = Every(*(getattr(settings, name) for name in ("schedule", "filters", "cfg_scale", "draw", "control")))
    four._identity = replace(four._identity, settings=every)
    assert torch.equal(codes_of(two), codes_of(four))
    counted = [one.sampling_cost().tokens_computed for one in (two, four)]  # type: ignore[union-attr]
    assert counted == [2 * 2 * 60, 4 * 2 * 60]


def test_without_guidance_class_and_map_are_alone() -> None:
    plain = quiet(cfg_scale=0.0)
    codes_of(plain)
    cost = plain.sampling_cost()
    assert cost is not None and cost.tokens_computed == 2 * 60 and plain._identity.settings.branches() == (0,)


def test_passes_with_a_cache_are_one_pass(tiny: ControlVar) -> None:
    network, schedule = tiny._network, tiny._network.geometry.schedule
    maps = [
        None,
        *(torch.randn(2, 32, *size, generator=torch.Generator().manual_seed(4)) for size in schedule.sizes[1:]),
    ]
    with torch.inference_mode():
        condition = network.conditioned((torch.tensor([3, 1000]), torch.tensor([1, 4])))
        whole, cache = network.step(maps, 0, condition, None), network.make_cache(2, schedule.tokens)
        parts = [network.step([seen], scale, condition, cache) for scale, seen in enumerate(maps)]
        other = network.step(maps, 0, network.conditioned((torch.tensor([3, 1000]), torch.tensor([2, 4]))), None)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-5)
    assert not torch.equal(other[0], whole[0]) and torch.equal(other[1], whole[1])


def test_an_image_is_of_its_class_map_kind_and_seed_alone(tiny: ControlVar) -> None:
    whole = codes_of(tiny)
    assert torch.equal(whole, torch.cat([codes_of(tiny, CONDITIONS[row:][:1], SEEDS[row:][:1]) for row in (0, 1)]))
    changed = [replace(CONDITIONS[0], label=4), Condition(label=3, images={"control": control(5)})]
    assert not any(torch.equal(row, whole[0]) for row in codes_of(tiny, changed, SEEDS[[0, 0]]))
    assert not torch.equal(codes_of(quiet(control="depth")), whole)
    assert torch.equal(codes_of(quiet(top_k=1)), codes_of(quiet(greedy=True), seeds=SEEDS + 1))


def test_it_tells_what_it_is(tiny: ControlVar) -> None:
    told = tiny.info.sampler
    assert tiny.info.images == ("control",) and (told["control"], told["cfg_scale"]) == ("canny", [4.0, 4.0, 4.0])
    assert torch.equal(tiny.sample(CONDITIONS, SEEDS), tiny.images(tiny.sample_codes(CONDITIONS, SEEDS), SEEDS))
    with pytest.raises(SampleError, match="control"):
        tiny.sample([Condition(label=3)], SEEDS[:1])


def test_a_control_image_is_cut_to_the_middle() -> None:
    ramp = control(0, 16)
    assert torch.equal(fitted(ramp, 16).mul(255).round().to(torch.uint8), ramp)
    wide = torch.cat([torch.zeros(3, 16, 8, dtype=torch.uint8), ramp, torch.zeros(3, 16, 8, dtype=torch.uint8)], dim=2)
    assert torch.equal(fitted(wide, 16), fitted(ramp, 16)) and fitted(wide.mT, 8).shape == (3, 8, 8)


@pytest.mark.parametrize("nested", [True, False])
def test_published_files_are_read_strictly(tiny: ControlVar, nested: bool, tmp_path: Path) -> None:
    whole = {
        **tiny._network.state_dict(),
        "lvl_1L": torch.zeros(1, 60),
        "attn_bias_for_masking": torch.zeros(1, 1, 60, 60),
    }
    file = tmp_path / "d.pth"

    def saved(state: dict[str, Tensor]) -> Path:
        wrapped = {"model_state_dict": {f"module.{name}": value for name, value in state.items()}, "step": 3}
        torch.save(wrapped if nested else state, file)
        return file

    again = ControlVar(**ControlVar.shrunken, checkpoint=str(saved(whole)))
    assert torch.equal(codes_of(again), codes_of(tiny))
    with pytest.raises(AdapterError, match="cond_embed"):
        ControlVar(
            **ControlVar.shrunken, checkpoint=str(saved({k: v for k, v in whole.items() if "cond_emb" not in k}))
        )


@pytest.mark.parametrize("card", cards_of("controlvar"), ids=lambda card: card.name)
def test_published_sizes_have_their_counts(card: GeneratorCard) -> None:
    size = card.args["size"]
    with torch.device("meta"):
        network = ControlVarNetwork(VarGeometry(**SIZES[size], schedule=paired(SCHEDULE)))  # type: ignore[arg-type]
    assert sum(parameter.numel() for parameter in network.parameters()) == card.parameters
    assert len(network.state_dict()) == card.tensors and network.pos_1LC.shape[1] == 1360
    assert hasattr(network.blocks[0].attn, "scale_mul_1H11") == (size == "d30")


def test_there_is_a_card_of_each_size() -> None:
    assert {card.args["size"] for card in cards_of("controlvar")} == set(SIZES) - {"tiny"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"cfg_scale": (4.0, 4.0)}, "must be one number, or three"),
        ({"cfg_scale": -1.0}, "must be 0 or more"),
        ({"control": "pose"}, "no such kind of control image"),
    ],
)
def test_settings_out_of_range_are_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        quiet(**changed)
