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


def test_another_rule_is_refused() -> None:
    with pytest.raises(UsageError, match="must be one of by-position, torch-normal"):
        make_latent_noise("inverse-cdf", torch.tensor([0]), CPU)  # type: ignore[arg-type]
