"""Codes of samples against those of training images, at equal positions: how many are equal, and how many in a row."""

from __future__ import annotations

from typing import Any

import numpy as np

Tokens = np.ndarray[Any, np.dtype[Any]]
Counts = np.ndarray[Any, np.dtype[np.int64]]
EQUAL_SHARE = 0.9
"""Of positions: from here on a sample's codes are a copy."""
_SAMPLES, _IMAGES = 128, 1024


class CodeCopies:
    """The training image whose codes each sample has most of, and the longest run that it shares with any.

    Codes are compared position by position, levels one after another in the tokenizer's order; a run is of consecutive
    positions. Training images are looked at part by part, in any parts; nothing of a matrix of pairs is kept. The time
    is that of comparing every token of every pair: some 0.7 ns each on one core.

    Args:
        samples: codes ``[N,T]``, of any dtype that compares.
    """

    def __init__(self, samples: Tokens) -> None:
        self._samples, self.seen = samples, 0
        n = len(samples)
        self.equal: Counts = np.zeros(n, dtype=np.int64)
        self.nearest: Counts = np.full(n, -1, dtype=np.int64)
        self.longest: Counts = np.zeros(n, dtype=np.int64)

    @property
    def tokens(self) -> int:
        """Of a sample."""
        return int(self._samples.shape[1])

    def look_at(self, images: Tokens) -> None:
        """Compare with the next training images, ``[M,T]``.

        Raises:
            ValueError: another number of tokens.
        """
        if images.shape[1] != self._samples.shape[1]:
            raise ValueError(f"{images.shape[1]} tokens an image, {self._samples.shape[1]} a sample")
        for start in range(0, len(images), _IMAGES):
            part = np.ascontiguousarray(images[start : start + _IMAGES].T)
            for first in range(0, len(self._samples), _SAMPLES):
                self._compare(slice(first, first + _SAMPLES), part, self.seen + start)
        self.seen += len(images)

    def copied(self, share: float = EQUAL_SHARE) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """``bool [N]``: whether a training image has the same code in at least that share of positions."""
        return np.asarray((self.nearest >= 0) & (self.equal >= share * self._samples.shape[1]))

    def _compare(self, of: slice, images: Tokens, start: int) -> None:
        samples = np.ascontiguousarray(self._samples[of].T)
        shape = (samples.shape[1], images.shape[1])
        counts, run, longest = (np.zeros(shape, dtype=np.uint32) for _ in range(3))
        for mine, theirs in zip(samples, images, strict=True):
            same = mine[:, None] == theirs[None, :]
            counts += same
            run += 1
            run *= same
            np.maximum(longest, run, out=longest)
        best = counts.argmax(axis=1)
        most = counts[np.arange(len(best)), best].astype(np.int64)
        better = (most > self.equal[of]) | (self.nearest[of] < 0)
        self.equal[of] = np.where(better, most, self.equal[of])
        self.nearest[of] = np.where(better, start + best, self.nearest[of])
        self.longest[of] = np.maximum(self.longest[of], longest.max(axis=1))
