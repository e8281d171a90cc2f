"""Frames, one after another, as one clip in memory, within bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from vtbench.core.errors import SampleError
from vtbench.data.limits import MOST_CLIP_PIXELS

Array = np.ndarray[Any, np.dtype[np.uint8]]


def stacked(name: str, frames: Iterable[Array]) -> Array:
    """Frames ``uint8 [3,H,W]`` to ``uint8 [T,3,H,W]``.

    Raises:
        SampleError: two of different sizes, or more than a clip may hold.
    """
    kept = list(_bounded(name, frames))
    for place, (one, other) in enumerate(pairwise(kept)):
        if one.shape != other.shape:
            sizes = " and ".join("x".join(map(str, frame.shape[1:])) for frame in (one, other))
            raise SampleError(f"{name}: frames {place} and {place + 1} of the clip differ in size: {sizes}")
    return np.stack(kept)


def _bounded(name: str, frames: Iterable[Array]) -> Iterator[Array]:
    pixels = 0
    for frame in frames:
        pixels += frame[0].size
        if pixels > MOST_CLIP_PIXELS:
            raise SampleError(f"{name}: a clip of more than {MOST_CLIP_PIXELS:,} pixels, all frames together")
        yield frame
