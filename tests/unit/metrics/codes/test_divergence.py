"""Jensen–Shannon divergence of code histograms against scipy."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from vtbench.core.codes import Codes
from vtbench.core.info import TokenizerInfo
from vtbench.metrics.codes.divergence import jensen_shannon
from vtbench.metrics.codes.usage import count_codes


def counted(*levels, sizes):
    info = TokenizerInfo(name="t", kind="discrete", codebook_sizes=sizes)
    return count_codes(Codes(levels=tuple(torch.tensor(level) for level in levels)), info)


def test_it_is_scipys_squared_distance_in_bits():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 12, (2, 1, 500)), rng.integers(5, 16, (2, 1, 300))
    value, tokens = jensen_shannon(counted(first, sizes=(16,)), counted(second, sizes=(16,)))
    histograms = [np.bincount(part.ravel(), minlength=16) for part in (first, second)]
    assert value == pytest.approx(jensenshannon(*histograms, base=2) ** 2, rel=1e-12)
    assert tokens == first.size


def test_equal_histograms_are_0_and_disjoint_ones_1():
    here, there = counted([[0, 1, 1]], sizes=(8,)), counted([[5, 6, 6, 7]], sizes=(8,))
    assert jensen_shannon(here, here)[0] == 0.0
    assert jensen_shannon(here, there)[0] == pytest.approx(1.0)


def test_levels_weigh_by_their_tokens():
    first = counted([[0, 0]], [[0, 0, 0, 0, 0, 0]], sizes=(4, 4))
    second = counted([[1, 1]], [[0, 0, 0, 0, 0, 0]], sizes=(4, 4))
    assert jensen_shannon(first, second)[0] == pytest.approx(0.25)


def test_bits_too_many_to_enumerate_are_compared_bit_by_bit():
    info = TokenizerInfo(name="t", kind="discrete", codebook_sizes=(2**24,))
    zeros, ones = (Codes(bits=(torch.full((1, 4, 24), flag),)) for flag in (False, True))
    assert jensen_shannon(count_codes(zeros, info), count_codes(ones, info))[0] == pytest.approx(1.0)


def test_without_codes_there_is_no_divergence():
    value, tokens = jensen_shannon({}, {})
    assert math.isnan(value) and tokens == 0
