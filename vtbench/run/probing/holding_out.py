"""Which images are fitted and which are held out: whole groups, so that no photograph is on both sides."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from vtbench.core.errors import UsageError
from vtbench.tasks.sections import LearnabilitySpec


def held_out(ids: Sequence[str], groups: Sequence[str], spec: LearnabilitySpec) -> list[bool]:
    """Of each image, whether it is held out.

    Where a task names no groups, they are put in the order of a digest of their names, and the first share of them is
    held out, at least one and never all. The order of images, and which others there are, decides nothing but how many
    groups a share is.

    Args:
        ids: of the images.
        groups: what each belongs to; an image without one is a group of its own.
        spec: which groups, or share and seed.

    Raises:
        UsageError: nothing is held out, or nothing is left.
    """
    names = [group or f"\x00{sample_id}" for sample_id, group in zip(ids, groups, strict=True)]
    there = set(names)
    chosen = _share_of(there, spec) if isinstance(spec.held_out, float) else there & set(spec.held_out)
    if not chosen or chosen == there:
        of = f"{len(there)} by {spec.group}" if spec.group else f"{len(there)}"
        raise UsageError(
            f"a probe is fitted on some images and tried on others; of {len(names)} images ({of}) "
            f"{'all' if chosen else 'none'} would be held out",
            "give more with --data or --limit",
        )
    return [name in chosen for name in names]


def _share_of(names: set[str], spec: LearnabilitySpec) -> set[str]:
    assert isinstance(spec.held_out, float)
    ordered = sorted(names, key=lambda name: (_digest(spec.split_seed, name), name))
    return set(ordered[: min(max(1, math.floor(spec.held_out * len(ordered) + 0.5)), len(ordered) - 1)])


def _digest(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}\x00{name}".encode(), digest_size=16).digest()
