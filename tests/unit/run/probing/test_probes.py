"""Probes on codes whose cost is known: orders as truth tables, the order-0 code, a Markov chain's entropy rate."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vtbench.fitting.schedule import share_of_rate
from vtbench.run.probing.fitting import Fit
from vtbench.run.probing.frequencies import log_frequencies, order_zero_nats
from vtbench.run.probing.network import CodeProbe
from vtbench.run.probing.sequences import ORDERS, Geometry, next_scale, next_token
from vtbench.run.probing.store import OrderName
from vtbench.tasks.sections import ProbeSpec

SPEC = ProbeSpec(width=16, blocks=1, heads=2, steps=12, batch=8, warmup=2, learning_rate=0.01, weight_decay=0.0)
SCALES = Geometry(grids=((1, 1), (2, 2), (3, 3)), sizes=(6, 6, 6), shared=True, binary=False)
LEVELS = Geometry(grids=((2, 2), (2, 2)), sizes=(5, 9), shared=False, binary=False)
BITS = Geometry(grids=((1, 1), (2, 2)), sizes=(3, 3), shared=True, binary=True)
EVERY = [SCALES, LEVELS, BITS]


def drawn(geometry: Geometry, count: int, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    if geometry.binary:
        return torch.rand(count, geometry.tokens, geometry.sizes[0], generator=draw) > 0.7
    parts = [
        (torch.rand(count, length, generator=draw) ** 2 * size).long()
        for length, size in zip(geometry.lengths, geometry.sizes, strict=True)
    ]
    return torch.cat(parts, dim=1)


def test_next_token_sees_what_came_before_it() -> None:
    order = next_token(Geometry(grids=((2, 2),), sizes=(4,), shared=False, binary=False))
    assert order.parents.tolist() == [-1, 0, 1, 2]
    assert order.visible.int().tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]


def test_next_scale_sees_coarser_scales_alone() -> None:
    order = next_scale(SCALES)
    # The one token is the parent of 2x2. A middle cell of 3x3 has its centre on an edge: the cell after.
    assert order.parents.tolist() == [-1, 0, 0, 0, 0, 1, 2, 2, 3, 4, 4, 3, 4, 4]
    assert order.visible[0].int().tolist() == [1] + [0] * 13
    assert order.visible[1].int().tolist() == [1] * 5 + [0] * 9
    assert order.visible[13].all()


def test_scales_of_one_dimension_find_their_parents_along_it() -> None:
    order = next_scale(Geometry(grids=((2,), (4,)), sizes=(4, 4), shared=True, binary=False))
    assert order.parents.tolist() == [-1, -1, 0, 0, 1, 1]


def test_only_levels_that_grow_are_scales() -> None:
    assert SCALES.growing and BITS.growing and not LEVELS.growing
    assert LEVELS.tables == (0, 1) and SCALES.tables == (0, 0, 0)


def test_the_order_zero_code_counts_with_half_an_entry_more() -> None:
    geometry = Geometry(grids=((3,),), sizes=(4,), shared=False, binary=False)
    logarithms = log_frequencies(torch.tensor([[0, 0, 1], [0, 2, 0]]), geometry)
    expected = [(count + 0.5) / (6 + 2) for count in (4, 1, 1, 0)]
    assert logarithms[0].exp().tolist() == pytest.approx(expected)
    costs = order_zero_nats(torch.tensor([[3, 0, 3]]), geometry, logarithms)
    assert costs.tolist() == [pytest.approx([-math.log(expected[3]), -math.log(expected[0]), -math.log(expected[3])])]


def test_bits_cost_what_their_shares_say() -> None:
    geometry = Geometry(grids=((2,),), sizes=(2,), shared=True, binary=True)
    tokens = torch.tensor([[[True, False], [True, True]]])
    logits = log_frequencies(tokens, geometry)[0]
    assert logits.sigmoid().tolist() == pytest.approx([2.5 / 3, 1.5 / 3])
    assert order_zero_nats(tokens, geometry, [logits])[0, 0] == pytest.approx(-math.log(2.5 / 3) - math.log(0.5))


@pytest.mark.parametrize("geometry", EVERY)
@pytest.mark.parametrize("order", ORDERS)
def test_a_probe_begins_as_the_order_zero_code(geometry: Geometry, order: OrderName) -> None:
    tokens = drawn(geometry, 30)
    fit = Fit(tokens, geometry, order, SPEC, seed=3)
    expected = order_zero_nats(tokens, geometry, log_frequencies(tokens, geometry)) / math.log(2)
    torch.testing.assert_close(fit.cost(tokens), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("geometry", EVERY)
@pytest.mark.parametrize("order", ORDERS)
def test_no_token_tells_of_itself_or_of_what_comes_later(geometry: Geometry, order: OrderName) -> None:
    tokens = drawn(geometry, 16)
    fit = Fit(tokens, geometry, order, SPEC, seed=0)
    fit.advance(SPEC.steps)
    before = fit.cost(tokens)
    places = torch.arange(geometry.tokens)
    level = torch.repeat_interleave(torch.arange(len(geometry.grids)), torch.tensor(geometry.lengths))
    for changed in range(geometry.tokens):
        other = tokens.clone()
        other[:, changed] = ~other[:, changed] if geometry.binary else (other[:, changed] + 1) % 5
        after = fit.cost(other)
        later = places > changed if order == "next-token" else level > level[changed]
        unmoved = ~later & (places != changed)
        assert torch.equal(after[:, unmoved], before[:, unmoved])
        if later.any():
            assert not torch.equal(after[:, later], before[:, later])


def _chain(count: int, seed: int) -> Tensor:
    """The next of eight symbols in nine cases of ten, else any of the eight."""
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.zeros(count, 24, dtype=torch.int64)
    tokens[:, 0] = torch.randint(8, (count,), generator=draw)
    for place in range(1, 24):
        astray = torch.rand(count, generator=draw) < 0.1
        tokens[:, place] = torch.where(
            astray, torch.randint(8, (count,), generator=draw), (tokens[:, place - 1] + 1) % 8
        )
    return tokens


def test_a_probe_finds_the_entropy_rate_of_a_markov_chain() -> None:
    geometry = Geometry(grids=((24,),), sizes=(8,), shared=False, binary=False)
    spec = ProbeSpec(width=32, blocks=1, heads=2, steps=250, batch=16, warmup=20, learning_rate=0.01, weight_decay=0.0)
    fit = Fit(_chain(400, 1), geometry, "next-token", spec, seed=0)
    fit.advance(spec.steps)
    likely, other = 0.9 + 0.1 / 8, 0.1 / 8
    rate = -likely * math.log2(likely) - 7 * other * math.log2(other)
    expected = (3.0 + 23 * rate) / 24
    held_out = float(fit.cost(_chain(400, 2)).mean())
    assert expected - 0.02 < held_out < expected + 0.06, (held_out, expected)
    assert fit.losses()[-20:].mean() < fit.losses()[:20].mean() / 2


@pytest.mark.parametrize("geometry", [SCALES, BITS])
def test_a_fit_that_stopped_goes_on_to_the_same_bits(geometry: Geometry) -> None:
    tokens = drawn(geometry, 21)
    whole = Fit(tokens, geometry, "next-scale", SPEC, seed=5)
    whole.advance(SPEC.steps)
    first = Fit(tokens, geometry, "next-scale", SPEC, seed=5)
    first.advance(7)
    state = first.state()
    first.advance(3)  # what is kept is not what goes on
    second = Fit(tokens, geometry, "next-scale", SPEC, seed=5)
    second.load(state)
    second.advance(SPEC.steps)
    assert second.done and second.step == SPEC.steps
    assert torch.equal(whole.cost(tokens), second.cost(tokens))
    assert whole.losses().tolist() == second.losses().tolist()


def test_seeds_differ_and_leave_the_global_stream_alone() -> None:
    tokens = drawn(LEVELS, 10)
    torch.manual_seed(9)
    expected = torch.rand(1)
    torch.manual_seed(9)
    fits = [Fit(tokens, LEVELS, "next-token", SPEC, seed) for seed in (0, 1)]
    for fit in fits:
        fit.advance(SPEC.steps)
    assert torch.equal(torch.rand(1), expected)
    assert not torch.equal(fits[0].cost(tokens), fits[1].cost(tokens))


def test_the_learning_rate_rises_in_a_line_and_falls_to_nothing() -> None:
    shares = [share_of_rate(step, 10, 100) for step in range(100)]
    assert shares[0] == pytest.approx(0.1) and shares[9] == shares[10] == 1.0
    assert shares[55] == pytest.approx(0.5) and 0 < shares[99] < 0.001


def test_levels_of_one_codebook_share_their_table() -> None:
    def tables(geometry: Geometry) -> int:
        tokens = drawn(geometry, 4)
        begin = [one.float() for one in log_frequencies(tokens, geometry)]
        return len(CodeProbe(geometry, next_token(geometry), SPEC, begin, 0).heads)

    assert tables(SCALES) == 1 and tables(LEVELS) == 2


@pytest.mark.parametrize("geometry", EVERY)
def test_gradients_of_a_batch_in_parts_are_those_of_the_whole(
    geometry: Geometry, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = drawn(geometry, 20)
    whole = Fit(tokens, geometry, "next-token", SPEC, seed=1)
    monkeypatch.setattr("vtbench.run.probing.fitting._TOKENS_AT_ONCE", 3 * geometry.tokens)
    parted = Fit(tokens, geometry, "next-token", SPEC, seed=1)
    for fit in (whole, parted):
        fit.advance(4)
    torch.testing.assert_close(torch.tensor(whole.losses()[:4]), torch.tensor(parted.losses()[:4]))
    torch.testing.assert_close(whole.cost(tokens), parted.cost(tokens), rtol=1e-3, atol=1e-3)
