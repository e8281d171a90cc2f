"""Published tensor names to those of another class of the same network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def renamed(state: Mapping[str, Tensor], steps: Sequence[tuple[str, str]]) -> dict[str, Tensor]:
    """The same tensors, every name rewritten by all ``steps`` (pattern, replacement) in order."""
    return {_rewritten(name, steps): tensor for name, tensor in state.items()}


def _rewritten(name: str, steps: Sequence[tuple[str, str]]) -> str:
    for pattern, replacement in steps:
        name = re.sub(pattern, replacement, name)
    return name
