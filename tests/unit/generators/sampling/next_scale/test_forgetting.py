"""Caches that forget: with room for everything they are the host bit for bit, with none a mask; bytes by formula."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from next_scale_cases import cached_against_one_pass, check_an_image_stands_alone, maps_of, sampled
from sorted_weights import drawn

from vtbench.core.errors import DamagedFileError, UsageError
from vtbench.generators.calibrating import calibrated
from vtbench.generators.published.next_scale.infinity.schedules import scale_schedule
from vtbench.generators.published.next_scale.var.adapter import Var
from vtbench.generators.published.next_scale.var.network import VarGeometry, VarNetwork
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.accumulation import ResidualAccumulator
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.generators.sampling.next_scale.strategies.calibration import (
    Calibration,
    natural_cut,
    read_calibration,
    write_calibration,
)
from vtbench.generators.sampling.next_scale.strategies.forgetting import CurrentScale, Forgetting, RecordedPolicy
from vtbench.generators.sampling.next_scale.strategies.head_budgets import HeadBudgets
from vtbench.generators.sampling.next_scale.strategies.importance import evenly_spaced, grid_centres, raw_scores
from vtbench.generators.sampling.next_scale.strategies.layer_budgets import LayerBudgets
from vtbench.networks.key_value_cache import KeyValueCache
from vtbench.networks.next_scale.budgeted_cache import BudgetedCache, Look
from vtbench.networks.next_scale.masks import block_diagonal

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SCHEDULE = ScaleSchedule(((1, 1), (2, 3), (4, 5), (6, 8)))
DEPTH, HEADS, WIDTH, TOKENS = 3, 4, 32, SCHEDULE.tokens
GEOMETRY = VarGeometry(depth=DEPTH, width=WIDTH, heads=HEADS, vocabulary=40, channels=4, classes=10, schedule=SCHEDULE)
BOOK = torch.randn(40, 4, generator=torch.Generator().manual_seed(3))
SETTINGS = ScaleSettings(SCHEDULE, (Filters(top_k=20, top_p=0.9),), Ramp(1.5))
VARIANCES = ((0.1, 9.0, 0.2, 8.0), (7.0, 7.5, 8.0, 9.0), (0.1, 0.2, 0.3, 0.1))


def contribution(codes: torch.Tensor, scale: int) -> torch.Tensor:
    found = BOOK[codes].movedim(-1, 1)
    return torch.nn.functional.interpolate(found, size=SCHEDULE.sizes[-1], mode="bicubic") / (scale + 1)


ACCUMULATOR = ResidualAccumulator(SCHEDULE, contribution)


def network(**changed: Any) -> VarNetwork:
    made: VarNetwork = drawn(VarNetwork(replace(GEOMETRY, **changed)), 4)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(5)
    return made


@pytest.fixture(scope="module", params=[True, False], ids=["cosine", "plain"])
def host(request: pytest.FixtureRequest) -> VarNetwork:
    return network(cosine=request.param)


def heads(budget: float, **changed: Any) -> HeadBudgets:
    calibration = Calibration(format=1, host={}, samples=1, seed=0, variances=VARIANCES)
    return HeadBudgets(schedule=SCHEDULE, calibration=calibration, budget=budget, **changed)


def layers(budget: float, *large: int) -> LayerBudgets:
    return LayerBudgets(schedule=SCHEDULE, depth=DEPTH, budget=budget, large=large, grid=2)


POLICIES: dict[str, RecordedPolicy] = {
    "scalekv": layers(0.5),
    "scalekv, a large layer": layers(0.5, 1),
    "hack": heads(0.5),
    "hack, few": heads(0.3, contextual_budget=0.05),
    "current-scale": CurrentScale(),
}


def codes_of(host: VarNetwork, policy: RecordedPolicy | None, **changed: Any) -> list[torch.Tensor]:
    settings = replace(SETTINGS, **({"strategy": Forgetting(policy)} if policy else {}), **changed)
    return sampled(host, ACCUMULATOR, settings, [3, 7], [0, 1])[0]


@pytest.mark.parametrize("policy", [layers(1.0), layers(1.0, 0, 2), heads(1.0), heads(1.0, contextual_budget=0.1)])
def test_a_budget_for_everything_is_the_host_bit_for_bit(host: VarNetwork, policy: RecordedPolicy) -> None:
    maps, found = maps_of(ACCUMULATOR, codes_of(host, None)), []
    for cache in (host.make_cache(2, TOKENS), Forgetting(policy).cache(host, 2, TOKENS)):
        with torch.inference_mode():
            shown = host.conditioned(torch.tensor([3, 7]))
            found.append(torch.cat([host.step([seen], k, shown, cache) for k, seen in enumerate(maps)], dim=1))
    assert torch.equal(*found)
    wanted, told = codes_of(host, None), codes_of(host, policy)
    assert all(torch.equal(a, b) for a, b in zip(wanted, told, strict=True))


def test_nothing_but_the_current_scale_is_a_mask_by_level(host: VarNetwork) -> None:
    codes = [part[:1] for part in codes_of(host, CurrentScale())]
    assert not torch.equal(codes[1], codes_of(host, None)[1][:1])
    host_mask, host.mask = host.mask, lambda lengths, past, device: block_diagonal(lengths, device)  # type: ignore[method-assign]
    try:
        maps = maps_of(ACCUMULATOR, codes)
        with torch.inference_mode():
            shown = host.conditioned(torch.tensor([3]))
            whole = host.step(maps, 0, shown, None)
            cache = Forgetting(CurrentScale()).cache(host, 1, TOKENS)
            host.mask = host_mask  # type: ignore[method-assign]
            parts = [host.step([seen], k, shown, cache) for k, seen in enumerate(maps)]
    finally:
        host.mask = host_mask  # type: ignore[method-assign]
    assert (torch.cat(parts, dim=1) - whole).abs().max() < 1e-5
    assert cache.nbytes == 0
    assert cached_against_one_pass(host, ACCUMULATOR, codes, 3) < 1e-5  # the host itself is as it was


@pytest.mark.parametrize("name", POLICIES)
def test_an_image_stands_alone(name: str) -> None:
    check_an_image_stands_alone(network(), ACCUMULATOR, replace(SETTINGS, strategy=Forgetting(POLICIES[name])))


@pytest.mark.parametrize("name", POLICIES)
def test_bytes_are_those_of_the_formula(host: VarNetwork, name: str) -> None:
    policy = POLICIES[name]
    plain = sampled(host, ACCUMULATOR, SETTINGS, [3, 7], [0, 1])[1]
    cost = sampled(host, ACCUMULATOR, replace(SETTINGS, strategy=Forgetting(policy)), [3, 7], [0, 1])[1]
    assert (cost.forward_passes, cost.tokens_computed) == (plain.forward_passes, plain.tokens_computed)
    groups = [policy.groups(layer, HEADS) for layer in range(DEPTH)]
    held = [[0] * len(groups[layer]) for layer in range(DEPTH)]
    one, most = 4 * (WIDTH // HEADS) * (4 + 4), 0  # rows, channels of a head, bytes of a key and of a value

    def now() -> int:
        pairs = [pair for layer in range(DEPTH) for pair in zip(groups[layer], held[layer], strict=True)]
        return sum(one * len(part) * count for part, count in pairs)

    for scale, length in enumerate(SCHEDULE.lengths):
        for layer in range(DEPTH):
            held[layer] = [count + length for count in held[layer]]
            most = max(most, now())
            held[layer] = [min(count, policy.granted(layer, group, scale)) for group, count in enumerate(held[layer])]
    assert (cost.kv_cache_bytes, cost.kv_cache_bytes_at_end) == (most, now())
    assert cost.kv_cache_bytes < plain.kv_cache_bytes == 4 * 2 * DEPTH * TOKENS * WIDTH * 4
    assert any(not torch.equal(a, b) for a, b in zip(codes_of(host, policy), codes_of(host, None), strict=True))


def test_guidance_that_ends_early_halves_what_is_held(host: VarNetwork) -> None:
    whole = codes_of(host, POLICIES["hack"])
    cut = codes_of(host, POLICIES["hack"], guided_scales=3)
    assert all(torch.equal(a, b) for a, b in zip(whole[:3], cut[:3], strict=True))
    assert not torch.equal(whole[3], cut[3])


def test_layers_share_what_large_ones_leave_as_the_authors_tables_have_it() -> None:
    schedule = scale_schedule(1.0, "1M")
    policy = LayerBudgets(schedule=schedule, depth=32, budget=650 / schedule.before(12), large=(0, 23))
    assert policy.capacity == 650
    assert [policy.granted(0, 0, k) for k in range(6, 11)] == [521, 921, 1497, 2521, 4121]
    assert [policy.granted(5, 0, k) for k in range(6, 11)] == [521, 631, 593, 525, 418]
    # budgets/2b_10%_budget.json: 920, 1490, 2510, 4100 and 632, 594, 526, 420
    assert all(2 * policy.granted(0, 0, k) + 30 * policy.granted(5, 0, k) <= 32 * 650 for k in range(7, 11))
    with pytest.raises(UsageError, match=r"layers are 0 to 2"):
        layers(0.5, 3)
    with pytest.raises(UsageError, match=r"budget=0\.0: must be above 0"):
        layers(0.0)


def test_heads_share_the_budget_by_kind() -> None:
    policy = heads(0.5)
    assert policy.contextual == ((0, 2), (), (0, 1, 2, 3))
    few, many = policy.shares  # half of the heads are of contents
    assert (few, many) == (0.125, 0.875)
    assert [len(group) for group in policy.groups(0, 4)] == [2, 2] and policy.groups(1, 4) == [[0, 1, 2, 3]]
    assert (policy.granted(0, 0, 3), policy.granted(0, 1, 3), policy.granted(1, 0, 3)) == (10, 66, 66)
    few, many = heads(0.9).shares
    assert many == 1.0 and abs(few - 0.8) < 1e-12
    for budget in (0.1, 0.5, 0.9, 1.0):
        few, many = heads(budget).shares
        assert abs((few + many) / 2 - budget) < 1e-12


def look(policy: Any, scale: int, group: int, queries: torch.Tensor, keys: torch.Tensor) -> Look:
    count = keys.shape[2]
    return Look(
        *(0, group, scale, torch.arange(count).expand(*keys.shape[:2], -1), keys, keys, queries, lambda: queries),
        torch.zeros(keys.shape[:3]),
    )


def test_structure_keeps_the_first_scales_then_the_newest_then_what_was_looked_at() -> None:
    generator = torch.Generator().manual_seed(0)
    keys = torch.randn(1, 2, TOKENS, 8, generator=generator)
    queries = torch.randn(1, 2, 48, 8, generator=generator)
    found = heads(0.5).importance(look(None, 3, 1, queries, keys))
    order = found.argsort(dim=-1, descending=True)[0, 0].tolist()
    assert sorted(order[:7]) == list(range(7)) and sorted(order[7:55]) == list(range(27, 75))
    few = evenly_spaced(32, 48, torch.device("cpu"))
    by_hand = torch.stack([(keys[0, 0] @ queries[0, 0, query]).softmax(0) for query in few.tolist()]).mean(0)
    assert order[55:] == sorted(range(7, 27), key=lambda place: -float(by_hand[place]))
    contents = heads(0.5).importance(look(None, 3, 0, queries, keys))
    torch.testing.assert_close(contents[0, 0], by_hand)


def test_raw_scores_leave_the_window_out_and_pool_neighbours() -> None:
    generator = torch.Generator().manual_seed(1)
    keys, queries = torch.randn(1, 1, 12, 4, generator=generator), torch.randn(1, 1, 6, 4, generator=generator)
    window = torch.tensor([1, 4])
    found = raw_scores(look(None, 0, 0, queries, keys), window, 3)[0, 0]
    sums = [sum(float(keys[0, 0, place] @ queries[0, 0, one]) for one in (1, 4)) for place in range(12)]
    sums[7] = sums[10] = float("-inf")
    for place in range(12):
        assert found[place] == pytest.approx(max(sums[max(0, place - 1) : place + 2]), abs=1e-5)
    assert grid_centres(20, 20, 4, torch.device("cpu"))[:5].tolist() == [42, 47, 52, 57, 142]
    assert not len(grid_centres(3, 9, 4, torch.device("cpu")))


def test_a_cut_lies_between_what_is_alike() -> None:
    assert 0.3 < natural_cut([0.1, 9.0, 0.2, 8.0, 0.3]) < 8.0
    assert natural_cut([1.0, 1.0]) == float("inf")


@pytest.fixture(scope="module")
def tiny() -> Var:
    return Var.random(**Var.shrunken)


def test_a_calibration_is_of_one_host_and_sealed(tiny: Var, tmp_path: Path) -> None:
    file = tmp_path / "heads.json"
    found = calibrated(tiny, 3, seed=5)
    assert found == calibrated(tiny, 3, seed=5) != calibrated(tiny, 3, seed=6)
    assert len(found.variances) == 2 and all(value > 0 for layer in found.variances for value in layer)
    write_calibration(found, file)
    read = read_calibration(file)
    assert read.variances == found.variances and len(read.digest) == 64
    hosted = Var.random(**Var.shrunken, strategy="hack", budget=0.5, calibration=str(file))
    told = hosted.info.sampler
    assert (told["strategy"], told["strategy_calibration"]) == ("hack", read.digest)
    assert (told["strategy_budget_kept"], told["strategy_attended"]) == (
        0.5,
        "all that was kept, and the whole new scale",
    )
    assert any("not of the model's own distribution" in note for note in hosted.notes)
    with pytest.raises(UsageError, match=r"another host: revision 'random-0', here 'random-1'"):
        Var.random(seed=1, **Var.shrunken, strategy="hack", budget=0.5, calibration=str(file))
    content = json.loads(file.read_text())
    content["variances"][0][0] *= 2
    file.write_text(json.dumps(content))
    with pytest.raises(DamagedFileError, match="damaged, or was edited"):
        read_calibration(file)
    file.write_text("[]")
    with pytest.raises(DamagedFileError):
        read_calibration(file)
    with pytest.raises(UsageError, match="there is no calibration"):
        read_calibration(tmp_path / "none.json")


def test_what_cannot_be_calibrated_is_refused(tiny: Var) -> None:
    with pytest.raises(UsageError, match="must be 1 to 50"):
        calibrated(tiny, 51)
    with pytest.raises(UsageError, match="takes no large_layers"):
        Var.random(**Var.shrunken, strategy="hack", budget=0.5, calibration="x", large_layers=[0])
    with pytest.raises(UsageError, match="needs calibration"):
        Var.random(**Var.shrunken, strategy="hack", budget=0.5)


def test_a_full_cache_tells_its_precision() -> None:
    full = KeyValueCache(GEOMETRY.cache(0), 2, torch.zeros(1, dtype=torch.float16))
    cut = BudgetedCache(GEOMETRY.cache(9), 2, full, CurrentScale())
    key, value = cut.extended(0, torch.ones(2, HEADS, 3, 8), torch.ones(2, HEADS, 3, 8))
    assert key.dtype == value.dtype == torch.float16 and cut.nbytes == 2 * 2 * HEADS * 3 * 8 * 2
