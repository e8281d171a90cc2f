"""What several passes of sampling took together."""

from __future__ import annotations

from vtbench.core.contracts import SamplingCost


def added(first: SamplingCost | None, second: SamplingCost) -> SamplingCost:
    """Of two loops, one after the other: the larger cache, and all else added up; what one does not count is not told.

    Args:
        first: ``None`` where there was none.
        second: the later one.
    """
    if first is None:
        return second

    def both(name: str) -> int | None:
        one, other = getattr(first, name), getattr(second, name)
        return None if one is None or other is None else one + other

    return SamplingCost(
        forward_passes=first.forward_passes + second.forward_passes,
        tokens=first.tokens + second.tokens,
        kv_cache_bytes=max(first.kv_cache_bytes, second.kv_cache_bytes),
        steps=both("steps"),
        tokens_computed=both("tokens_computed"),
        drafts_proposed=both("drafts_proposed"),
        drafts_accepted=both("drafts_accepted"),
    )
