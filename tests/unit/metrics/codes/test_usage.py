"""Codebook statistics against closed forms and numpy."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch

from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError
from vtbench.core.info import TokenizerInfo
from vtbench.metrics.codes.usage import count_codes, merge_counts, summarise_codes


def info(*sizes, **more):
    return TokenizerInfo(name="toy", kind="discrete", codebook_sizes=sizes, **more)


def levels(*tensors):
    return Codes(levels=tuple(torch.as_tensor(tensor) for tensor in tensors))


def table(counts, about):
    return {(r.metric, r.stratum): r.value for r in summarise_codes(counts, about)}


def entropy_of(indices, size):
    shares = np.bincount(np.ravel(indices), minlength=size) / np.size(indices)
    return -sum(p * math.log2(p) for p in shares if p > 0)


@pytest.mark.parametrize("size", [1, 2, 64, 1000])
def test_uniform_codes_have_all_bits(size):
    codes = levels(torch.arange(size).repeat(6).reshape(2, 3, size))
    found = table(count_codes(codes, info(size)), info(size))
    for stratum in ("level=0", "all"):
        assert found["codebook_usage", stratum] == 1.0
        assert found["code_entropy_bits", stratum] == pytest.approx(math.log2(size), abs=1e-12)
        assert found["codebook_perplexity", stratum] == pytest.approx(size, rel=1e-12)


def test_a_single_code_has_none():
    about = info(512)
    results = summarise_codes(count_codes(levels(torch.full((4, 8, 8), 511)), about), about)
    values = {r.metric: r.value for r in results if r.stratum == "all"}
    assert values == {"codebook_usage": 1 / 512, "codebook_perplexity": 1.0, "code_entropy_bits": 0.0}
    assert {r.n for r in results} == {256}


def test_skewed_codes_equal_numpy():
    indices = np.minimum(np.random.default_rng(0).geometric(0.05, (5, 16, 16)) - 1, 99)
    counts = count_codes(levels(indices), info(100))
    dense = np.bincount(indices.ravel(), minlength=100)
    np.testing.assert_array_equal(counts["level0.values"], np.flatnonzero(dense))
    np.testing.assert_array_equal(counts["level0.counts"], dense[dense > 0])
    assert {array.dtype for array in counts.values()} == {np.dtype(np.int64)}
    found = table(counts, info(100))
    assert found["code_entropy_bits", "all"] == pytest.approx(entropy_of(indices, 100), abs=1e-12)
    assert found["codebook_usage", "all"] == np.count_nonzero(dense) / 100


@pytest.mark.parametrize("shared", [False, True])
def test_several_levels(shared):
    rng = np.random.default_rng(1)
    coarse, fine = rng.integers(0, 8, (3, 2, 2)), rng.integers(4, 16, (3, 8, 8))
    about = info(16, 16, shared_codebook=shared)
    results = summarise_codes(count_codes(levels(coarse, fine), about), about)
    found = {(r.metric, r.stratum): r.value for r in results}
    n = {r.stratum: r.n for r in results}
    assert n == {"level=0": 12, "level=1": 192, "all": 204}
    assert found["code_entropy_bits", "level=1"] == pytest.approx(entropy_of(fine, 16), abs=1e-12)
    both = np.concatenate([coarse.ravel(), fine.ravel()])
    if shared:
        entropy, usage = entropy_of(both, 16), len(np.unique(both)) / 16
    else:
        entropy = (12 * entropy_of(coarse, 16) + 192 * entropy_of(fine, 16)) / 204
        usage = (len(np.unique(coarse)) + len(np.unique(fine))) / 32
    assert found["code_entropy_bits", "all"] == pytest.approx(entropy, abs=1e-12)
    assert found["codebook_perplexity", "all"] == pytest.approx(2**entropy, rel=1e-12)
    assert found["codebook_usage", "all"] == usage


def test_blocks_may_be_cut_anywhere_and_merged_in_any_order():
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 50, (12, 4, 4)), rng.integers(0, 7, (12, 2, 2))
    about = info(50, 7)
    whole = count_codes(levels(a, b), about)
    for cuts in ([0, 12], [0, 1, 5, 12], list(range(13))):
        parts = [count_codes(levels(a[i:j], b[i:j]), about) for i, j in pairwise(cuts)]
        for order in (parts, parts[::-1]):
            merged = merge_counts(order)
            assert set(merged) == set(whole)
            assert all(np.array_equal(merged[name], whole[name]) for name in whole)
    halves = [merge_counts(parts[:5]), {}, merge_counts(parts[5:])]
    assert table(merge_counts(halves), about) == table(whole, about)
    assert merge_counts([]) == {} and summarise_codes({}, about) == []


def test_few_bits_are_enumerated_with_bit_i_weighing_two_to_the_i():
    bits = torch.rand(4, 8, 8, 10, generator=torch.Generator().manual_seed(0)) < 0.3
    indices = sum(bits[..., i].long() << i for i in range(10))
    about = info(1024)
    as_bits, as_indices = count_codes(Codes(bits=(bits,)), about), count_codes(levels(indices), about)
    np.testing.assert_array_equal(as_bits["bits0.values"], as_indices["level0.values"])
    np.testing.assert_array_equal(as_bits["bits0.counts"], as_indices["level0.counts"])
    np.testing.assert_array_equal(as_bits["bits0.ones"], bits.sum((0, 1, 2)).numpy())
    assert table(as_bits, about) == table(as_indices, about)


def test_many_bits_have_an_entropy_each_and_no_usage():
    generator = torch.Generator().manual_seed(0)
    bits = torch.rand(6, 8, 8, 40, generator=generator) < torch.linspace(0, 1, 40)
    about = info(2**40)
    parts = [count_codes(Codes(bits=(bits[i : i + 2],)), about) for i in (0, 2, 4)]
    counts = merge_counts(parts)
    assert set(counts) == {"bits0.ones", "bits0.tokens"}
    results = summarise_codes(counts, about)
    assert [r.stratum for r in results] == [f"level=0,bit={bit}" for bit in range(40)]
    assert {(r.metric, r.n) for r in results} == {("code_entropy_bits", 384)}
    expected = [entropy_of(bits[..., bit].numpy().astype(int), 2) for bit in range(40)]
    np.testing.assert_allclose([r.value for r in results], expected, atol=1e-12)
    assert results[0].value == 0.0 and results[20].value > 0.99


@pytest.mark.parametrize("bad", [-1, 8, 2**40])
def test_an_index_outside_the_codebook_is_named(bad):
    fine = torch.zeros(2, 3, 3, dtype=torch.int64)
    coarse = torch.zeros(2, 2, 2, dtype=torch.int64)
    coarse[1, 0, 1] = bad
    with pytest.raises(AdapterError, match=rf"toy: index {bad} in level 1 is outside \[0, 8\)"):
        count_codes(levels(fine, coarse), info(8, 8))


def test_what_contradicts_the_info_is_refused():
    zeros = torch.zeros(1, 2, 2, dtype=torch.int64)
    with pytest.raises(AdapterError, match="codes of 2 levels, but states 1"):
        count_codes(levels(zeros, zeros), info(8))
    with pytest.raises(AdapterError, match="has 4 bits, but states a codebook of 32"):
        count_codes(Codes(bits=(torch.zeros(1, 2, 2, 4, dtype=torch.bool),)), info(32))
    about = info(4, 8, shared_codebook=True)
    with pytest.raises(AdapterError, match="shared codebook"):
        summarise_codes(count_codes(levels(zeros, zeros), about), about)


def test_latents_and_payloads_have_no_counts():
    continuous = TokenizerInfo(name="vae", kind="continuous")
    assert count_codes(Codes(latents=torch.zeros(1, 4, 2, 2)), continuous) == {}
    assert count_codes(Codes(payload=(b"ab",)), TokenizerInfo(name="jpeg", kind="codec")) == {}
    assert count_codes(levels(torch.zeros(0, 2, 2, dtype=torch.int64)), info(8))["level0.values"].size == 0


def test_summaries_need_no_torch():
    code = (
        "import sys, numpy as np\n"
        "from vtbench.core.info import TokenizerInfo\n"
        "from vtbench.metrics.codes.usage import merge_counts, summarise_codes\n"
        "part = {'level0.values': np.array([1, 3]), 'level0.counts': np.array([2, 2])}\n"
        "info = TokenizerInfo(name='t', kind='discrete', codebook_sizes=(4,))\n"
        "assert summarise_codes(merge_counts([part, part]), info)[0].value == 0.5\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
