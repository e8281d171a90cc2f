"""Objectives of the zoo's generators, against other forms of the same."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import truncnorm
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vtbench.generators.sampling.diffusion.process import ALL_STEPS, Process, Step
from vtbench.zoo.generators.codes import ImageCodes
from vtbench.zoo.generators.diffusion_loss import Noised, diffusion_loss, noised
from vtbench.zoo.generators.objectives import OBJECTIVES, share_masked

STEPS = {step.time: step for step in Process(ALL_STEPS).course}


def drawn(count: int = 400) -> tuple[Tensor, Noised]:
    draw = torch.Generator().manual_seed(0)
    clean = torch.randn(count, 4, generator=draw)
    return clean, noised(clean, draw)


def back(step: Step, x: Tensor, noise: Tensor, spread: Tensor) -> Normal:
    """The distribution of a step back, as the sampler's own formula draws from it."""
    still, one = torch.zeros_like(x), torch.ones_like(x)
    mean = step.back(x, noise, spread, still, 1.0)
    return Normal(mean, step.back(x, noise, spread, one, 1.0) - mean)


def test_a_perfect_denoiser_loses_nothing() -> None:
    _, given = drawn()
    perfect = torch.cat([given.noise, torch.full_like(given.noise, -1.0)], dim=-1)
    assert float(diffusion_loss(perfect, given).abs().max()) < 1e-6


def test_values_are_noised_as_the_sampler_undoes_it() -> None:
    clean, given = drawn()
    assert 0 <= int(given.times.min()) < 20 and 980 < int(given.times.max()) < ALL_STEPS
    for row, time in enumerate(given.times[:50].tolist()):
        expected = STEPS[time].noised(clean[row], given.noise[row])
        torch.testing.assert_close(given.values[row], expected, rtol=1e-5, atol=1e-6)


def test_the_spread_costs_the_divergence_of_the_samplers_step_from_the_true_one() -> None:
    clean, given = drawn()
    draw = torch.Generator().manual_seed(1)
    found = torch.cat([given.noise + 0.05 * torch.randn(400, 4, generator=draw), torch.rand(400, 4, generator=draw)], 1)
    losses = diffusion_loss(found, given).double()
    noise, spread = (part.double() for part in found.chunk(2, dim=-1))
    squared = (noise - given.noise.double()).square()
    for row, time in enumerate(given.times.tolist()):
        step, x = STEPS[time], STEPS[time].noised(clean[row].double(), given.noise[row].double())
        if step.last:
            expected = torch.zeros(4, dtype=torch.float64)
        else:
            true = back(step, x, given.noise[row].double(), torch.full_like(x, -1.0))
            expected = kl_divergence(true, back(step, x, noise[row], spread[row])) / math.log(2)
        torch.testing.assert_close(losses[row] - squared[row], expected, rtol=2e-3, atol=2e-5)


def test_the_spread_teaches_no_noise() -> None:
    _, given = drawn()
    found = torch.cat([given.noise + 0.1, torch.zeros_like(given.noise)], dim=-1).requires_grad_()
    (slope,) = torch.autograd.grad(diffusion_loss(found, given).sum(), found)
    torch.testing.assert_close(slope[:, :4], torch.full((400, 4), 0.2), rtol=1e-4, atol=1e-5)
    assert float(slope[:, 4:].abs().max()) > 0


def test_shares_of_masked_places_are_of_the_truncated_normal() -> None:
    uniform = torch.linspace(0.001, 0.999, 41)
    expected = truncnorm.ppf(uniform.double().numpy(), (0.7 - 1) / 0.25, 0, loc=1, scale=0.25)
    assert share_masked(uniform).numpy() == pytest.approx(expected, abs=1e-9)


class Masking:
    """Predicts an entry surely; keeps what it was shown."""

    mask_token = 9

    def __init__(self, surely: int) -> None:
        self.surely = surely

    def predict(self, labels: Tensor, tokens: Tensor) -> Tensor:
        self.shown = tokens
        return torch.zeros(*tokens.shape, 9).index_fill(-1, torch.tensor([self.surely]), math.log(8))


def test_masked_tokens_alone_are_asked_for_in_shares_of_the_arccosine() -> None:
    draw, network = torch.Generator().manual_seed(0), Masking(3)
    tokens = torch.full((2000, 4, 8), 3, dtype=torch.int64)
    loss = OBJECTIVES["masked"](None, network, torch.zeros(2000), ImageCodes((tokens,)), draw)
    assert float(loss) == pytest.approx(math.log(2))  # half the probability is the entry's, the rest eight others'
    masked = network.shown == network.mask_token
    assert bool((network.shown[~masked] == 3).all()) and int(masked.sum(1).min()) >= 1
    shares = masked.double().mean(1).sort().values
    expected = torch.arccos((torch.arange(2000) + 0.5).double() / 2000) * 2 / math.pi
    assert float((shares - expected.flip(0)).abs().max()) < 0.05
