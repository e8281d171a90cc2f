"""The cache: what it holds, what it forgets, and exactly how many bytes it takes."""

import pytest
import torch

from vtbench.networks.key_value_cache import CacheGeometry, KeyValueCache

GEOMETRY = CacheGeometry(depth=2, heads=3, length=7, head_width=4)


def pair(positions, seed=0):
    parts = torch.randn(2, 5, 3, positions, 4, generator=torch.Generator().manual_seed(seed))
    return parts[0], parts[1]


def test_what_was_put_in_comes_back_in_order():
    cache = KeyValueCache(GEOMETRY, 5, torch.zeros(1))
    first, second = pair(2), pair(3, seed=1)
    cache.extended(1, *first)
    cache.advance(2)
    key, value = cache.extended(1, *second)
    assert torch.equal(key, torch.cat([first[0], second[0]], dim=2))
    assert torch.equal(value, torch.cat([first[1], second[1]], dim=2))


def test_a_cut_forgets_what_came_after():
    cache = KeyValueCache(GEOMETRY, 5, torch.zeros(1))
    first = pair(4)
    cache.extended(0, *first)
    cache.advance(4)
    cache.truncate(1)
    more = pair(1, seed=2)
    key, _ = cache.extended(0, *more)
    assert torch.equal(key, torch.cat([first[0][:, :, :1], more[0]], dim=2))
    with pytest.raises(ValueError, match="cannot be cut to 2"):
        cache.truncate(2)


@pytest.mark.parametrize(("dtype", "width"), [(torch.float32, 4), (torch.bfloat16, 2)])
def test_bytes_are_counted_exactly(dtype, width):
    cache = KeyValueCache(GEOMETRY, 5, torch.zeros(1, dtype=dtype))
    assert cache.nbytes == 2 * 2 * 5 * 3 * 7 * 4 * width


def test_halving_keeps_the_first_sequences():
    cache = KeyValueCache(GEOMETRY, 4, torch.zeros(1))
    key, value = (part[:4] for part in pair(2))
    cache.extended(0, key, value)
    cache.advance(2)
    cache.halved()
    kept, _ = cache.extended(0, *(part[:2] for part in pair(1, seed=3)))
    assert torch.equal(kept[:, :, :2], key[:2])
