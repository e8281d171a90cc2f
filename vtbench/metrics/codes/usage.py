"""Codebook statistics over a whole set, from sparse counts that add up block by block.

Entropy is the plug-in estimate ``H = -Σ p log2 p`` of the observed frequencies, in bits a token; perplexity is
``2**H``, usage the share of entries seen. All three are low where tokens are few against the codebook: ``n`` says how
many were counted.

Strata: ``level=<i>`` for each level, ``level=<i>,bit=<j>`` for each bit of codes too many to enumerate, and ``all``:
- with a shared codebook, the counts of all levels are one histogram of that codebook;
- otherwise usage is entries seen in all levels over entries of all levels, entropy is the mean of the levels'
  entropies weighted by their tokens, and perplexity 2 to that.
Of codes that cannot be enumerated only the entropy of each bit is known: they have no usage, perplexity or ``all``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vtbench.core.errors import AdapterError

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.codes import Codes
    from vtbench.core.info import TokenizerInfo

Counts = dict[str, NDArray[np.int64]]
ENUMERABLE_BITS = 20
_CHUNK_ELEMENTS = 1 << 24


@dataclass(frozen=True, kw_only=True)
class CodeResult:
    """One code metric on one stratum; ``n`` is the number of tokens counted."""

    metric: str
    stratum: str
    value: float
    n: int


def count_codes(codes: Codes, info: TokenizerInfo) -> Counts:
    """Counts of a batch, additive and sparse; empty for latents and payloads.

    Returns:
        ``level<i>.values`` (sorted, unique) and ``level<i>.counts``; for bits ``bits<i>.ones`` of shape ``[nbits]`` and
        ``bits<i>.tokens`` of shape ``[1]``, with ``bits<i>.values`` and ``bits<i>.counts`` up to 20 bits. All int64.

    Raises:
        AdapterError: the codes do not fit ``info.codebook_sizes``: another number of levels or bits, or an index
            outside [0, K).
    """
    parts = codes.levels or codes.bits
    if not parts:
        return {}
    if len(parts) != len(info.codebook_sizes):
        raise AdapterError(
            f"{info.name} gave codes of {len(parts)} levels, but states {len(info.codebook_sizes)} codebook sizes",
            "TokenizerInfo.codebook_sizes needs one entry a level",
        )
    count = _count_level if codes.levels else _count_bits
    found: Counts = {}
    for level, (tensor, size) in enumerate(zip(parts, info.codebook_sizes, strict=True)):
        found |= count(tensor, level, size, info.name)
    return found


def merge_counts(parts: Iterable[Mapping[str, NDArray[np.int64]]]) -> Counts:
    """The counts of several batches or blocks as one; the order does not matter."""
    collected: dict[str, list[NDArray[np.int64]]] = {}
    for part in parts:
        for name, array in part.items():
            collected.setdefault(name, []).append(array)
    merged: Counts = {}
    for name, arrays in collected.items():
        stem, _, kind = name.rpartition(".")
        if kind in ("ones", "tokens"):
            merged[name] = np.sum(arrays, axis=0, dtype=np.int64)
        elif kind == "values":
            merged[name], merged[f"{stem}.counts"] = _histogram(arrays, collected[f"{stem}.counts"])
    return merged


def summarise_codes(counts: Mapping[str, NDArray[np.int64]], info: TokenizerInfo) -> list[CodeResult]:
    """Usage, perplexity and entropy of merged counts, in strata as the module says; empty without counts.

    Raises:
        AdapterError: a shared codebook whose levels state different sizes.
    """
    results: list[CodeResult] = []
    levels: list[_Histogram] = []
    for level, size in enumerate(info.codebook_sizes):
        histogram = _histogram_of(counts, level, size)
        if histogram is not None:
            levels.append(histogram)
            results += _results(f"level={level}", histogram.seen / size, histogram.entropy, histogram.tokens)
        elif f"bits{level}.ones" in counts:
            results += _bit_results(counts, level)
    if levels and len(levels) == len(info.codebook_sizes):
        results += _shared(levels, info) if info.shared_codebook else _pooled(levels)
    return results


@dataclass(frozen=True)
class _Histogram:
    values: NDArray[np.int64]
    counts: NDArray[np.int64]
    size: int

    @property
    def seen(self) -> int:
        return len(self.values)

    @property
    def tokens(self) -> int:
        return int(self.counts.sum())

    @property
    def entropy(self) -> float:
        return _entropy(self.counts)


def _count_level(indices: Tensor, level: int, size: int, name: str) -> Counts:
    flat = indices.detach().reshape(-1).cpu().numpy()
    values, counts = np.unique(flat, return_counts=True)
    for extreme in values[[0, -1]] if len(values) else ():
        if not 0 <= extreme < size:
            raise AdapterError(
                f"{name}: index {extreme} in level {level} is outside [0, {size})",
                "state the true codebook size in TokenizerInfo.codebook_sizes, or mend encode",
            )
    return {f"level{level}.values": values, f"level{level}.counts": counts.astype(np.int64)}


def _count_bits(bits: Tensor, level: int, size: int, name: str) -> Counts:
    nbits = bits.shape[-1]
    if size != 2**nbits:
        raise AdapterError(
            f"{name}: level {level} has {nbits} bits, but states a codebook of {size} entries",
            f"a codebook of {nbits} bits has 2**{nbits} = {2**nbits} entries",
        )
    rows = bits.detach().reshape(-1, nbits).cpu().numpy()
    found: Counts = {
        f"bits{level}.ones": rows.sum(0, dtype=np.int64),
        f"bits{level}.tokens": np.array([len(rows)], dtype=np.int64),
    }
    if nbits <= ENUMERABLE_BITS:
        weights = 1 << np.arange(nbits, dtype=np.int64)
        step = max(1, _CHUNK_ELEMENTS // nbits)
        chunks = [rows[start : start + step] @ weights for start in range(0, len(rows), step)]
        values, counts = np.unique(np.concatenate(chunks or [np.empty(0, np.int64)]), return_counts=True)
        found |= {f"bits{level}.values": values, f"bits{level}.counts": counts.astype(np.int64)}
    return found


def _histogram(
    values: list[NDArray[np.int64]], counts: list[NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    unique, place = np.unique(np.concatenate(values), return_inverse=True)
    total = np.zeros(len(unique), dtype=np.int64)
    np.add.at(total, place, np.concatenate(counts))
    return unique, total


def _histogram_of(counts: Mapping[str, NDArray[np.int64]], level: int, size: int) -> _Histogram | None:
    for stem in (f"level{level}", f"bits{level}"):
        if f"{stem}.values" in counts:
            return _Histogram(counts[f"{stem}.values"], counts[f"{stem}.counts"], size)
    return None


def _entropy(counts: NDArray[np.int64]) -> float:
    """Bits; 0 for a single value, NaN for none. Summed exactly, so that the order of counts cannot matter."""
    total = int(counts.sum())
    if total == 0:
        return math.nan
    shares = counts[counts > 0] / total
    return abs(math.fsum(shares * np.log2(shares)))


def _results(stratum: str, usage: float, entropy: float, tokens: int) -> list[CodeResult]:
    values: dict[str, Any] = {
        "codebook_usage": usage,
        "codebook_perplexity": 2.0**entropy,
        "code_entropy_bits": entropy,
    }
    return [CodeResult(metric=metric, stratum=stratum, value=value, n=tokens) for metric, value in values.items()]


def _bit_results(counts: Mapping[str, NDArray[np.int64]], level: int) -> list[CodeResult]:
    tokens = int(counts[f"bits{level}.tokens"][0])
    return [
        CodeResult(
            metric="code_entropy_bits",
            stratum=f"level={level},bit={bit}",
            value=_entropy(np.array([ones, tokens - ones])),
            n=tokens,
        )
        for bit, ones in enumerate(counts[f"bits{level}.ones"])
    ]


def _shared(levels: list[_Histogram], info: TokenizerInfo) -> list[CodeResult]:
    size = levels[0].size
    if any(level.size != size for level in levels):
        raise AdapterError(
            f"{info.name} states a shared codebook, but sizes {info.codebook_sizes}", "a shared codebook has one size"
        )
    values, counts = _histogram([level.values for level in levels], [level.counts for level in levels])
    union = _Histogram(values, counts, size)
    return _results("all", union.seen / size, union.entropy, union.tokens)


def _pooled(levels: list[_Histogram]) -> list[CodeResult]:
    tokens = sum(level.tokens for level in levels)
    usage = sum(level.seen for level in levels) / sum(level.size for level in levels)
    weighted = math.fsum(level.entropy * level.tokens for level in levels if level.tokens)
    return _results("all", usage, weighted / tokens if tokens else math.nan, tokens)
