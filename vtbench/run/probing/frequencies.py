"""The order-0 code: what tokens cost when nothing is known but how often each occurs among the images fitted."""

from __future__ import annotations

import torch
from torch import Tensor

from vtbench.run.probing.sequences import Geometry

PSEUDOCOUNT = 0.5
"""Added to each count, so that what was never seen costs something finite (Krichevsky & Trofimov 1981)."""


def log_frequencies(tokens: Tensor, geometry: Geometry) -> list[Tensor]:
    """Natural logarithms of smoothed frequencies, ``float64 [K]`` a table; of bits, logits ``[nbits]``.

    Args:
        tokens: ``int64 [N,T]`` or ``bool [N,T,nbits]``, of the images that are fitted.
        geometry: of the codes.
    """
    found = []
    for table in dict.fromkeys(geometry.tables):
        spans = [span for span, own in zip(geometry.spans, geometry.tables, strict=True) if own == table]
        part = torch.cat([tokens[:, span].flatten(0, 1) for span in spans])
        if geometry.binary:
            ones = part.sum(0, dtype=torch.float64)
            found.append(((ones + PSEUDOCOUNT) / (len(part) - ones + PSEUDOCOUNT)).log())
        else:
            counts = torch.bincount(part, minlength=geometry.sizes[table]).double() + PSEUDOCOUNT
            found.append((counts / counts.sum()).log())
    return found


def order_zero_nats(tokens: Tensor, geometry: Geometry, logarithms: list[Tensor]) -> Tensor:
    """``float64 [N,T]``: what each token costs under these frequencies, in nats."""
    parts = []
    for table, span in zip(geometry.tables, geometry.spans, strict=True):
        part = tokens[:, span]
        if geometry.binary:
            logits = torch.where(part, logarithms[table], -logarithms[table])
            parts.append(-torch.nn.functional.logsigmoid(logits).sum(-1))
        else:
            parts.append(-logarithms[table][part])
    return torch.cat(parts, dim=1)
