"""Weights by an integer rule, so that golden sequences of published modules need no stored weights.

Keys of the state dict are sorted; tensor number j (all keys counted), element i in row-major order, integers modulo
2^32: x = 2654435761 i + 40503 j + 12345; x ^= x >> 16; x = 2246822519 x; x ^= x >> 13; v = x / 2^32 - 1/2. A
one-dimensional ``*norm*weight`` becomes 1 + 0.2 v, all others 0.4 v; whole numbers stay.
"""

from __future__ import annotations

import fnmatch
from typing import Any

import numpy as np
import torch

MASK = np.uint64(0xFFFFFFFF)


def rule(number: int, size: int) -> np.ndarray:
    """``float64 [size]`` in [-1/2, 1/2)."""
    x = np.uint64(2654435761) * np.arange(size, dtype=np.uint64) + np.uint64(40503 * number + 12345) & MASK
    x ^= x >> np.uint64(16)
    x = np.uint64(2246822519) * x & MASK
    x ^= x >> np.uint64(13)
    return x.astype(np.float64) / 2**32 - 0.5


def filled(module: Any, others: tuple[str, ...] = ()) -> Any:
    """The module with every floating tensor of its state dict replaced; in evaluation mode.

    ``others`` are tensors of the published module that this one does without: they count, and nothing else.
    """
    state = module.state_dict()
    with torch.no_grad():
        for number, name in enumerate(sorted([*state, *others])):
            tensor = state.get(name)
            if tensor is not None and tensor.is_floating_point():
                values = rule(number, tensor.numel()).reshape(tuple(tensor.shape))
                norm = tensor.ndim == 1 and fnmatch.fnmatch(name, "*norm*weight")
                tensor.copy_(torch.from_numpy((1 + 0.2 * values if norm else 0.4 * values).astype(np.float32)))
    return module.eval()


def sequences(text: str) -> list[list[int]]:
    """Rows of tokens as a sheet of goldens has them: spaces between tokens, bars between images."""
    return [[int(token) for token in row.split()] for row in text.split("|")]


def drawn_by_name(module: Any, seed: int, scale: float = 0.05) -> Any:
    """The module with normal parameters, drawn in the order of their sorted names from one generator of that seed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, parameter in sorted(module.named_parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
    return module.eval()
