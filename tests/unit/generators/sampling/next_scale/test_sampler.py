"""The loop, and the ways in which a strategy may change it: each leaves what it does not change exactly as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from next_scale_cases import cached_against_one_pass, check_an_image_stands_alone, sampled
from sorted_weights import drawn
from torch import Tensor

from vtbench.generators.published.next_scale.var.network import VarGeometry, VarNetwork
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.accumulation import LatestScale, ResidualAccumulator
from vtbench.generators.sampling.next_scale.ramps import Ramp
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule
from vtbench.generators.sampling.next_scale.settings import ScaleSettings
from vtbench.generators.sampling.next_scale.strategy import DrawnScale, ScaleStrategy
from vtbench.networks.key_value_cache import KeyValueCache

SCHEDULE = ScaleSchedule(((1, 1), (2, 3), (3, 4), (4, 6)))
GEOMETRY = VarGeometry(depth=2, width=32, heads=2, vocabulary=40, channels=4, classes=10, schedule=SCHEDULE)
BOOK = torch.randn(40, 4, generator=torch.Generator().manual_seed(3))
SETTINGS = ScaleSettings(SCHEDULE, (Filters(top_k=20, top_p=0.9),), Ramp(1.5))


def vectors(codes: Tensor) -> Tensor:
    return BOOK[codes].movedim(-1, 1)


def contribution(codes: Tensor, scale: int) -> Tensor:
    return torch.nn.functional.interpolate(vectors(codes), size=SCHEDULE.sizes[-1], mode="bicubic") / (scale + 1)


ACCUMULATORS = {"residual": ResidualAccumulator(SCHEDULE, contribution), "latest": LatestScale(SCHEDULE, vectors)}
RESIDUAL = ACCUMULATORS["residual"]


def network(seed: int) -> VarNetwork:
    """With weights large enough that everything depends on everything."""
    made: VarNetwork = drawn(VarNetwork(GEOMETRY), seed)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(5)
    return made


@pytest.fixture(scope="module")
def host() -> VarNetwork:
    return network(4)


def codes_of(host: Any, settings: ScaleSettings, labels: tuple[int, ...] = (3, 7)) -> list[Tensor]:
    return sampled(host, RESIDUAL, settings, labels, range(len(labels)))[0]


def assert_equal(found: list[Tensor], wanted: list[Tensor]) -> None:
    assert len(found) == len(wanted) and all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("kind", ACCUMULATORS)
def test_passes_with_a_cache_are_one_pass_under_the_mask(host: VarNetwork, kind: str) -> None:
    accumulator = ACCUMULATORS[kind]
    codes, cost = sampled(host, accumulator, SETTINGS, [3], [0])
    assert [part.shape for part in codes] == [(1, 1), (1, 6), (1, 12), (1, 24)]
    assert cached_against_one_pass(host, accumulator, codes, 3) < 1e-5
    assert (cost.forward_passes, cost.tokens, cost.tokens_computed, cost.steps) == (4, 43, 86, 4)
    assert cost.kv_cache_bytes == 2 * 2 * 2 * 43 * 32 * 4  # halves, keys and values, depth, tokens, width, float32


@pytest.mark.parametrize("rule", ["inverse-cdf", "torch-multinomial"])
def test_an_image_stands_alone(host: VarNetwork, rule: Any) -> None:
    check_an_image_stands_alone(host, RESIDUAL, replace(SETTINGS, draw=rule))


def test_without_guidance_the_condition_is_alone(host: VarNetwork) -> None:
    codes, cost = sampled(host, RESIDUAL, replace(SETTINGS, guidance=Ramp(0.0)), [3], [0])
    assert (cost.tokens_computed, cost.kv_cache_bytes) == (43, 2 * 2 * 43 * 32 * 4)
    assert_equal(codes, sampled(host, RESIDUAL, replace(SETTINGS, guided_scales=0), [3], [0])[0])


def test_guidance_that_ends_early_changes_what_comes_after_alone(host: VarNetwork) -> None:
    whole, cut = codes_of(host, SETTINGS), codes_of(host, replace(SETTINGS, guided_scales=3))
    assert_equal(cut[:3], whole[:3])
    assert not torch.equal(cut[3], whole[3])
    _, cost = sampled(host, RESIDUAL, replace(SETTINGS, guided_scales=3), [3, 7], [0, 1])
    assert cost.tokens_computed == 2 * (2 * 19 + 24)
    assert cost.kv_cache_bytes_at_end is not None and cost.kv_cache_bytes == 2 * cost.kv_cache_bytes_at_end
    assert not cost.models


@dataclass(frozen=True)
class Handover(ScaleStrategy):
    """The scales from ``at`` on are another network's."""

    other: Any = None
    at: int = 0

    def host_of(self, scale: int, host: Any) -> Any:
        return host if scale < self.at else self.other

    def role_of(self, scale: int) -> str:
        return "first" if scale < self.at else "second"


@pytest.mark.parametrize("at", [1, 2, 3])
def test_an_equal_network_that_takes_over_changes_nothing(host: VarNetwork, at: int) -> None:
    twin = network(4)
    strategy = Handover(other=twin, at=at)
    codes, cost = sampled(host, RESIDUAL, replace(SETTINGS, strategy=strategy), [3, 7], [0, 1])
    assert_equal(codes, codes_of(host, SETTINGS))
    again = 2 * 2 * SCHEDULE.before(at)  # the twin sees what the other has seen, both images and both halves of them
    assert (cost.forward_passes, cost.tokens_computed) == (4, 4 * 43 + again)
    assert cost.kv_cache_bytes == 2 * 4 * 2 * 43 * 32 * 4  # the twin's; the other's was smaller, and gone
    first, second = cost.models["first"], cost.models["second"]
    assert (first.forward_passes, second.forward_passes, list(cost.models)) == (at, 4 - at, ["first", "second"])
    assert first.tokens_computed == again and second.tokens_computed == 4 * 43
    assert (
        first.kv_cache_bytes == 2 * 4 * 2 * SCHEDULE.before(at) * 32 * 4
        and second.kv_cache_bytes == cost.kv_cache_bytes
    )
    assert first.weight_bytes == sum(4 * value.numel() for value in host.state_dict().values())


def test_another_network_changes_its_own_scales_alone(host: VarNetwork) -> None:
    strategy = Handover(other=network(5), at=2)
    whole, found = codes_of(host, SETTINGS), codes_of(host, replace(SETTINGS, strategy=strategy))
    assert_equal(found[:2], whole[:2])
    assert not torch.equal(found[2], whole[2])


@dataclass(frozen=True)
class Short(ScaleStrategy):
    """Leaves out the last scale."""

    def scales(self, schedule: ScaleSchedule) -> int:
        return len(schedule) - 1


def test_scales_that_are_left_out_are_not_predicted(host: VarNetwork) -> None:
    codes, cost = sampled(host, RESIDUAL, replace(SETTINGS, strategy=Short()), [3, 7], [0, 1])
    assert_equal(codes, codes_of(host, SETTINGS)[:3])
    assert (cost.forward_passes, cost.tokens) == (3, 2 * 19)


@dataclass(frozen=True)
class Twice(ScaleStrategy):
    """Draws the second scale again, from the logits of a pass of its own."""

    seen: Any = None

    def draws(self, schedule: ScaleSchedule) -> int:
        return schedule.tokens + schedule.lengths[1]

    def refined(self, drawn: DrawnScale) -> Tensor:
        self.seen.append((drawn.scale, drawn.strength, drawn.guided, tuple(drawn.found.shape)))
        if drawn.scale != 1:
            return drawn.codes
        maps = [None, drawn.accumulator.seen_by(1, drawn.total).repeat(2, 1, 1, 1)]  # type: ignore[arg-type]
        logits = drawn.host.step(maps, 0, drawn.condition, None)[:, 1:]
        codes, found = drawn.draw(logits, drawn.strength)
        torch.testing.assert_close(found, drawn.found, rtol=0, atol=1e-5)
        return codes


def test_a_scale_may_be_drawn_again(host: VarNetwork) -> None:
    strategy = Twice(seen=[])
    codes, cost = sampled(host, RESIDUAL, replace(SETTINGS, strategy=strategy), [3, 7], [0, 1])
    whole = codes_of(host, SETTINGS)
    assert_equal(codes[:1], whole[:1])
    assert not torch.equal(codes[1], whole[1])
    assert cost.forward_passes == 5 and cost.tokens == 2 * 43
    assert strategy.seen == [(k, 0.5 * k, True, (2, length, 40)) for k, length in enumerate(SCHEDULE.lengths)]


class Watching(KeyValueCache):
    """Keeps everything, and what it was asked for."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.asked: list[tuple[int, tuple[int, ...]]] = []
        self.hidden = torch.zeros(0)

    def extended(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        assert (key.norm(dim=-1) - 1).abs().max() < 1e-5  # cosine attention: keys as they are used
        return super().extended(layer, key, value)

    def attended(self, layer: int, query: Tensor, raw: Callable[[], Tensor]) -> None:
        assert raw().shape == query.shape and not torch.equal(raw(), query)
        self.asked.append((layer, tuple(query.shape)))


@dataclass(frozen=True)
class Watched(ScaleStrategy):
    caches: Any = None
    blind: bool = False

    def cache(self, host: Any, rows: int, positions: int) -> Any:
        kind = Blind if self.blind else Watching
        self.caches.append(kind(host.geometry.cache(positions), rows, host.head.weight))
        return self.caches[-1]


class Blind(Watching):
    """Shows a scale itself alone."""

    def extended(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        self.new = key.shape[2]
        return super().extended(layer, key, value)

    def seen(self, layer: int) -> Tensor:  # type: ignore[override]
        shown = self.length + self.new
        return (torch.arange(shown) >= self.length).expand(self.new, shown)


def test_a_cache_of_the_strategys_sees_every_query(host: VarNetwork) -> None:
    strategy = Watched(caches=[])
    assert_equal(codes_of(host, replace(SETTINGS, strategy=strategy)), codes_of(host, SETTINGS))
    (cache,) = strategy.caches
    assert cache.asked == [(layer, (4, 2, length, 16)) for length in SCHEDULE.lengths for layer in range(2)]


def test_a_cache_that_hides_the_past_is_an_uncached_pass_of_each_scale(host: VarNetwork) -> None:
    codes = codes_of(host, replace(SETTINGS, strategy=Watched(caches=[], blind=True)))
    assert not torch.equal(codes[1], codes_of(host, SETTINGS)[1])
    assert_equal(codes, codes_of(host, replace(SETTINGS, strategy=NoCache())))


@dataclass(frozen=True)
class NoCache(ScaleStrategy):
    """A scale sees itself alone."""

    def cache(self, host: Any, rows: int, positions: int) -> None:
        return None


class Pruner:
    """Computes the even positions of wide scales, and gives the others what their left neighbour got."""

    spared = 0

    def __init__(self, everything: bool) -> None:
        self.everything, self.scale, self.places = everything, -1, set()  # type: ignore[var-annotated]

    def at(self, scale: int) -> None:
        self.scale = scale

    def kept(self, place: tuple[int, int], x: Tensor) -> Tensor | None:
        self.places.add(place)
        if self.scale < 3:
            return None
        count = x.shape[1]
        return torch.arange(0, count, 1 if self.everything else 2).expand(len(x), -1)

    def restored(self, place: tuple[int, int], computed: Tensor, kept: Tensor | None) -> Tensor:
        return computed if kept is None or self.everything else computed.repeat_interleave(2, dim=1)


@dataclass(frozen=True)
class Pruned(NoCache):
    everything: bool = True
    made: Any = None

    def pruning(self, schedule: ScaleSchedule) -> Pruner:
        self.made.append(Pruner(self.everything))
        return self.made[-1]  # type: ignore[no-any-return]


def test_positions_left_out_of_branches(host: VarNetwork) -> None:
    whole = codes_of(host, replace(SETTINGS, strategy=NoCache()))
    strategy = Pruned(everything=True, made=[])
    assert_equal(codes_of(host, replace(SETTINGS, strategy=strategy)), whole)
    assert strategy.made[0].places == {(layer, branch) for layer in range(2) for branch in range(2)}
    pruned = codes_of(host, replace(SETTINGS, strategy=Pruned(everything=False, made=[])))
    assert_equal(pruned[:3], whole[:3])
    assert not torch.equal(pruned[3], whole[3])
