"""The loop over sub-codes, on a host that is a table: what each part is given, and what guidance and draws do to it."""

from __future__ import annotations

import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.draws import DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant, Interval, Linear
from vtbench.generators.sampling.next_token import Prompted
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import strategy_of
from vtbench.generators.sampling.sub_codes import sample_sub_codes
from vtbench.networks.key_value_cache import CacheGeometry, KeyValueCache

SIZES = (5, 7)
NONE = 3


class Table:
    """Logits are a function of the condition, the last token and the first part; it writes down what it was asked."""

    tokens = 4
    sub_codes = 2

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        generator = torch.Generator().manual_seed(2)
        self.first = torch.randn(4, SIZES[1] + 1, SIZES[0], generator=generator)
        self.second = torch.randn(4, SIZES[0], SIZES[1], generator=generator)

    def make_cache(self, batch: int) -> KeyValueCache:
        return KeyValueCache(CacheGeometry(1, 1, self.tokens, 2), batch, torch.zeros(()))

    def prefill(self, condition: torch.Tensor, cache: KeyValueCache) -> torch.Tensor:
        cache.advance(1)
        return torch.stack([condition, torch.full_like(condition, SIZES[1])], dim=-1)

    def step(self, codes: torch.Tensor, cache: KeyValueCache) -> torch.Tensor:
        batch = cache._stored.shape[2]
        assert codes.shape == (batch, 1, 2)
        condition = self.labels[:batch]
        return torch.stack([condition, codes[:, 0, 1]], dim=-1)[:, None]

    def inner(self, hidden: torch.Tensor) -> Inner:
        return Inner(self, hidden)


class Inner:
    nbytes = 3

    def __init__(self, table: Table, hidden: torch.Tensor) -> None:
        self.table, self.hidden = table, hidden

    def logits(self, part: int, last: torch.Tensor | None) -> torch.Tensor:
        self.table.asked.append((part, len(self.hidden)))
        condition, before = self.hidden.unbind(-1)
        return self.table.first[condition, before] if last is None else self.table.second[condition, last]


def sampled(settings: SamplerSettings, labels: list[int], seeds: list[int]) -> tuple[torch.Tensor, Table, int]:
    table = Table()
    shown = torch.tensor(labels)
    table.labels = torch.cat([shown, torch.full_like(shown, NONE)])
    codes, cost = sample_sub_codes(table, Prompted(shown, torch.full_like(shown, NONE)), settings, torch.tensor(seeds))
    assert (cost.forward_passes, cost.tokens) == (4, 4 * len(labels))
    return codes, table, cost.kv_cache_bytes


def test_greedy_parts_are_those_of_the_tables() -> None:
    codes, table, held = sampled(SamplerSettings(Filters(greedy=True)), [1], [0])
    before = SIZES[1]
    for first, second in codes[0].tolist():
        assert first == int(table.first[1, before].argmax()) and second == int(table.second[1, first].argmax())
        before = second
    assert table.asked == [(0, 1), (1, 1)] * 4
    assert held == 2 * 4 * 2 * 4 + 3  # keys and values, positions, width, float32; and what the inner model keeps


def test_each_part_has_its_own_guidance_and_filters() -> None:
    settings = SamplerSettings(Filters(greedy=True), Constant(1.0), further=((Filters(greedy=True), Constant(3.0)),))
    codes, table, _ = sampled(settings, [1], [0])
    first, second = codes[0, 0].tolist()
    assert first == int(table.first[1, SIZES[1]].argmax())
    guided = table.second[NONE] + 3 * (table.second[1] - table.second[NONE])
    assert second == int(guided[first].argmax())
    assert table.asked == [(0, 2), (1, 2)] * 4


def test_the_batch_is_halved_when_no_part_is_guided_any_more() -> None:
    settings = SamplerSettings(Filters(), Interval(2.0, 0), further=((Filters(), Interval(2.0, 1)),))
    _, table, _ = sampled(settings, [1, 2], [0, 1])
    assert [rows for _, rows in table.asked] == [4] * 6 + [2] * 2


@pytest.mark.parametrize("draw", ["inverse-cdf", "torch-multinomial"])
def test_an_image_depends_on_its_condition_and_seed_alone(draw: DrawRule) -> None:
    precision = "float32" if draw == "torch-multinomial" else "float64"
    settings = SamplerSettings(Filters(0.9, precision=precision), Linear(2.0), draw)
    whole, _, _ = sampled(settings, [1, 2, 1], [5, 6, 7])
    for row, (label, seed) in enumerate(((1, 5), (2, 6), (1, 7))):
        assert torch.equal(sampled(settings, [label], [seed])[0][0], whole[row])
    assert not torch.equal(whole[0], whole[2])


def test_parts_that_differ_are_recorded_as_lists() -> None:
    alike = SamplerSettings(Filters(1.1), Constant(2.0))
    assert alike.part(1) == alike and alike.as_recorded()["temperature"] == 1.1
    settings = SamplerSettings(Filters(1.1), Constant(2.0), further=((Filters(1.0), Constant(2.0)),))
    assert settings.part(1) == SamplerSettings(Filters(1.0), Constant(2.0))
    recorded = settings.as_recorded()
    assert recorded["temperature"] == [1.1, 1.0] and recorded["cfg_scale"] == 2.0


def test_positions_are_counted_with_those_of_guidance_and_a_strategy_is_refused() -> None:
    table = Table()
    shown = torch.tensor([1, 2])
    table.labels = torch.cat([shown, torch.full_like(shown, NONE)])
    prompted = Prompted(shown, torch.full_like(shown, NONE))
    _, cost = sample_sub_codes(table, prompted, SamplerSettings(Filters(), Interval(2.0, 0)), torch.tensor([0, 1]))
    assert (cost.steps, cost.tokens_computed) == (8, 4 + 4 + 2 + 2)
    with pytest.raises(UsageError, match="take no strategy"):
        sample_sub_codes(
            table, prompted, SamplerSettings(strategy=strategy_of("sjd", 4, "random")), torch.tensor([0, 1])
        )
