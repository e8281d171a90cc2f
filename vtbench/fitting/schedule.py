"""Learning rates."""

from __future__ import annotations

import math


def share_of_rate(step: int, warmup: int, steps: int) -> float:
    """Share of the learning rate at a step: up in a line over the warm-up, then down half a cosine to 0."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
