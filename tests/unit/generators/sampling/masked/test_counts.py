"""Places that stay masked: by the authors' own arithmetic at the published settings, and at both ends."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.masked.counts import left_in_order, masked_places

SCHEDULES = ["arccos", "cosine", "linear"]


def counts(schedule, places, steps):
    return [masked_places(schedule, places, step, steps) for step in range(steps)]


@pytest.mark.parametrize("steps", [64, 128, 256])
def test_maskbit_counts_are_those_of_single_precision(steps):
    progress = [torch.tensor((step + 1) / steps) for step in range(steps - 1)]
    shares = [torch.acos(one) / (math.pi * 0.5) for one in progress]
    assert counts("arccos", 512, steps)[:-1] == [int(torch.floor(share * 512)) for share in shares]


@pytest.mark.parametrize(("places", "steps"), [(32, 8), (64, 8), (128, 64)])
def test_titok_counts_are_those_of_numpy(places, steps):
    shares = [np.arccos((step + 1) / steps) / (math.pi * 0.5) for step in range(steps)]
    assert counts("arccos", places, steps) == [int(np.floor(places * share)) for share in shares]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_fewer_and_fewer_stay_masked_and_none_at_the_end(schedule):
    found = counts(schedule, 512, 16)
    assert found[-1] == 0 and all(later < earlier for earlier, later in pairwise(found))
    assert all(0 <= count < 512 for count in found)


def test_schedules_differ_in_the_middle():
    assert [masked_places(schedule, 1000, 4, 10) for schedule in SCHEDULES] == [666, 707, 500]


def test_whole_shares_are_not_lost_to_rounding():
    """1 - 7/10 is less than 3/10 in binary."""
    assert counts("linear", 10, 10) == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert masked_places("arccos", 3, 0, 2) == 2


@pytest.mark.parametrize("places", [16, 64])
def test_places_left_in_a_drawn_order_are_those_of_numpy(places):
    for steps in range(1, places + 1):
        left, wanted = places, []
        for step in range(steps):
            left = max(1, min(left - 1, int(np.floor(places * np.cos(math.pi / 2.0 * (step + 1) / steps)))))
            wanted.append(left)
        found = left_in_order(places, steps)
        assert found == [*wanted[:-1], 0]
        assert all(later < earlier for earlier, later in pairwise([places, *found])), "each step fills some"


def test_a_token_a_step_where_there_are_as_many_and_never_more_steps():
    assert left_in_order(16, 16) == list(range(15, -1, -1))
    assert [before - after for before, after in pairwise([16, *left_in_order(16, 8)])] == [1, 1, 1, 2, 3, 2, 3, 3]
    with pytest.raises(UsageError, match="steps=17: an image has 16 tokens"):
        left_in_order(16, 17)
