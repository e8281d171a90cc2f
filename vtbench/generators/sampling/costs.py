"""What several passes of sampling took together, and what the networks weigh that they went through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vtbench.core.contracts import ModelCost, SamplingCost

if TYPE_CHECKING:
    from torch import nn


def added(first: SamplingCost | None, second: SamplingCost) -> SamplingCost:
    """Of two loops of one generator, one after the other: the larger cache, and all else added up; what one does not
    count is not told, nor are shares of several networks.

    Args:
        first: ``None`` where there was none.
        second: the later one, whose cache is that at the end.
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
        head_passes=both("head_passes"),
        kv_cache_bytes_at_end=second.kv_cache_bytes_at_end,
        weight_bytes=second.weight_bytes,
    )


def weight_bytes(*networks: nn.Module) -> int:
    """Bytes of parameters and buffers in their present precision; what networks share counts once."""
    held = {id(tensor): tensor for network in networks for tensor in (*network.parameters(), *network.buffers())}
    return sum(tensor.numel() * tensor.element_size() for tensor in held.values())


def share(cost: SamplingCost, network: nn.Module) -> ModelCost:
    """What a loop took, as that of one network of several."""
    return ModelCost(
        forward_passes=cost.forward_passes,
        tokens_computed=cost.tokens_computed,
        kv_cache_bytes=cost.kv_cache_bytes,
        kv_cache_bytes_at_end=cost.kv_cache_bytes_at_end,
        weight_bytes=weight_bytes(network),
    )


def largest(found: Iterable[int | None]) -> int | None:
    """Of those that are told; ``None`` where none is."""
    return max((one for one in found if one is not None), default=None)
