"""The codes that a generator sampled, in the blocks beside its record: what shows whether two runs made the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vtbench.core.errors import VtbenchError
from vtbench.core.outside.seals import REPAIR
from vtbench.core.outside.tensor_files import Array, check_tensors, open_tensors
from vtbench.results.records.samples import SCORED, Samples

SAMPLED_PREFIX = "sampled."
"""Of arrays in a block, a row a scored sample: ``sampled.0`` holds the first level of the codes."""
_BLOCKS = "blocks"


def read_sampled_codes(folder: Path, rows: Samples) -> dict[str, Array] | None:
    """All levels side by side, ``integer [T]`` by sample id; ``None`` where the run kept none for every sample.

    Args:
        folder: of the job.
        rows: its samples.

    Raises:
        DamagedFileError: a block is not what was written.
    """
    scored = [name for name, status in zip(rows.ids, rows.status, strict=True) if status == SCORED]
    parts = [_of_block(path) for path in sorted((folder / _BLOCKS).glob("*.safetensors"))]
    whole = [part for part in parts if part is not None]
    if not whole or len(whole) < len(parts) or len({part.shape[1] for part in whole}) > 1:
        return None
    codes = np.concatenate(whole)
    return dict(zip(scored, codes, strict=True)) if len(codes) == len(scored) else None


def _of_block(path: Path) -> Array | None:
    check_tensors(path, None, REPAIR)
    with open_tensors(path, REPAIR) as tensors:
        names = sorted(name for name in tensors.keys() if name.startswith(SAMPLED_PREFIX))  # noqa: SIM118
        levels = [np.asarray(tensors.get_tensor(name), dtype=np.int64) for name in names]
    return np.concatenate(levels, axis=1) if levels else None


def equal_shares(before: Path, after: Path, rows: tuple[Samples, Samples]) -> tuple[float, float, int] | str:
    """Over the samples that both runs scored: the share of equal codes, the share of samples whose codes are all equal,
    and how many samples; or, in words, why there is no such share.

    Args:
        before: folder of one job.
        after: of the other.
        rows: of the two.
    """
    try:
        found = [read_sampled_codes(folder, mine) for folder, mine in zip((before, after), rows, strict=True)]
    except VtbenchError as error:
        return error.what
    first, second = found
    if first is None or second is None:
        return "its blocks hold no codes: measure again with --fresh"
    shared = [name for name in first if name in second and first[name].shape == second[name].shape]
    if not shared:
        return "the two share no sample with codes of one length"
    equal = np.stack([first[name] == second[name] for name in shared])
    return float(equal.mean()), float(equal.all(axis=1).mean()), len(shared)
