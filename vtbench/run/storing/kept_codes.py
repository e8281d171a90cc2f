"""Codes in the blocks of a job: what a batch's become as arrays, and what is said beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.info import TokenizerInfo
from vtbench.core.outside.tensor_files import Array

KEPT_PREFIX = "kept."
"""Of arrays in a block, a row a scored image: ``kept.0`` holds the first level of its codes."""
KEPT_FORM = "kept_codes"
POOLED_PREFIX = "pooled."
"""Of what codes became, a vector a scored image: ``pooled.latents``, ``pooled.embeddings``."""
_SIXTEEN_BITS = 1 << 16


def kept_arrays(codes: Codes, info: TokenizerInfo) -> dict[str, Array]:
    """Codes of a batch, ``[B,T]`` a level in as few bytes as the codebook allows; bits packed along the last axis."""
    if codes.bits:
        packed = [np.packbits(plane.flatten(1, -2).cpu().numpy(), axis=-1) for plane in codes.bits]
        return {f"{KEPT_PREFIX}{level}": array for level, array in enumerate(packed)}
    pairs = zip(codes.levels, info.codebook_sizes, strict=True)
    return {f"{KEPT_PREFIX}{level}": compact(indices, size) for level, (indices, size) in enumerate(pairs)}


def compact(indices: Tensor, size: int) -> Array:
    """``int64 [B,*grid]`` below ``size`` as ``[B,T]`` on the host, in 16 bits where they hold it, else in 32."""
    array: Array = indices.flatten(1).cpu().numpy()
    return array.astype(np.uint16 if size <= _SIXTEEN_BITS else np.int32)


def kept_form(codes: Codes) -> dict[str, Any]:
    """What a block says of the arrays of :func:`kept_arrays`: the grid of each level, and whether tokens are bits."""
    return {"grids": [list(grid) for grid in codes.grids], "binary": bool(codes.bits)}
