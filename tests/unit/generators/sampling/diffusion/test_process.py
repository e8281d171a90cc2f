"""The process against diffusers' own scheduler, and against closed forms."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.diffusion.denoising import Known, denoise
from vtbench.generators.sampling.diffusion.process import Process, times_of


def test_times_are_evenly_spread_and_rounded_step_by_step() -> None:
    times = times_of(100)
    assert times[:4] == [0, 10, 20, 30] and times[-3:] == [979, 989, 999] and len(set(times)) == 100
    assert times_of(1000) == list(range(1000)) and times_of(2) == [0, 999]


@pytest.mark.parametrize("bound", [0.0, 1.5])
@pytest.mark.parametrize("variance", ["learned-range", "fixed-large"])
def test_all_thousand_steps_are_those_of_diffusers(variance: Any, bound: float) -> None:
    """Respacing aside, one step of diffusers' DDPM with cosine noise, which draws only with a generator of its own."""
    diffusers = pytest.importorskip("diffusers")
    learned = variance == "learned-range"
    scheduler = diffusers.DDPMScheduler(
        beta_schedule="squaredcos_cap_v2",
        variance_type=variance.replace("-", "_"),
        clip_sample=bound > 0,
        clip_sample_range=bound,
    )
    scheduler.set_timesteps(1000)
    generator = torch.Generator().manual_seed(0)
    x, noise = (torch.randn(3, 16, generator=generator) for _ in range(2))
    spread = torch.rand(3, 16, generator=generator) * 2 - 1
    for time in (999, 600, 1, 0):
        step = Process(1000, variance).course[999 - time]
        assert step.time == time
        drawn = torch.randn(3, 16, generator=torch.Generator().manual_seed(7))
        output = torch.cat([noise, spread], dim=1) if learned else noise
        wanted = scheduler.step(output, time, x, generator=torch.Generator().manual_seed(7)).prev_sample
        found = step.back(x, noise, spread if learned else None, drawn, 1.0, bound)
        torch.testing.assert_close(found, wanted, rtol=2e-4, atol=2e-4)


def test_a_perfect_prediction_ends_at_the_clean_values() -> None:
    """Whatever is drawn on the way: the last step returns what the noise is told against."""
    clean = torch.linspace(-2, 2, 32).reshape(2, 16).double()
    process = Process(50, "fixed-large")
    by_time = {step.time: step for step in process.course}

    def predict(x: torch.Tensor, time: int) -> torch.Tensor:
        step = by_time[time]
        return (step.clean_of_noisy * x - clean) / step.clean_of_noise

    generator = torch.Generator().manual_seed(0)
    drawn = iter(torch.randn(51, 2, 16, generator=generator, dtype=torch.float64))
    torch.testing.assert_close(denoise(predict, process, drawn), clean.float(), rtol=0, atol=1e-4, check_dtype=False)


def test_an_error_of_the_noise_is_not_multiplied_beyond_the_bound() -> None:
    """What is off by a hundredth at the first step is off by 200 in the clean values that follow from it."""
    by_time = {step.time: step for step in Process(50).course}

    def wrong(x: torch.Tensor, time: int) -> torch.Tensor:
        noise = (x / by_time[time].scatter).clamp(-1.2, 1.2) + 0.01
        return torch.cat([noise, torch.full_like(x, -1.0)], dim=1)

    drawn = torch.randn(51, 64, 16, generator=torch.Generator().manual_seed(0))
    free, bounded = (denoise(wrong, Process(50, bound=bound), iter(drawn)) for bound in (0.0, 3.0))
    assert free.abs().max() > 1000 and bounded.abs().max() <= 3.0


def test_guidance_is_of_the_noise_and_the_spread_that_of_the_condition() -> None:
    seen: list[int] = []

    def predict(x: torch.Tensor, time: int) -> torch.Tensor:
        seen.append(len(x))
        noise = torch.cat([torch.full((1, 4), 2.0), torch.full((1, 4), 1.0)])[: len(x)]
        return torch.cat([noise, torch.full((len(x), 4), 0.5)], dim=1)

    process = Process(4)
    drawn = list(torch.randn(5, 1, 4, generator=torch.Generator().manual_seed(0)))
    found = denoise(predict, process, iter(drawn), strength=3.0, temperature=0.5)
    x = drawn[0]
    for step, noise in zip(process.course, drawn[1:], strict=True):
        x = step.back(x, torch.full((1, 4), 1.0 + 3.0 * (2.0 - 1.0)), torch.full((1, 4), 0.5), noise, 0.5)
    assert torch.equal(found, x) and seen == [2] * 4
    denoise(predict, process, iter(drawn))
    assert seen[4:] == [1] * 4


def test_known_values_stand_in_every_step_with_the_first_noise_on_them() -> None:
    process, seen = Process(6, "fixed-large"), []

    def predict(x: torch.Tensor, time: int) -> torch.Tensor:
        seen.append(x)
        return torch.zeros_like(x)

    values, masked = torch.full((1, 2, 3), 5.0), torch.tensor([[[True, False, True]]])
    drawn = list(torch.randn(7, 1, 2, 3, generator=torch.Generator().manual_seed(0)))
    denoise(predict, process, iter(drawn), known=Known(values, masked))
    for x, step in zip(seen, process.course, strict=True):
        assert step.signal**2 + step.scatter**2 == pytest.approx(1.0)
        assert torch.equal(x[..., 1], step.signal * values[..., 1] + step.scatter * drawn[0][..., 1])
    assert torch.equal(seen[0][..., 0], drawn[0][..., 0])


def test_at_a_temperature_of_0_nothing_but_the_start_is_drawn() -> None:
    def predict(x: torch.Tensor, time: int) -> torch.Tensor:
        return torch.cat([x * math.cos(time), torch.zeros_like(x)], dim=1)

    first, second = (torch.randn(6, 2, 4, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    second[0] = first[0]
    found = [denoise(predict, Process(5), iter(drawn), temperature=0.0) for drawn in (first, second)]
    assert torch.equal(*found)
    assert not torch.equal(found[0], denoise(predict, Process(5), iter(second)))


@pytest.mark.parametrize("steps", [1, 1001])
def test_steps_out_of_range_are_refused(steps: int) -> None:
    with pytest.raises(UsageError, match="from 2 to 1000"):
        Process(steps)


@pytest.mark.parametrize("bound", [-1.0, math.nan])
def test_a_bound_below_0_is_refused(bound: float) -> None:
    with pytest.raises(UsageError, match=r"clip_denoised=.*must be 0"):
        Process(10, bound=bound)
