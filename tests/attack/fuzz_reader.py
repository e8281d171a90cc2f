"""What a reader of outside bytes is to the attacks, and what their files are made with."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_mutation import Damage, damaged_bytes

ROOT = Path(__file__).parents[2]
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 9, 7, 3), dtype=np.uint8)


@dataclass(frozen=True)
class Reader:
    """One reader.

    Attributes:
        file: name, or path, of the damaged file below an empty folder.
        seeds: valid files; made with that folder, which they may furnish.
        read: given the path; what it raises must be expected errors.
    """

    file: str
    seeds: Callable[[Path], Sequence[bytes]]
    read: Callable[[Path], object]
    damage: Damage = damaged_bytes


def saved(save: Callable[[io.BytesIO], object]) -> bytes:
    """What something writes to a stream."""
    stream = io.BytesIO()
    save(stream)
    return stream.getvalue()


def picture(pixels: Any) -> Any:
    """An image of Pillow from ``uint8 [H,W,3]``."""
    from PIL import Image

    return Image.fromarray(pixels)


def can(make: Callable[[], object]) -> bool:
    """Whether this Pillow writes such a file."""
    try:
        make()
    except (KeyError, OSError, ValueError):
        return False
    return True
