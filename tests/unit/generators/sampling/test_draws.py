"""Temperature, top-k, top-p and the draw, against their definitions written out one row at a time."""

import numpy as np
import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.draws import SamplerSettings, draw, guide, probabilities, uniforms

LOGITS = torch.randn(5, 40, generator=torch.Generator().manual_seed(0)).double() * 2


def by_hand(row, temperature=1.0, top_k=0, top_p=1.0):
    """Of one row: sort, keep, renormalise."""
    scaled = row.numpy() / temperature
    kept = np.ones(len(scaled), dtype=bool)
    if top_k:
        kept &= scaled >= np.sort(scaled)[-top_k]
    shares = np.where(kept, np.exp(scaled - scaled.max()), 0.0)
    shares /= shares.sum()
    if top_p < 1:
        order = np.argsort(-shares, kind="stable")
        reached = 0.0
        stays = np.zeros(len(shares), dtype=bool)
        for index in order:
            if reached > top_p:
                break
            stays[index] = True
            reached += shares[index]
        shares = np.where(stays, shares, 0.0)
        shares /= shares.sum()
    return shares


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0.3},
        {"temperature": 2.5},
        {"top_k": 1},
        {"top_k": 7},
        {"top_p": 0.5},
        {"top_p": 1e-9},
        {"temperature": 0.7, "top_k": 10, "top_p": 0.8},
    ],
)
def test_probabilities_are_those_of_the_definition(settings):
    found = probabilities(LOGITS, SamplerSettings(**settings))
    expected = np.stack([by_hand(row, **settings) for row in LOGITS])
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-15)


def test_the_token_that_crosses_top_p_stays():
    logits = torch.tensor([[0.5, 0.3, 0.2]]).double().log()
    assert (probabilities(logits, SamplerSettings(top_p=0.6))[0] > 0).tolist() == [True, True, False]
    assert (probabilities(logits, SamplerSettings(top_p=0.81))[0] > 0).tolist() == [True, True, True]


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


def test_guidance_is_linear_from_the_unconditional_logits():
    conditional, unconditional = LOGITS[:1], LOGITS[1:2]
    torch.testing.assert_close(guide(conditional, unconditional, 1.0), conditional)
    torch.testing.assert_close(guide(conditional, unconditional, 0.0), unconditional)
    torch.testing.assert_close(guide(conditional, unconditional, 3.0), 3 * conditional - 2 * unconditional)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, "temperature=0.0: must be above 0"),
        ({"top_k": -1}, "top_k=-1"),
        ({"top_k": 2.5}, "top_k=2.5"),
        ({"top_p": 0.0}, "top_p=0.0"),
        ({"top_p": 1.1}, "top_p=1.1"),
        ({"cfg_scale": -1.0}, "cfg_scale=-1.0"),
    ],
)
def test_values_out_of_range_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        SamplerSettings(**settings)
