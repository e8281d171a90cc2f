"""FlexVAR against codes that its own modules (jiaosiyu1999/FlexVAR, 04462cb) made with the same weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from next_scale_cases import cached_against_one_pass, check_the_likeliest_heeds_no_seed, sampled
from next_token_cases import cards_of
from sorted_weights import digest, drawn
from torch.nn.functional import normalize

from vtbench.checkpoints.cards import GeneratorCard
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.next_scale.flexvar.adapter import FlexVar, free_schedule
from vtbench.generators.published.next_scale.flexvar.network import SIZES, FlexVarNetwork
from vtbench.generators.published.next_scale.var.network import SIDES_256, VarGeometry
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.accumulation import LatestScale
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.settings import ScaleSettings

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SCHEDULE = free_schedule(SIDES_256)
FILTERS = Filters(1.0, 900, 0.95, precision="float32", boundary="reaches")
THIRTEEN = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16)
CONDITIONS, SEEDS = [Condition(label=3), Condition(label=999)], torch.tensor([1, 2])


def codebook() -> torch.Tensor:
    """Of a VQ-16 with widths of 128 and seed 1, rows of length 1. It is the last parameter by name, so that it is made
    of what its stream holds behind all others; their shapes alone matter."""
    block = {"norm1": [128], "norm2": [128], "conv1": [128, 128, 3, 3], "conv2": [128, 128, 3, 3]}
    attention = {"norm": [128], **{part: [128, 128, 1, 1] for part in ("q", "k", "v", "proj_out")}}
    shapes: dict[str, list[int]] = {"quant_conv": [32, 256, 1, 1], "post_quant_conv": [256, 32, 1, 1]}
    for part, blocks, ends, inside in (("encoder", 2, (3, 256), 4), ("decoder", 3, (256, 3), 0)):
        shapes |= {f"{part}.conv_in": [128, ends[0], 3, 3], f"{part}.norm_out": [128]}
        shapes |= {f"{part}.conv_out": [ends[1], 128, 3, 3]}
        shapes |= {f"{part}.mid.{at}.{name}": size for at in (0, 2) for name, size in block.items()}
        shapes |= {f"{part}.mid.1.{name}": size for name, size in attention.items()}
        for level in range(5):
            above = f"{part}.conv_blocks.{level}"
            shapes |= {f"{above}.res.{at}.{name}": size for at in range(blocks) for name, size in block.items()}
            if level == inside:  # the coarsest level has attention
                shapes |= {f"{above}.attn.{at}.{n}": size for at in range(blocks) for n, size in attention.items()}
            if level < 4:
                shapes[f"{above}.{'down' if part == 'encoder' else 'up'}sample.conv"] = [128, 128, 3, 3]
    named = {f"{name}.weight": size for name, size in shapes.items()} | {
        f"{name}.bias": size[:1] for name, size in shapes.items()
    }
    generator = torch.Generator().manual_seed(1)
    for name in sorted(named):
        torch.randn(named[name], generator=generator)
    return normalize(torch.randn(8912, 32, generator=generator) * 0.05, dim=-1)


@pytest.fixture(scope="module")
def accumulator() -> LatestScale:
    book = codebook()
    return LatestScale(SCHEDULE, lambda codes: book[codes].movedim(-1, 1).contiguous())


@pytest.fixture(scope="module")
def network() -> FlexVarNetwork:
    geometry = VarGeometry(depth=2, width=128, heads=2, vocabulary=8912, schedule=SCHEDULE)
    made: FlexVarNetwork = drawn(FlexVarNetwork(geometry), 2, kept=("pos_1LC",))
    return made


def test_the_map_of_places_begins_as_waves(network: FlexVarNetwork) -> None:
    found = network.pos_1LC[0, :4, 1, 2]
    frequency = 10_000 ** (-2 / 128)
    wanted = torch.tensor([1.0, 2.0, frequency, 2 * frequency])
    torch.testing.assert_close(found[0::2], wanted[0::2].sin())
    torch.testing.assert_close(found[1::2], wanted[1::2].cos())


def test_a_batch_has_the_codes_of_the_authors_single_runs(network: FlexVarNetwork, accumulator: LatestScale) -> None:
    settings = ScaleSettings(SCHEDULE, (FILTERS,), Ramp(2.5, longest=9), draw="torch-multinomial")
    codes, cost = sampled(network, accumulator, settings, [3, 7], [0, 1])
    assert [digest([part[image] for part in codes]) for image in range(2)] == ["ba7ce49c8d7a", "764893670a90"]
    whole = torch.cat(codes, dim=1)
    assert whole.sum(dim=1).tolist() == [3_040_008, 2_886_720]
    assert whole[0, :5].tolist() == [2447, 7131, 3140, 5759, 895] and cost.forward_passes == 10
    assert cached_against_one_pass(network, accumulator, [part[:1] for part in codes], 3) < 4.3e-6


@pytest.fixture(scope="module")
def tiny() -> FlexVar:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return FlexVar.random(**FlexVar.shrunken)


def settings_of(scales: tuple[int, ...], **given: Any) -> ScaleSettings:
    settings: ScaleSettings = FlexVar.random(**{**FlexVar.shrunken, "scales": scales, **given})._identity.settings
    return settings


def test_maps_of_other_sides_get_their_likeliest_tokens() -> None:
    found = settings_of(THIRTEEN)
    assert [filters.top_k for filters in found.filters] == [900] * 6 + [1, 900, 1, 900, 1, 1, 900]
    assert found.strengths()[9:] == (2.5, 2.5 * (10 / 9), 2.5 * (11 / 9), 2.5 * (12 / 9))
    assert found.as_recorded()["top_k"] == [900] * 6 + [1, 900, 1, 900, 1, 1, 900]


def test_wide_maps_are_fully_guided_and_greedy() -> None:
    found = settings_of((1, 2, 4, 8, 16, 23, 32), cfg_scale=3.0)
    assert [filters.top_k for filters in found.filters] == [900] * 5 + [1, 1]
    assert found.strengths() == (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 3.0)
    wide = settings_of((1, 2, 4, 8, 16, 23, 32), cfg_scale=3.0, widest=32)
    assert [filters.top_k for filters in wide.filters] == [900] * 7 and wide.strengths()[-2:] == (2.5, 3.0)


def test_lists_with_a_common_beginning_agree_there_without_guidance() -> None:
    """With guidance, the ramp of fewer than ten scales is steeper."""
    found = {
        (scales, cfg): FlexVar.random(**{**FlexVar.shrunken, "scales": scales, "cfg_scale": cfg})
        for scales in ((1, 2, 3, 4), (1, 2, 3, 5, 6))
        for cfg in (0.0, 2.5)
    }
    codes = {key: made._draw(CONDITIONS, SEEDS)[0] for key, made in found.items()}
    short, long = codes[(1, 2, 3, 4), 0.0], codes[(1, 2, 3, 5, 6), 0.0]
    assert torch.equal(short[:, :14], long[:, :14])
    assert [made._identity.settings.strengths()[2] for made in found.values()] == [
        0.0,
        2.5 * (2 / 3),
        0.0,
        2.5 * (2 / 4),
    ]


def test_the_last_map_is_the_image(tiny: FlexVar) -> None:
    codes = tiny.sample_codes(CONDITIONS, SEEDS)
    assert [tuple(level.shape) for level in codes.levels] == [(2, 4, 4)] and codes.image_size == (8, 8)
    assert torch.equal(tiny.sample(CONDITIONS, SEEDS), tiny.tokenizer.decode(codes))
    cost = tiny.sampling_cost()
    assert cost is not None and (cost.forward_passes, cost.tokens) == (4, 60)
    assert not hasattr(tiny, "log_likelihood")  # of the last map, given none of the others, there is none


def test_the_likeliest_tokens_heed_no_seed(tiny: FlexVar) -> None:
    check_the_likeliest_heeds_no_seed(tiny._network, tiny._accumulator(), tiny._identity.settings)


@pytest.mark.parametrize("card", cards_of("flexvar"), ids=lambda card: card.name)
def test_published_files_have_the_tensors_of_the_network(card: GeneratorCard) -> None:
    def build() -> FlexVarNetwork:
        return FlexVarNetwork(VarGeometry(**SIZES[card.args["size"]], vocabulary=8912))  # type: ignore[arg-type]

    with torch.device("meta"):
        network = build()
    state = network.state_dict()
    assert sum(parameter.numel() for parameter in network.parameters()) == card.parameters
    assert len(state) == card.tensors and len(state) + 1 == {"d16": 218, "d20": 270, "d24": 322}[card.args["size"]]
    assert state["pos_1LC"].shape == (1, network.geometry.width, 32, 32) and "lvl_embed.weight" not in state
    assert state["head.weight"].shape == (8912, network.geometry.width)


@pytest.mark.parametrize("nesting", ["trainer.var_wo_ddp", None])
def test_published_nestings_are_read_strictly(nesting: str | None, tmp_path: Path) -> None:
    geometry = VarGeometry(**SIZES["tiny"], vocabulary=8912)  # type: ignore[arg-type]
    whole: dict[str, Any] = FlexVarNetwork(geometry).state_dict()
    whole |= {"attn_bias_for_masking": torch.zeros(1, 1, 680, 680)}  # of the ten scales, whichever are asked for
    file = tmp_path / "flexvar.pth"
    torch.save({"trainer": {"var_wo_ddp": whole}} if nesting else whole, file)
    given = {**FlexVar.shrunken, "checkpoint": str(file)}
    assert torch.equal(FlexVar(**given)._network.pos_1LC, whole["pos_1LC"])
    del whole["pos_start"]
    torch.save({"trainer": {"var_wo_ddp": whole}} if nesting else whole, file)
    with pytest.raises(AdapterError, match="pos_start"):
        FlexVar(**given)


@pytest.mark.parametrize("scales", [(2, 4), (1, 4, 2)])
def test_scales_that_it_cannot_begin_or_go_on_with_are_refused(scales: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="must begin at 1 and not fall"):
        free_schedule(scales)
