"""Whose block is whose, of data in shards."""

from __future__ import annotations

import pytest

from vtbench.run.worker import Worker


@pytest.mark.parametrize("count", [0, 1, 7, 12])
@pytest.mark.parametrize("world", [1, 3, 8])
def test_runs_hold_every_block_once_and_are_equally_long(count: int, world: int) -> None:
    blocks = list(range(count))
    shares = [Worker(rank, world).run_of(blocks) for rank in range(world)]
    assert [block for share in shares for block in share] == blocks
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
