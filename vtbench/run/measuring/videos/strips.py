"""A clip as a picture: some of its frames side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

MOST_FRAMES = 8
GAP = 4
_WHITE = 255

Picture = np.ndarray[Any, np.dtype[np.uint8]]


def strip(clip: Picture) -> Picture:
    """``uint8 [T,H,W,3]`` to ``[H,W',3]``: at most :data:`MOST_FRAMES` frames, evenly spaced, the first and last among
    them, with white between.
    """
    places = np.linspace(0, len(clip) - 1, min(MOST_FRAMES, len(clip))).round().astype(int)
    return _joined([clip[place] for place in places], 1)


def below_one_another(clips: Sequence[Picture]) -> Picture:
    """The strips of clips ``uint8 [T,H,W,3]`` of one shape, the first on top."""
    return _joined([strip(clip) for clip in clips], 0)


def frames_last(clip: Tensor) -> Picture:
    """``uint8 [T,3,H,W]``, or an image ``[3,H,W]``, with colours as its last axis."""
    pixels: Picture = np.moveaxis(clip.cpu().numpy(), -3, -1)
    return pixels


def _joined(parts: Sequence[Picture], axis: int) -> Picture:
    shape = list(parts[0].shape)
    shape[axis] = GAP
    gap = np.full(shape, _WHITE, dtype=np.uint8)
    spaced = [piece for part in parts for piece in (gap, part)][1:]
    return np.concatenate(spaced, axis=axis)
