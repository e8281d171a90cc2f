"""Prompts of conditions, and ids of prompts as one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vtbench.core.contracts import Condition
from vtbench.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

PADDED = -1
"""In a batch of ids, what no text stands on."""


def prompts_of(conditions: Sequence[Condition], generator: str) -> list[str]:
    """The prompt of each.

    Raises:
        UsageError: a condition without one.
    """
    if any(condition.prompt is None for condition in conditions):
        raise UsageError(f"{generator} needs a prompt", "it takes no class labels: name a task of prompts")
    return [condition.prompt for condition in conditions if condition.prompt is not None]


def left_padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Ids of ``B`` texts to ``int64 [B,T]``: each ends at the last place, and before it stands :data:`PADDED`."""
    import torch

    length = max(len(row) for row in rows)
    return torch.tensor([[PADDED] * (length - len(row)) + list(row) for row in rows], dtype=torch.int64)
