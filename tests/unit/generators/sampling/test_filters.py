"""Temperature, top-k and top-p against their definitions written out one row at a time."""

import numpy as np
import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.filters import Filters, probabilities

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
    found = probabilities(LOGITS, Filters(**settings))
    expected = np.stack([by_hand(row, **settings) for row in LOGITS])
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-15)


def test_the_token_that_crosses_top_p_stays():
    logits = torch.tensor([[0.5, 0.3, 0.2]]).double().log()
    assert (probabilities(logits, Filters(top_p=0.6))[0] > 0).tolist() == [True, True, False]
    assert (probabilities(logits, Filters(top_p=0.81))[0] > 0).tolist() == [True, True, True]


def test_permuting_the_vocabulary_permutes_the_result():
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    filters = Filters(0.8, 12, 0.9)
    torch.testing.assert_close(probabilities(LOGITS[:, order], filters), probabilities(LOGITS, filters)[:, order])


def test_greedy_leaves_the_likeliest():
    found = probabilities(LOGITS, Filters(greedy=True))
    assert torch.equal(found.argmax(-1), LOGITS.argmax(-1)) and torch.equal(found.sum(-1), torch.ones(5).double())


def test_the_precision_is_that_of_the_softmax():
    assert probabilities(LOGITS, Filters()).dtype == torch.float64
    single = probabilities(LOGITS, Filters(precision="float32"))
    assert single.dtype == torch.float32
    torch.testing.assert_close(single, LOGITS.float().softmax(-1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, "temperature=0.0: must be above 0"),
        ({"top_k": -1}, "top_k=-1"),
        ({"top_k": 2.5}, "top_k=2.5"),
        ({"top_p": 0.0}, "top_p=0.0"),
        ({"top_p": 1.1}, "top_p=1.1"),
    ],
)
def test_values_out_of_range_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        Filters(**settings)


def test_what_top_p_has_to_cross_matters_at_equality():
    logits = torch.tensor([[0.5, 0.5], [0.75, 0.25]]).double().log()
    exceeded = probabilities(logits, Filters(top_p=0.5))
    reached = probabilities(logits, Filters(top_p=0.5, boundary="reaches"))
    assert (exceeded > 0).sum(-1).tolist() == [2, 1] and (reached > 0).sum(-1).tolist() == [1, 1]
    assert torch.equal(
        probabilities(LOGITS, Filters(top_p=0.7)), probabilities(LOGITS, Filters(top_p=0.7, boundary="reaches"))
    )
    assert "top_p_boundary" not in Filters(top_p=0.5).as_recorded()


def test_a_temperature_behind_the_others_sees_what_they_left():
    filters = Filters(0.5, 10, 0.8, order="top-k, top-p, temperature")
    kept = probabilities(LOGITS, Filters(1.0, 10, 0.8)) > 0
    expected = (LOGITS / 0.5).masked_fill(~kept, -torch.inf).softmax(-1)
    torch.testing.assert_close(probabilities(LOGITS, filters), expected)
    assert (kept != (probabilities(LOGITS, Filters(0.5, 10, 0.8)) > 0)).any()
    assert filters.as_recorded()["filter_order"] == "top-k, top-p, temperature"
