"""TokBench's preprocessing: fit the whole image into a black square, and undo it on the model's output.

Rule of TokBench (Wu et al. 2025, arXiv 2505.18142) as released: scale by ``size / long side`` with LANCZOS, sides
rounded up, pasted at the centre of a black square (odd margins: extra pixel right and bottom); back by cropping the
margins off and LANCZOS to the original size. A side never exceeds the square, where float rounding would let it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from vtbench.data.pixels import from_pillow, to_pillow

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class UndoSquare:
    """Brings a square back to the image it was made from: crop ``[top:, left:]`` of the inner size, LANCZOS resize."""

    left: int
    top: int
    inner_width: int
    inner_height: int
    width: int
    height: int

    def __call__(self, square: Tensor) -> Tensor:
        """``uint8 [3,size,size]`` to ``uint8 [3,height,width]``; Pillow rounds to nearest."""
        box = (self.left, self.top, self.left + self.inner_width, self.top + self.inner_height)
        inner = to_pillow(square).crop(box)
        return from_pillow(inner.resize((self.width, self.height), Image.Resampling.LANCZOS))


def fit_into_square(image: Tensor, size: int) -> tuple[Tensor, UndoSquare]:
    """``uint8 [3,H,W]`` to ``uint8 [3,size,size]`` and the way back."""
    picture = to_pillow(image)
    scale = size / max(picture.size)
    width, height = (min(size, math.ceil(side * scale)) for side in picture.size)
    left, top = (size - width) // 2, (size - height) // 2
    square = Image.new("RGB", (size, size))
    square.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (left, top))
    return from_pillow(square), UndoSquare(left, top, width, height, picture.width, picture.height)
