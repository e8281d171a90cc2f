"""Orders and normal numbers: each image's own; the replay is what torch and numpy draw after their seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.masked.latent_noise import make_latent_noise

CPU = torch.device("cpu")
CHOSEN = torch.tensor([[True, False, True, False], [False, True, True, False]])


def series(rule: Any, seeds: list[int], chosen: torch.Tensor, guided: bool = True, steps: int = 3) -> torch.Tensor:
    noise = make_latent_noise(rule, torch.tensor(seeds), CPU)
    noise.orders(chosen.shape[1])
    return torch.stack(list(noise.of(chosen, 16, steps, guided)))


@pytest.mark.parametrize("rule", ["by-position", "torch-normal"])
def test_numbers_of_an_image_are_its_own(rule: Any) -> None:
    whole = series(rule, [5, 9], CHOSEN)
    assert whole.shape == (4, 4, 16)
    assert torch.equal(whole[:, 2:], series(rule, [9], CHOSEN[1:])) and not torch.equal(whole[:, :2], whole[:, 2:])
    orders = make_latent_noise(rule, torch.tensor([5, 9]), CPU).orders(64)
    assert torch.equal(orders.sort(dim=1).values, torch.arange(64).expand(2, -1)) and not torch.equal(*orders)


def test_a_token_has_the_same_numbers_whenever_it_is_drawn() -> None:
    at_once = series("by-position", [5], CHOSEN[:1])
    alone = series("by-position", [5], torch.tensor([[False, False, True, False]]), guided=False)
    assert torch.equal(at_once[:, 1:], alone)
    values = series("by-position", [1 << 62], torch.ones(1, 64, dtype=torch.bool)).flatten()
    assert abs(float(values.mean())) < 0.06 and abs(float(values.std()) - 1) < 0.06


@pytest.mark.parametrize("guided", [True, False])
def test_the_replay_draws_what_the_authors_code_draws(guided: bool) -> None:
    np.random.seed(3)
    torch.manual_seed(3)
    order = np.arange(64)
    np.random.shuffle(order)
    count = 4 if guided else 2
    wanted = [torch.randn(2, 16), *(torch.randn(count, 16)[:2] for _ in range(3))]
    assert torch.equal(series("torch-normal", [3], CHOSEN[:1], guided), torch.stack(wanted))
    noise = make_latent_noise("torch-normal", torch.tensor([3, 3 + (1 << 40)]), CPU)
    assert torch.equal(noise.orders(64), torch.from_numpy(order).expand(2, -1)), "numpy's seed has 32 bits"


@pytest.mark.parametrize("rule", ["by-position", "torch-normal"])
def test_maps_of_an_image_are_its_own(rule: Any) -> None:
    def maps(seeds: list[int], step: int = 0) -> torch.Tensor:
        noise = make_latent_noise(rule, torch.tensor(seeds), CPU).part("fine")
        return torch.stack(list(noise.maps(step, (2, 9), 3, True)))

    whole = maps([5, 9])
    assert whole.shape == (4, 2, 2, 9) and torch.equal(whole[:, 1:], maps([9]))
    assert torch.equal(maps([5]), maps([5], 1)) == (rule == "torch-normal"), "the replay's streams go on by themselves"


def test_the_replay_of_maps_gives_as_much_away_before_each_step() -> None:
    torch.manual_seed(3)
    wanted = [torch.randn(1, 4, 9)]
    for _ in range(2):
        torch.randn(2, 4, 9)
        wanted.append(torch.randn(2, 4, 9)[:1])
    noise = make_latent_noise("torch-normal", torch.tensor([3]), CPU)
    assert torch.equal(torch.stack(list(noise.maps(0, (4, 9), 2, True))), torch.stack(wanted))


def test_parts_draw_from_streams_of_their_own() -> None:
    noise = make_latent_noise("by-position", torch.tensor([3]), CPU)
    assert not torch.equal(noise.part("coarse").orders(64), noise.part("fine").orders(64))
    replay = make_latent_noise("torch-normal", torch.tensor([3]), CPU)
    shuffler = np.random.RandomState(3)
    for part in ("coarse", "fine"):
        order = np.arange(16)
        shuffler.shuffle(order)
        assert replay.part(part).orders(16)[0].tolist() == order.tolist()


def test_another_rule_is_refused() -> None:
    with pytest.raises(UsageError, match="must be one of by-position, torch-normal"):
        make_latent_noise("inverse-cdf", torch.tensor([0]), CPU)  # type: ignore[arg-type]
