"""What the passes of a batch took, network by network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vtbench.core.contracts import ModelCost, SamplingCost
from vtbench.generators.sampling.costs import weight_bytes

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.networks.next_scale.attention import ScaleMemory


@dataclass
class Tally:
    """What the passes through one host took so far; ``bytes_now`` is its cache behind the last of them."""

    host: Any
    passes: int = 0
    positions: int = 0
    bytes_held: int = 0
    bytes_now: int = 0

    def passed(self, logits: Tensor, cache: ScaleMemory | None, spared: int = 0) -> None:
        """One more, which made logits ``[R,T,V]``, and computed so many positions less."""
        self.passes += 1
        self.positions += len(logits) * logits.shape[1] - spared
        if cache is not None:
            self.bytes_now = cache.nbytes
            self.bytes_held = max(self.bytes_held, cache.peak_nbytes)

    def told(self) -> ModelCost:
        """As the share of this host."""
        return ModelCost(
            forward_passes=self.passes,
            tokens_computed=self.positions,
            kv_cache_bytes=self.bytes_held,
            kv_cache_bytes_at_end=self.bytes_now,
            weight_bytes=weight_bytes(self.host),
        )


def cost_of(tallies: Mapping[str, Tally], batch: int, tokens: int) -> SamplingCost:
    """Of all hosts together, and of each where there are several: one's cache is gone when the next one's is made.

    Args:
        tallies: by the host's role, in the order in which they were run.
        batch: images.
        tokens: of each.
    """
    every = list(tallies.values())
    passes = sum(one.passes for one in every)
    return SamplingCost(
        forward_passes=passes,
        tokens=batch * tokens,
        kv_cache_bytes=max(one.bytes_held for one in every),
        steps=batch * passes,
        tokens_computed=sum(one.positions for one in every),
        kv_cache_bytes_at_end=every[-1].bytes_now,
        models={role: one.told() for role, one in tallies.items()} if len(every) > 1 else {},
    )
