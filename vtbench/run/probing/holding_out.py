"""Which images are fitted and which are held out: whole groups, so that no photograph is on both sides."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Sequence

from vtbench.core.errors import UsageError
from vtbench.tasks.sections import HoldingOut


def held_out(ids: Sequence[str], groups: Sequence[str], spec: HoldingOut) -> list[bool]:
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
    names = _units(ids, groups)
    there = set(names)
    if isinstance(spec.held_out, float):
        chosen = share_of(there, spec.held_out, spec.split_seed)
    else:
        chosen = there & set(spec.held_out)
    if not chosen or chosen == there:
        of = f"{len(there)} by {spec.group}" if spec.group else f"{len(there)}"
        raise UsageError(
            f"a probe is fitted on some images and tried on others; of {len(names)} images ({of}) "
            f"{'all' if chosen else 'none'} would be held out",
            "give more with --data or --limit",
        )
    return [name in chosen for name in names]


def held_out_of_each(
    ids: Sequence[str], groups: Sequence[str], labels: Sequence[str], share: float, seed: int
) -> list[bool]:
    """As :func:`held_out` by a share, of the images of each label by themselves; a label of one group keeps it.

    Args:
        ids: of the images.
        groups: what each belongs to; an image without one is a group of its own.
        labels: of the images.
        share: of each label's groups.
        seed: of the choice.

    Raises:
        UsageError: a group of several labels.
    """
    names = _units(ids, groups)
    label_of: dict[str, str] = {}
    of_label: dict[str, set[str]] = {}
    for name, label in zip(names, labels, strict=True):
        if label_of.setdefault(name, label) != label:
            raise UsageError(
                f"images of {name} have labels {label_of[name]} and {label}: no share of one label holds it out whole",
                "name in held_out the groups that are, in a task of your own",
            )
        of_label.setdefault(label, set()).add(name)
    chosen = {name for there in of_label.values() for name in share_of(there, share, seed)}
    return [name in chosen for name in names]


def share_of(names: Collection[str], share: float, seed: int) -> set[str]:
    """The first of some names in the order of their digests: at least one, and never all."""
    ordered = sorted(names, key=lambda name: (_digest(seed, name), name))
    return set(ordered[: min(max(1, math.floor(share * len(ordered) + 0.5)), len(ordered) - 1)])


def _units(ids: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Names of what is held out together."""
    return [group or f"\x00{sample_id}" for sample_id, group in zip(ids, groups, strict=True)]


def _digest(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}\x00{name}".encode(), digest_size=16).digest()
