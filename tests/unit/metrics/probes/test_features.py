"""Codes as features: histograms against a count of each, pooled vectors against a mean of each."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from vtbench.core.codes import Codes
from vtbench.metrics.probes import pooling
from vtbench.metrics.probes.histograms import bit_shares, index_shares
from vtbench.metrics.probes.pooling import Pooling

DRAW = torch.Generator().manual_seed(0)
LEVELS = (torch.randint(5, (7, 2, 2), generator=DRAW), torch.randint(9, (7, 3, 4), generator=DRAW))
BOOKS = (torch.randn((5, 3), generator=DRAW), torch.randn((9, 2), generator=DRAW))


def test_shares_of_indices_are_counts_over_tokens() -> None:
    tokens = torch.cat([level.flatten(1) for level in LEVELS], dim=1).numpy()
    found = index_shares(tokens, (4, 12), (5, 9)).toarray()
    assert found.shape == (7, 14)
    for row, first, second in zip(found, *LEVELS, strict=True):
        counts = Counter(first.flatten().tolist()), Counter(second.flatten().tolist())
        assert row[:5].tolist() == pytest.approx([counts[0][index] / 4 for index in range(5)])
        assert row[5:].tolist() == pytest.approx([counts[1][index] / 12 for index in range(9)])


def test_shares_of_bits_are_means() -> None:
    bits = np.random.default_rng(0).random((6, 10, 3)) < 0.3
    found = bit_shares(bits, (4, 6))
    assert found.shape == (6, 6)
    for row, image in zip(found, bits, strict=True):
        for bit in range(3):
            assert row[bit] == pytest.approx(sum(image[:4, bit]) / 4)
            assert row[3 + bit] == pytest.approx(sum(image[4:, bit]) / 6)


def test_latents_are_averaged_over_positions() -> None:
    latents = torch.randn((3, 4, 5, 6), generator=DRAW)
    (name, rows), *others = Pooling(lambda level: None)(Codes(latents=latents)).items()
    assert name == "latents" and not others and rows.dtype == torch.float32
    for image in range(3):
        for channel in range(4):
            assert float(rows[image, channel]) == pytest.approx(sum(latents[image, channel].flatten().tolist()) / 30)


@pytest.mark.parametrize("at_once", [1, 100, 1 << 24])
def test_entries_are_averaged_over_positions(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "_VALUES_AT_ONCE", at_once)
    rows = Pooling(BOOKS.__getitem__)(Codes(levels=LEVELS))["embeddings"]
    assert rows.shape == (7, 5)
    for image in range(7):
        means = [sum(book[index] for index in level[image].flatten()) / level[image].numel() for level, book in PAIRS]
        assert torch.allclose(rows[image], torch.cat(means), atol=1e-6)


PAIRS = tuple(zip(LEVELS, BOOKS, strict=True))


def test_the_batch_decides_nothing() -> None:
    asked: list[int] = []
    pool = Pooling(lambda level: asked.append(level) or BOOKS[level])  # type: ignore[func-returns-value]
    whole = pool(Codes(levels=LEVELS))["embeddings"]
    single = [pool(Codes(levels=tuple(level[[image]] for level in LEVELS)))["embeddings"] for image in range(7)]
    assert torch.equal(torch.cat(single), whole)
    assert asked == [0, 1], "a codebook is asked for once"


def test_nothing_is_made_of_what_has_no_entries() -> None:
    pool = Pooling(lambda level: BOOKS[0] if level == 0 else None)
    assert pool(Codes(levels=LEVELS)) == {}
    assert pool(Codes(bits=(torch.ones(2, 4, 3, dtype=torch.bool),))) == {}
    assert pool(Codes(payload=(b"a", b"b"))) == {}
