"""``boxes``: any reader on given word boxes, each cut out and read as an image of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import parse_reference
from vtbench.readers.contract import Box, Reader, ReaderIdentity, check_image

if TYPE_CHECKING:
    from torch import Tensor


class CropReader:
    """Recognition on given boxes by a reader of whole images; nothing outside a box is seen.

    A box is cut as :func:`crop` says and surrounded by its own edge pixels, since engines that look for text miss what
    touches the border. What is read becomes one line: its runs of whitespace are single spaces. A box without pixels
    reads as the empty string.

    Args:
        reader: reference of the reader, such as ``rapidocr``; with arguments in quotes, as in
            ``boxes,reader='tesseract,lang=deu'``.
        margin: width of the surround, in heights of the box.

    Raises:
        UsageError: unknown reader, wrong arguments, or a negative margin.
        AssetMissingError: the reader's engine or models are not installed.
    """

    def __init__(self, reader: str, margin: float = 0.25) -> None:
        from vtbench.readers import READERS

        if margin < 0:
            raise UsageError(f"boxes: margin must not be negative, got {margin}", "the default is 0.25")
        self._reader: Reader = READERS.create(parse_reference(reader))
        self._margin = float(margin)
        self.languages: tuple[str, ...] | None = self._reader.languages
        self.required_assets: tuple[str, ...] = self._reader.required_assets
        self.identity = ReaderIdentity(
            engine="boxes", version="1", settings={"reader": self._reader.id, "margin": self._margin}
        )
        self.id = f"{self.identity.id} of {self._reader.id}"

    def read_boxes(self, image: Tensor, boxes: Sequence[Box]) -> list[str]:
        """Words on the boxes of one ``uint8 [3,H,W]`` image, in the order of the boxes."""
        import torch

        check_image("boxes", image)
        pixels = image.cpu().permute(1, 2, 0).numpy()
        texts = [""] * len(boxes)
        cut = {place: crop(pixels, box) for place, box in enumerate(boxes)}
        filled = {place: part for place, part in cut.items() if part.size}
        surrounded = [torch.from_numpy(self._surrounded(part)).permute(2, 0, 1) for part in filled.values()]
        for place, result in zip(filled, self._reader.read([part.contiguous() for part in surrounded]), strict=True):
            texts[place] = " ".join(result.text.split())
        return texts

    def _surrounded(self, part: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        width = math.ceil(self._margin * part.shape[0])
        return np.pad(part, ((width, width), (width, width), (0, 0)), mode="edge")


def crop(pixels: np.ndarray[Any, Any], box: Box) -> np.ndarray[Any, Any]:
    """The part of ``[H,W,3]`` pixels that a box touches; without pixels where they do not meet.

    Raises:
        ValueError: an edge that is not finite.
    """
    if not all(math.isfinite(edge) for edge in box):
        raise ValueError(f"a box must be finite, got {box}")
    left, top = (max(0, math.floor(edge)) for edge in box[:2])
    right, bottom = (max(0, math.ceil(edge)) for edge in box[2:])
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def rectified(image: Tensor, corners: Sequence[Sequence[float]]) -> Tensor | None:
    """A slanted box turned upright: ``uint8 [3,H,W]`` and four corners ``(x, y)`` to ``uint8 [3,h,w]``.

    As docTR cuts words, the first three corners (top left, top right, bottom right) fix an affine map; ``w`` and ``h``
    are the whole pixels of the first two sides. Bilinear, black outside the image. ``None`` for a box without pixels.
    """
    import skimage.transform
    import torch

    first, second, third = np.array(corners, dtype=np.float64)[:3]
    across, down = second - first, third - second
    sides = float(np.hypot(*across)), float(np.hypot(*down))
    width, height = int(sides[0]), int(sides[1])
    if width < 1 or height < 1:
        return None
    # a side of n pixels spans n - 1 steps between their centres
    steps = [side / max(length - 1.0, 1.0) for side, length in zip((across, down), sides, strict=True)]
    to_image = np.array([[steps[0][0], steps[1][0], first[0]], [steps[0][1], steps[1][1], first[1]], [0.0, 0.0, 1.0]])
    pixels = image.cpu().permute(1, 2, 0).numpy()
    transform: Any = skimage.transform
    turned = transform.warp(pixels, to_image, output_shape=(height, width), order=1, preserve_range=True)
    return torch.from_numpy(np.rint(turned).astype(np.uint8)).permute(2, 0, 1).contiguous()
