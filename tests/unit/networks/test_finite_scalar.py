"""Finite scalar quantisation: digits, points and how they are bounded."""

from __future__ import annotations

import itertools

import pytest
import torch

from vtbench.networks.finite_scalar import FiniteScalar


@pytest.mark.parametrize("levels", [(3, 4), (8, 5, 2), (5,)])
def test_every_index_is_that_of_its_own_point(levels: tuple[int, ...]) -> None:
    quantiser = FiniteScalar.of(levels)
    every = torch.arange(quantiser.entries)[None]
    points = quantiser.points(every)
    assert points.shape == (1, len(levels), quantiser.entries) and len(points[0].T.unique(dim=0)) == quantiser.entries
    # a value of the bounded latent is a digit; the first channel is the lowest one
    digits = torch.tensor([tuple(reversed(place)) for place in itertools.product(*map(range, reversed(levels)))])
    counts = torch.tensor(levels)
    assert torch.equal(points[0].T, (digits - counts // 2) / (counts // 2))


def test_latents_go_to_the_nearest_bounded_level() -> None:
    quantiser = FiniteScalar.of((5, 4))
    # five levels about 0: tanh(z) * 2.002; four: tanh(z + atanh(0.5 / 1.5015)) * 1.5015 - 0.5
    latents = torch.tensor([[[-9.0, -0.6, 0.0, 0.2, 0.3, 9.0]], [[-9.0, -0.9, 0.0, 0.3, 0.9, 9.0]]]).movedim(0, 1)
    digits = quantiser.indices(latents)
    assert (digits % 5).tolist() == [[0, 1, 2, 2, 3, 4]]
    assert (digits // 5).tolist() == [[0, 1, 2, 2, 3, 3]]


def test_half_precision_is_quantised_in_float32() -> None:
    latents = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).bfloat16()
    quantiser = FiniteScalar.of((8, 8, 5))
    assert torch.equal(quantiser.indices(latents), quantiser.indices(latents.float()))
