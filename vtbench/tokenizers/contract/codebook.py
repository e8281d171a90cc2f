"""The check of a tokenizer's codebooks, which is an optional part of the contract."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from vtbench.core.contracts import CodebookTokenizer
from vtbench.tokenizers.contract.subject import CheckResult, Evidence, Subject

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.codes import Codes


def check_codebook(subject: Subject, evidence: Evidence) -> CheckResult:
    """Where a tokenizer shows its codebooks, they are whole, and near entries decode to nearer images than far ones."""
    tokenizer, codes = subject.tokenizer, evidence.codes
    assert codes is not None
    rows = tuple(
        tokenizer.codebook(level) if isinstance(tokenizer, CodebookTokenizer) else None
        for level in range(len(codes.levels))
    )
    if not rows or any(found is None for found in rows):
        return CheckResult("codebook", True, "shows none" if codes.levels else "none to enumerate")
    shapes = [list(found.shape) for found in rows if found is not None]
    whole = all(found is not None and found.ndim == 2 and bool(found.isfinite().all()) for found in rows)
    if not whole or [shape[0] for shape in shapes] != list(subject.info.codebook_sizes):
        return CheckResult("codebook", False, f"shapes {shapes}, finite: {whole}; sizes {subject.info.codebook_sizes}")
    near, far = (_replaced(codes, rows, largest) for largest in (False, True))
    errors = [float((subject.decode(other).float().cpu() - evidence.output).square().mean()) for other in (near, far)]
    detail = (
        f"{shapes}; every token the nearest other: mean squared change {errors[0]:.4g}, the farthest {errors[1]:.4g}"
    )
    return CheckResult("codebook", errors[0] <= errors[1], detail)


def _replaced(codes: Codes, rows: tuple[Tensor | None, ...], farthest: bool) -> Codes:
    """Codes whose tokens are all replaced by the nearest other entry of their level, or by the farthest."""
    import torch

    levels = []
    for level, book in zip(codes.levels, rows, strict=True):
        assert book is not None
        unique, place = torch.unique(level, return_inverse=True)
        distances = torch.cdist(book[unique].double(), book.double())
        own = (torch.arange(len(unique), device=unique.device), unique)
        distances[own] = -math.inf if farthest else math.inf
        levels.append((distances.argmax(1) if farthest else distances.argmin(1)).to(level.device)[place])
    return replace(codes, levels=tuple(levels))
