"""Weights for goldens of next-scale generators, made by one stream of normal numbers, so that none need be stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import torch


def drawn(module: Any, seed: int, *, kept: Sequence[str] = (), published: Callable[[str], str] = str) -> Any:
    """The module with every parameter drawn anew; buffers stay. In evaluation mode.

    One ``Generator().manual_seed(seed)``; for the parameters in the order of their sorted published names
    ``torch.randn(shape, generator=that one) * 0.05``.

    Args:
        module: whose parameters are drawn.
        seed: of the stream.
        kept: names whose numbers are drawn and thrown away.
        published: the module's names to those of the published one.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters(), key=lambda item: published(item[0])):
            numbers = torch.randn(parameter.shape, generator=generator) * 0.05
            if name not in kept:
                parameter.copy_(numbers)
    return module.eval()


def digest(codes: Sequence[torch.Tensor]) -> str:
    """First 12 digits of the SHA-256 of the ``int64`` codes of all scales, one behind the other."""
    return hashlib.sha256(torch.cat([part.flatten() for part in codes]).numpy().tobytes()).hexdigest()[:12]
