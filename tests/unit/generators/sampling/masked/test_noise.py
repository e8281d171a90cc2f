"""Random numbers of masked generation: they follow the distribution, replay torch's, and no other sample moves them."""

import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.masked.noise import make_noise

CPU = torch.device("cpu")
RULES = ["inverse-cdf", "torch-gumbel", "torch-multinomial"]


def step(noise, logits, temperature=1.0):
    noise.passed(2)
    return noise.tokens(logits.to(noise.dtype), temperature), noise.gumbel(logits.shape[1])


@pytest.mark.parametrize("rule", RULES)
def test_a_sample_draws_the_same_in_any_company(rule):
    seeds = torch.tensor([1, 2**62, 3])
    logits = torch.randn(4, 3, 6, 9, generator=torch.Generator().manual_seed(0))
    whole, alone = make_noise(rule, seeds, CPU), make_noise(rule, seeds[1:2], CPU)
    for row in logits:
        for together, single in zip(step(whole, row), step(alone, row[1:2]), strict=True):
            assert torch.equal(together[1:2], single)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_tokens_follow_the_softmax_at_their_temperature(rule, temperature):
    shares = torch.tensor([0.5, 0.2, 0.2, 0.1])
    logits = shares.log().expand(1, 40_000, 4)
    tokens, _ = step(make_noise(rule, torch.tensor([4]), CPU), logits, temperature)
    wanted = shares ** (1 / temperature)
    found = torch.bincount(tokens[0], minlength=4) / 40_000
    torch.testing.assert_close(found, wanted / wanted.sum(), atol=0.01, rtol=0)


@pytest.mark.parametrize("rule", RULES)
def test_gumbel_noise_is_gumbel(rule):
    _, noise = step(make_noise(rule, torch.tensor([4]), CPU), torch.zeros(1, 40_000, 2))
    assert noise.mean().item() == pytest.approx(0.5772, abs=0.02)
    assert noise.var().item() == pytest.approx(1.6449, abs=0.06)
    assert torch.isfinite(noise).all()


@pytest.mark.parametrize("rule", RULES)
def test_no_temperature_leaves_the_likeliest(rule):
    logits = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    tokens, _ = step(make_noise(rule, torch.tensor([0, 1]), CPU), logits, 0.0)
    assert torch.equal(tokens, logits.argmax(-1))


def test_multinomial_is_that_of_torch_distributions_for_one_image():
    logits = torch.randn(1, 6, 9, generator=torch.Generator().manual_seed(0))
    tokens, noise = step(make_noise("torch-multinomial", torch.tensor([8]), CPU), logits)
    with torch.random.fork_rng([]):
        torch.manual_seed(8)
        assert torch.equal(tokens, torch.distributions.Categorical(logits.softmax(-1)).sample())
        assert torch.equal(noise, torch.distributions.Gumbel(0.0, 1.0).sample((1, 6)))


def test_a_rule_that_there_is_not_is_refused():
    with pytest.raises(UsageError, match="must be one of inverse-cdf, torch-gumbel, torch-multinomial"):
        make_noise("global", torch.tensor([0]), CPU)
