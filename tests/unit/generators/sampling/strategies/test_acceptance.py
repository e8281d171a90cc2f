"""One step of accepting and replacing, enumerated; and what grouping changes of it."""

from __future__ import annotations

import pytest
import torch

from vtbench.generators.sampling.strategies.acceptance import Acceptance, GroupedRatio, Ratio, residual


def outcome(acceptance: Acceptance, host: torch.Tensor, draft: torch.Tensor) -> torch.Tensor:
    """``[V]``: the chance of each token after one draft from ``draft``, by enumeration."""
    size = len(host)
    tokens = torch.arange(size)
    chance = acceptance.chance(host.expand(size, -1), draft.expand(size, -1), tokens).clamp(max=1).nan_to_num(0)
    stays = draft * chance
    left = residual(host, draft)
    return stays + (1 - stays.sum()) * left / left.sum()


@pytest.mark.parametrize("size", [2, 3, 6])
def test_one_step_is_the_host_exactly(size: int) -> None:
    generator = torch.Generator().manual_seed(size)
    for _ in range(20):
        host, draft = (torch.rand(size, generator=generator, dtype=torch.float64).square() for _ in range(2))
        host[0] = 0
        host, draft = host / host.sum(), draft / draft.sum()
        torch.testing.assert_close(outcome(Ratio(), host, draft), host, rtol=0, atol=1e-12)
        certain = torch.zeros(size, dtype=torch.float64)
        certain[size - 1] = 1
        torch.testing.assert_close(outcome(Ratio(), host, certain), host, rtol=0, atol=1e-12)


def test_equal_distributions_accept_all() -> None:
    host = torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=torch.float64)
    tokens = torch.arange(3)
    chance = Ratio().chance(host.expand(3, -1), host.expand(3, -1), tokens)
    assert torch.equal(chance, torch.ones(3, dtype=torch.float64))
    assert torch.equal(residual(host, host), host)


def test_a_group_of_one_is_the_plain_ratio() -> None:
    generator = torch.Generator().manual_seed(0)
    host, draft = (torch.rand(9, 30, generator=generator, dtype=torch.float64).softmax(-1) for _ in range(2))
    tokens = torch.randint(30, (9,), generator=generator)
    plain = Ratio().chance(host, draft, tokens)
    assert torch.equal(GroupedRatio(half=0).chance(host, draft, tokens), plain)
    torch.testing.assert_close(GroupedRatio(near=1e-12).chance(host, draft, tokens), plain)
    assert not torch.allclose(GroupedRatio().chance(host, draft, tokens), plain)


def test_a_group_is_of_ranks_and_near_probabilities() -> None:
    """Twenty tokens in order of probability: the group of rank 12 with half 2 is ranks 10 to 13."""
    host = torch.arange(1, 21, dtype=torch.float64) / 210
    draft = torch.full((20,), 0.05, dtype=torch.float64)
    chance = GroupedRatio(half=2).chance(host[None], draft[None], torch.tensor([12]))
    assert chance.item() == pytest.approx(float(host[10:14].sum()) / 0.2)
    near = GroupedRatio(half=2, near=1.5 / 210).chance(host[None], draft[None], torch.tensor([12]))
    assert near.item() == pytest.approx(float(host[11:14].sum()) / 0.15)
    at_the_end = GroupedRatio(half=2).chance(host[None], draft[None], torch.tensor([19]))
    assert at_the_end.item() == pytest.approx(float(host[17:].sum()) / 0.15)
    least = GroupedRatio(half=2).chance(host[None], draft[None], torch.tensor([1]))
    assert least.item() == pytest.approx(float(host[1]) / 0.05)


def test_grouping_moves_the_distribution() -> None:
    generator = torch.Generator().manual_seed(3)
    host, draft = (torch.rand(6, generator=generator, dtype=torch.float64).square() for _ in range(2))
    host, draft = host / host.sum(), draft / draft.sum()
    assert (outcome(GroupedRatio(half=2, near=1.0), host, draft) - host).abs().max() > 0.01
