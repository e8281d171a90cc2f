"""Seals: what a stored file says about its own content, so that one flipped bit, or an edit, is seen when it is read.

A seal is no signature. It tells damage, mixed-up files and edits; whoever makes a new file may seal it, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "sha256"
REPAIR = "give the same vtbench run again: that part is made again; of a copy, get it once more from where it came"
UNSEALED = "carries no digest: it was made by an earlier version of vtbench, or by another tool"


class BrokenSealError(ValueError):
    """Content that is not what its seal says, or that has no seal."""


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """``content`` (plain JSON without infinities) with the SHA-256 of all of it as its last entry."""
    return {**content, SEAL: _digest(content)}


def is_sealed(content: Any) -> bool:
    """Whether there is a seal to be checked."""
    return isinstance(content, Mapping) and SEAL in content


def holds(content: Any) -> bool:
    """Whether there is a seal, and the content is what it was taken of."""
    try:
        unsealed(content)
    except ValueError:  # a broken seal, or content that cannot be one's
        return False
    return True


def unsealed(content: Any) -> dict[str, Any]:
    """What was sealed.

    Raises:
        BrokenSealError: it has no seal, or another content than was sealed.
    """
    if not is_sealed(content):
        raise BrokenSealError(UNSEALED)
    inner = {key: value for key, value in content.items() if key != SEAL}
    if content[SEAL] != _digest(inner):
        raise BrokenSealError("is damaged, or was edited: it is not what its digest was taken of")
    return inner


def _digest(content: Mapping[str, Any]) -> str:
    """In ASCII, so that a path which is no text has a digest, too."""
    text = json.dumps(dict(content), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
