"""Where the time of a job went, from the metadata of its blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from vtbench.results.records.schema import ModelCostSection, PerformanceSection


def performance(metas: Sequence[dict[str, Any]], count: int) -> PerformanceSection:
    """Summed over blocks (over workers too, so not wall time under several).

    Args:
        metas: of every block.
        count: samples of the job.
    """
    seconds: dict[str, float] = defaultdict(float)
    for meta in metas:
        for part, spent in meta["seconds"].items():
            seconds[part] += spent
    parts = sum(seconds.values())
    # parts overlap on a GPU; blocks of earlier versions tell no more than theirs
    total = sum(meta.get("wall_s", sum(meta["seconds"].values())) for meta in metas)
    encode, decode, sample = (seconds.pop(part, 0.0) for part in ("encode", "decode", "sample"))
    shares = {"model": encode + decode + sample, **seconds}
    costs = [meta["cost"] for meta in metas if "cost" in meta]
    sampled, passes, tokens = (_sum(costs, part) or 0 for part in ("sampled", "forward_passes", "tokens"))
    return PerformanceSection(
        wall_s=total,
        images_per_s=_rate(count, total),
        encode_images_per_s=_rate(count, encode),
        decode_images_per_s=_rate(count, decode),
        sample_images_per_s=_rate(count, sample),
        forward_passes_per_image=_rate(passes, sampled),
        head_passes_per_image=_rate(_sum(costs, "head_passes"), sampled),
        sample_s_per_image=_rate(sample, count) if sample else None,
        sample_decode_s_per_image=_rate(sample + decode, count) if sample else None,
        steps_per_image=_rate(_sum(costs, "steps"), sampled),
        tokens_sampled_per_image=_rate(tokens, sampled),
        tokens_computed_per_image=_rate(_sum(costs, "tokens_computed"), sampled),
        drafts_proposed=_sum(costs, "drafts_proposed"),
        drafts_accepted=_sum(costs, "drafts_accepted"),
        tokens_per_s=_rate(tokens, sample) if costs else None,
        kv_cache_bytes=_largest(costs, "kv_cache_bytes"),
        kv_cache_bytes_at_end=_largest(costs, "kv_cache_bytes_at_end"),
        weight_bytes=_largest(costs, "weight_bytes"),
        models=_models(costs, sampled),
        shares={part: spent / parts for part, spent in shares.items()} if parts else {},
        peak_memory_mb=max((meta["peak_memory_mb"] for meta in metas if "peak_memory_mb" in meta), default=None),
        events=tuple(event for meta in metas for event in meta["events"]),
    )


def _models(costs: Sequence[dict[str, Any]], sampled: int) -> dict[str, ModelCostSection]:
    """Of each network where several take turns; one that had no turn in some block has the others'."""
    shares: dict[str, list[dict[str, int]]] = defaultdict(list)
    for cost in costs:
        for name, share in cost.get("models", {}).items():
            shares[name].append(share)
    return {
        name: ModelCostSection(
            forward_passes_per_image=_rate(_sum(found, "forward_passes"), sampled),
            tokens_computed_per_image=_rate(_sum(found, "tokens_computed"), sampled),
            kv_cache_bytes=_largest(found, "kv_cache_bytes"),
            kv_cache_bytes_at_end=_largest(found, "kv_cache_bytes_at_end"),
            weight_bytes=_largest(found, "weight_bytes"),
        )
        for name, found in sorted(shares.items())
    }


def _largest(costs: Sequence[dict[str, int]], part: str) -> int | None:
    """Of all blocks that count it."""
    return max((cost[part] for cost in costs if part in cost), default=None)


def _sum(costs: Sequence[dict[str, int]], part: str) -> int | None:
    """Over blocks; ``None`` where one does not count it."""
    counts = [cost.get(part) for cost in costs]
    return sum(count for count in counts if count is not None) if counts and None not in counts else None


def _rate(amount: float | None, per: float) -> float | None:
    return amount / per if amount is not None and per else None
