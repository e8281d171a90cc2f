"""FastVAR's way: what is left out is what it says, nothing left out is the host, and skipped scales are told."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from next_scale_cases import check_an_image_stands_alone, sampled
from sorted_weights import drawn

from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError
from vtbench.generators.protocols import drawn_levels
from vtbench.generators.published.next_scale.infinity.adapter import Infinity
from vtbench.generators.published.next_scale.infinity.geometry import SIZES
from vtbench.generators.published.next_scale.var.adapter import Var
from vtbench.generators.published.next_scale.var.network import VarGeometry, VarNetwork
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.accumulation import ResidualAccumulator
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.generators.sampling.next_scale.strategies.thinning import PrunedPositions, Thinning

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SCHEDULE = ScaleSchedule(((1, 1), (2, 3), (3, 4), (4, 6), (5, 8)))
DEPTH = 9  # blocks 3 and 4 are in the middle
GEOMETRY = VarGeometry(depth=DEPTH, width=32, heads=2, vocabulary=40, channels=4, classes=10, schedule=SCHEDULE)
BOOK = torch.randn(40, 4, generator=torch.Generator().manual_seed(3))
SETTINGS = ScaleSettings(SCHEDULE, (Filters(top_k=20, top_p=0.9),), Ramp(1.5))
HALF = {3: 0.5, 4: 0.4}


def contribution(codes: torch.Tensor, scale: int) -> torch.Tensor:
    found = BOOK[codes].movedim(-1, 1)
    return F.interpolate(found, size=SCHEDULE.sizes[-1], mode="bicubic") / (scale + 1)


ACCUMULATOR = ResidualAccumulator(SCHEDULE, contribution)


def thinning(ratios: dict[int, float], skipped: int = 0) -> Thinning:
    return Thinning(schedule=SCHEDULE, depth=DEPTH, ratios=ratios, skipped=skipped)


@pytest.fixture(scope="module")
def host() -> VarNetwork:
    made: VarNetwork = drawn(VarNetwork(GEOMETRY), 4)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(5)
    return made


def run(host: VarNetwork, strategy: Thinning | None, **changed: Any) -> tuple[list[torch.Tensor], Any]:
    settings = replace(SETTINGS, **({"strategy": strategy} if strategy else {}), **changed)
    return sampled(host, ACCUMULATOR, settings, [3, 7], [0, 1])


@pytest.mark.parametrize("ratios", [{}, {3: 0.0, 4: 0.0}, {4: 0.01}])
def test_nothing_left_out_is_the_host(host: VarNetwork, ratios: dict[int, float]) -> None:
    plain, cost = run(host, None)
    codes, told = run(host, thinning(ratios))  # a hundredth of 40 positions is none
    assert all(torch.equal(a, b) for a, b in zip(plain, codes, strict=True))
    assert told == cost


def test_positions_left_out_are_counted_and_change_their_scales_alone(host: VarNetwork) -> None:
    plain, cost = run(host, None)
    codes, told = run(host, thinning(HALF))
    assert all(torch.equal(a, b) for a, b in zip(plain[:3], codes[:3], strict=True))
    assert not torch.equal(plain[3], codes[3])
    spared = 4 * 2 * 12 // DEPTH + (4 * 2 * 28 // DEPTH - 4 * 2 * 12 // DEPTH)  # rows, middle blocks, positions
    assert told.tokens_computed == cost.tokens_computed - spared
    assert (told.forward_passes, told.tokens) == (5, cost.tokens)
    assert cost.kv_cache_bytes - told.kv_cache_bytes == 4 * 2 * 28 * 32 * (4 + 4)


def test_an_image_stands_alone(host: VarNetwork) -> None:
    check_an_image_stands_alone(host, ACCUMULATOR, replace(SETTINGS, strategy=thinning(HALF)))
    check_an_image_stands_alone(host, ACCUMULATOR, replace(SETTINGS, strategy=thinning(HALF), guided_scales=4))


def test_skipped_scales_are_not_predicted(host: VarNetwork) -> None:
    plain, _ = run(host, None)
    codes, cost = run(host, thinning({}, skipped=2))
    assert len(codes) == 3 and all(torch.equal(a, b) for a, b in zip(plain, codes, strict=False))
    assert (cost.forward_passes, cost.tokens) == (3, 2 * 19)
    assert thinning({}, skipped=2).notes() == (
        "strategy=fastvar skips the last 2 of 5 scales: images are decoded from the sum of the others",
    )


def test_what_is_farthest_from_the_mean_is_computed_and_the_rest_is_what_was() -> None:
    generator = torch.Generator().manual_seed(0)
    pruner, place = PrunedPositions(thinning({4: 0.25})), (3, 1)
    pruner.at(3)
    earlier = torch.randn(2, 24, 6, generator=generator)
    assert pruner.kept(place, earlier) is None and torch.equal(pruner.restored(place, earlier, None), earlier)
    pruner.at(4)
    x = torch.randn(2, 40, 6, generator=generator)
    kept = pruner.kept(place, x)
    assert kept is not None and kept.shape == (2, 30)
    for row in range(2):
        distances = [float(((one - x[row].mean(0)) ** 2).sum()) for one in x[row]]
        assert kept[row].tolist() == sorted(sorted(range(40), key=lambda k: -distances[k])[:30])
    computed = torch.randn(2, 30, 6, generator=generator)
    found = pruner.restored(place, computed, kept)
    resized = F.interpolate(earlier.mT.reshape(2, 6, 4, 6), size=(5, 8), mode="area").flatten(2).mT
    for row in range(2):
        for position in range(40):
            at = kept[row].tolist().index(position) if position in kept[row].tolist() else None
            wanted = resized[row, position] if at is None else computed[row, at]
            assert torch.equal(found[row, position], wanted)
    assert pruner.kept((2, 0), x) is pruner.kept((DEPTH - 4, 0), x) is None  # first and last blocks
    assert pruner.spared == 2 * 10 // 3


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"ratios": {3: 1.0}}, "must be 0 or more and below 1"),
        ({"ratios": {0: 0.5}}, "no scale before it"),
        ({"ratios": {}, "skipped": 5}, "must be 0 to 4"),
        ({"ratios": {3: 0.5}, "depth": 7}, "this network has 7"),
    ],
)
def test_what_cannot_be_left_out_is_refused(made: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Thinning(**{"schedule": SCHEDULE, "depth": DEPTH, **made})


@pytest.mark.parametrize("family", [Var, Infinity])
def test_hosts_decode_the_scales_that_they_have(family: Any) -> None:
    plain = family.random(**family.shrunken)
    host = family.random(**family.shrunken, strategy="fastvar", skipped_scales=1)
    given = [Condition(label=3)] if family is Var else [Condition(prompt="a bird")]
    seeds = torch.tensor([1])
    whole, codes = plain.sample_codes(given, seeds), host.sample_codes(given, seeds)
    parts, fewer = (whole.levels, codes.levels) if family is Var else (whole.bits, codes.bits)
    assert len(fewer) == len(parts) - 1 == len(drawn_levels(host).codebook_sizes)
    assert all(torch.equal(a, b) for a, b in zip(parts, fewer, strict=False))
    assert float(codes.total_bits(drawn_levels(host))) < float(whole.total_bits(plain.tokenizer.info))
    image = host.sample(given, seeds)
    assert image.shape == plain.sample(given, seeds).shape and not torch.equal(image, plain.sample(given, seeds))
    told = host.info.sampler
    assert told["strategy_skipped_scales"] == 1 and any("skips the last 1 of" in note for note in host.notes)
    with pytest.raises(UsageError, match=re.escape("no scale is 5 wide")):
        family.random(**family.shrunken, strategy="fastvar", prune={5: 0.5})


@pytest.mark.parametrize("changed", [{"budget": 1.0}, {"budget": 1.0, "large_layers": [1]}])
def test_infinity_with_room_for_everything_is_infinity(changed: dict[str, Any]) -> None:
    given, seeds = [Condition(prompt="a bird"), Condition(prompt="two red birds on a wire")], torch.tensor([1, 2])
    plain = Infinity.random(**Infinity.shrunken)
    host = Infinity.random(**Infinity.shrunken, strategy="scalekv", **changed)
    wanted, found = plain.sample_codes(given, seeds), host.sample_codes(given, seeds)
    assert all(torch.equal(a, b) for a, b in zip(wanted.bits, found.bits, strict=True))
    cost, whole = host.sampling_cost(), plain.sampling_cost()
    # the last scale is cut as soon as a layer has attended: the budget is of what was there before it
    assert cost is not None and whole is not None and cost.kv_cache_bytes < whole.kv_cache_bytes
    cut = Infinity.random(**Infinity.shrunken, strategy="scalekv", budget=0.3)
    assert any(not torch.equal(a, b) for a, b in zip(wanted.bits, cut.sample_codes(given, seeds).bits, strict=True))
    less = cut.sampling_cost()
    assert less is not None and less.kv_cache_bytes < cost.kv_cache_bytes


def test_infinity_leaves_positions_out() -> None:
    SIZES["deep"] = replace(SIZES["tiny"], depth=8)  # type: ignore[index]
    try:
        given = {**Infinity.shrunken, "size": "deep"}
        hosts = [
            Infinity.random(**given, strategy="fastvar", prune=prune) for prune in ({12: 0.0}, {12: 0.5, 16: 0.25})
        ]
    finally:
        del SIZES["deep"]  # type: ignore[arg-type]
    conditions, seeds = [Condition(prompt="a bird"), Condition(prompt="a red fish")], torch.tensor([1, 2])
    plain, pruned = (host.sample_codes(conditions, seeds) for host in hosts)
    whole, less = (host.sampling_cost() for host in hosts)
    assert whole is not None and less is not None
    spared = 4 * (72 + 64)  # rows and positions, in the one block of eight that is in the middle
    assert whole.tokens_computed - less.tokens_computed == spared // 8  # type: ignore[operator]
    assert whole.kv_cache_bytes - less.kv_cache_bytes == spared * 32 * (4 + 4)
    assert all(torch.equal(a, b) for a, b in zip(plain.bits[:5], pruned.bits[:5], strict=True))
    assert not torch.equal(plain.bits[5], pruned.bits[5])
    alone = hosts[1].sample_codes(conditions[1:], seeds[1:])
    assert all(torch.equal(a[1:], b) for a, b in zip(pruned.bits, alone.bits, strict=True))
