"""What sampling took, as generators count it, batch by batch, for the metadata of a block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vtbench.core.contracts import ModelCost, SamplingCost

SUMMED = (
    "forward_passes", "tokens", "steps", "tokens_computed", "drafts_proposed", "drafts_accepted", "head_passes",
)  # fmt: skip
LARGEST = ("kv_cache_bytes", "kv_cache_bytes_at_end", "weight_bytes")
"""Of all batches: a shorter last one takes less."""


@dataclass(eq=False)
class CostTally:
    """Counts of a block: those of all networks together, and of each where several take turns."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    models: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def add(self, cost: SamplingCost, images: int) -> None:
        """One more batch, of so many images."""
        self.counts["sampled"] += images
        _add(self.counts, cost)
        for name, share in cost.models.items():
            _add(self.models[name], share)

    def meta(self) -> dict[str, Any]:
        """As metadata; nothing where nothing was counted."""
        if not self.counts:
            return {}
        models: Mapping[str, Any] = {name: dict(counts) for name, counts in self.models.items()}
        return {"cost": {**self.counts, **({"models": models} if models else {})}}


def _add(counts: dict[str, int], cost: SamplingCost | ModelCost) -> None:
    for part in SUMMED:
        if (count := getattr(cost, part, None)) is not None:
            counts[part] += count
    for part in LARGEST:
        if (count := getattr(cost, part)) is not None:
            counts[part] = max(counts[part], count)
