"""How often each code occurs in an image, as rows of a sparse matrix; of bits, how often each is set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def index_shares(tokens: NDArray[np.int64], lengths: Sequence[int], sizes: Sequence[int]) -> Any:
    """Shares of each index in each level: SciPy's ``csr_array`` of ``float64 [N, sum of sizes]``, levels side by side.

    Args:
        tokens: ``int64 [N,T]``, levels one after another.
        lengths: tokens of each level.
        sizes: entries of each level's codebook.
    """
    from scipy.sparse import csr_array

    rows, width = tokens.shape
    first = np.concatenate([[0], np.cumsum(sizes)])
    columns = tokens + np.repeat(first[:-1], lengths)
    weights = np.tile(np.repeat(1.0 / np.asarray(lengths, dtype=np.float64), lengths), rows)
    ends = np.arange(rows + 1, dtype=np.int64) * width
    shares = csr_array((weights, columns.ravel(), ends), shape=(rows, int(first[-1])))
    shares.sum_duplicates()
    return shares


def bit_shares(tokens: NDArray[np.bool_], lengths: Sequence[int]) -> NDArray[np.float64]:
    """Share of a level's tokens that have each bit set, ``float64 [N, levels * nbits]``.

    Args:
        tokens: ``bool [N,T,nbits]``, levels one after another.
        lengths: tokens of each level.
    """
    levels = np.split(tokens, np.cumsum(lengths)[:-1], axis=1)
    return np.concatenate([level.mean(axis=1, dtype=np.float64) for level in levels], axis=1)
