"""16-bit colour PNG, which Pillow can only open by dropping the low byte; libpng through torchvision keeps it."""

from __future__ import annotations

from typing import Any

import numpy as np

from vtbench.data.preparing.sound_png import sound_png

Array = np.ndarray[Any, Any]

_BIT_DEPTH_AT, _COLOUR_TYPE_AT = 24, 25
_GRAY = 0


def is_deep_colour_png(data: bytes) -> bool:
    """Whether PNG bytes hold 16 bits a channel in more than one channel (plain 16-bit gray Pillow reads exactly)."""
    return len(data) > _COLOUR_TYPE_AT and data[_BIT_DEPTH_AT] == 16 and data[_COLOUR_TYPE_AT] != _GRAY


def read_deep_png(data: bytes, transparent: object = None) -> Array:
    """``uint8 [H,W,3]`` or, with transparency, ``[H,W,4]``; every channel is ``round(v / 257)``.

    Args:
        data: a whole PNG file.
        transparent: the 16-bit colour that its ``tRNS`` chunk declares clear, if any.

    Raises:
        ValueError: the file is damaged, or the installed torchvision drops the low byte too.
    """
    import torch
    from torchvision.io import ImageReadMode, decode_image

    buffer = torch.frombuffer(bytearray(sound_png(data)), dtype=torch.uint8)
    image = decode_image(buffer, mode=ImageReadMode.UNCHANGED)
    if image.dtype == torch.uint8:
        raise ValueError("this torchvision reads 16-bit PNG as 8 bits; install torchvision 0.20 or later")
    stored = image.numpy()  # uint16 [C,H,W]
    pixels = np.empty((*stored.shape[1:], len(stored)), dtype=np.uint8)
    for channel, values in enumerate(
        stored
    ):  # a channel at a time: wider integers of all would take four times as much
        for row, line in enumerate(values):
            pixels[row, :, channel] = (line.astype(np.uint32) + 128) // 257
    if pixels.shape[2] == 2:
        return pixels[..., [0, 0, 0, 1]]
    if pixels.shape[2] == 3 and isinstance(transparent, tuple):
        clear = np.logical_and.reduce([values == key for values, key in zip(stored, transparent, strict=True)])
        return np.dstack([pixels, np.where(clear, np.uint8(0), np.uint8(255))])
    return pixels
