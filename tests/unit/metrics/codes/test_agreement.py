"""Agreement and drift of two encodings, against counts by hand."""

from __future__ import annotations

import pytest
import torch

from vtbench.core.codes import Codes
from vtbench.metrics.codes.agreement import agreement, drift, mean_agreement, part_names


def test_shares_are_of_all_tokens_and_of_each_level() -> None:
    first = Codes(levels=(torch.zeros(2, 2, 2, dtype=torch.int64), torch.zeros(2, 6, dtype=torch.int64)))
    coarse, fine = torch.zeros(2, 2, 2, dtype=torch.int64), torch.zeros(2, 6, dtype=torch.int64)
    coarse[0, 0, 1], fine[1, :3] = 5, 7
    found = agreement(first, Codes(levels=(coarse, fine)))
    assert found is not None
    assert found.overall.tolist() == [0.9, 0.7] and found.parts.tolist() == [[0.75, 1.0], [1.0, 0.5]]
    assert part_names((16, 16), 2) == ["level=0", "level=1"]


def test_bits_are_counted_by_themselves() -> None:
    plane = torch.zeros(1, 2, 2, 3, dtype=torch.bool)
    other = plane.clone()
    other[0, 0, 0, 1] = other[0, 1, 1, 1] = other[0, 0, 1, 2] = True
    found = agreement(Codes(bits=(plane,)), Codes(bits=(other,)))
    assert found is not None
    assert found.overall.tolist() == [0.75] and found.parts.tolist() == [[1.0, 0.5, 0.75]]
    assert part_names((8, 4), 5) == [*(f"level=0,bit={bit}" for bit in range(3)), "level=1,bit=0", "level=1,bit=1"]


def test_nothing_is_said_of_codes_that_cannot_be_counted() -> None:
    latents = Codes(latents=torch.zeros(1, 1, 2, 2))
    assert agreement(latents, latents) is None
    assert agreement(Codes(payload=(b"a",)), Codes(payload=(b"a",))) is None
    short, long = (Codes(levels=(torch.zeros(1, n, dtype=torch.int64),)) for n in (3, 4))
    assert agreement(short, long) is None


def test_several_alterations_count_alike() -> None:
    first = Codes(levels=(torch.zeros(1, 4, dtype=torch.int64),))
    halves = [agreement(first, Codes(levels=(torch.tensor([row]),))) for row in ([0, 0, 0, 0], [0, 0, 1, 1])]
    known = [half for half in halves if half is not None]
    assert mean_agreement(known).overall.tolist() == [0.75]


def test_drift_is_the_share_of_variance_that_moved() -> None:
    draw = torch.Generator().manual_seed(0)
    latents = torch.randn(4, 3, 32, 32, generator=draw) * torch.tensor([1.0, 10.0, 0.1])[:, None, None] + 100.0
    noise = torch.randn(4, 3, 32, 32, generator=draw)
    spread = latents.std((2, 3), correction=0, keepdim=True)
    change, variance = drift(latents, latents + 0.1 * spread * noise)
    assert float(change.sum() / variance.sum()) == pytest.approx(0.01, rel=0.05)
    nothing, _ = drift(latents, latents)
    assert float(nothing.sum()) == 0.0
