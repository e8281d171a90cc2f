"""Draws: they follow the probabilities, and no other sample can change them."""

import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.draws import draw, make_draws, uniforms


def test_draws_follow_the_probabilities_and_never_take_what_was_cut():
    shares = torch.tensor([[0.5, 0.0, 0.3, 0.2, 0.0]]).double()
    chances = torch.linspace(0, 1, 10_001).double()[:-1]
    tokens = draw(shares.expand(len(chances), -1), chances)
    counts = torch.bincount(tokens, minlength=5) / len(chances)
    torch.testing.assert_close(counts.double(), shares[0], atol=2e-4, rtol=0)
    assert draw(shares, torch.tensor([1 - 2**-53]).double()).item() == 3


def test_each_sample_has_numbers_of_its_own():
    seeds = torch.tensor([5, 9, 2**62])
    whole = uniforms(seeds, 6)
    assert torch.equal(whole[1:2], uniforms(seeds[1:2], 6))
    assert not torch.equal(whole[0], whole[1])
    assert ((whole >= 0) & (whole < 1)).all()


def test_multinomial_draws_are_those_of_torch_for_a_batch_of_one():
    found = torch.rand(40, 3, 50, generator=torch.Generator().manual_seed(0)).softmax(-1)
    draws = make_draws("torch-multinomial", torch.tensor([4, 5, 6]), 40, torch.device("cpu"))
    drawn = torch.stack([draws.next(row) for row in found])
    for column, seed in enumerate((4, 5, 6)):
        generator = torch.Generator().manual_seed(seed)
        alone = [torch.multinomial(row[column : column + 1], 1, generator=generator).item() for row in found]
        assert drawn[:, column].tolist() == alone


@pytest.mark.parametrize("rule", ["inverse-cdf", "torch-multinomial"])
def test_a_sample_draws_the_same_in_any_company(rule):
    found = torch.rand(20, 4, 30, generator=torch.Generator().manual_seed(2)).softmax(-1)
    seeds = torch.tensor([1, 2, 3, 4])
    whole = make_draws(rule, seeds, 20, torch.device("cpu"))
    alone = make_draws(rule, seeds[2:3], 20, torch.device("cpu"))
    for row in found:
        assert whole.next(row)[2] == alone.next(row[2:3])[0]


def test_a_rule_that_there_is_not_is_refused():
    with pytest.raises(UsageError, match="must be inverse-cdf or torch-multinomial"):
        make_draws("gumbel", torch.tensor([0]), 1, torch.device("cpu"))


@pytest.mark.parametrize("rule", ["inverse-cdf", "torch-multinomial"])
def test_several_tokens_at_once(rule):
    """The authors' call over a whole map, for one image; ours takes the numbers that it takes one by one."""
    found = torch.rand(2, 6, 50, generator=torch.Generator().manual_seed(3)).softmax(-1)
    drawn = make_draws(rule, torch.tensor([4, 5]), 6, torch.device("cpu")).next(found)
    for row, seed in enumerate((4, 5)):
        if rule == "torch-multinomial":
            generator = torch.Generator().manual_seed(seed)
            expected = torch.multinomial(found[row], 1, replacement=True, generator=generator)[:, 0]
        else:
            single = make_draws(rule, torch.tensor([seed]), 6, torch.device("cpu"))
            expected = torch.cat([single.next(found[row : row + 1, token]) for token in range(6)])
        assert torch.equal(drawn[row], expected)
