"""The image to edit as the network sees it, and the edited one in the shape of its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

WHITE = (255, 255, 255)
IN_WORDS = (
    "a square, filled up with white on the right and below, by LANCZOS; the edited image back by LANCZOS, and cut"
)


def squared(image: Tensor, side: int) -> Tensor:
    """``uint8 [3,H,W]`` to ``float32 [3,side,side]`` in [0, 1]."""
    height, width = image.shape[1:]
    square = Image.new("RGB", (max(height, width),) * 2, WHITE)
    square.paste(_picture(image), (0, 0))
    return _tensor(square.resize((side, side), Image.Resampling.LANCZOS)).float() / 255


def restored(edited: Tensor, height: int, width: int) -> Tensor:
    """``uint8 [3,S,S]`` to ``uint8 [3,height,width]``: the part of the square where the source was."""
    side = max(height, width)
    return _tensor(_picture(edited).resize((side, side), Image.Resampling.LANCZOS).crop((0, 0, width, height)))


def _picture(image: Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).contiguous().cpu().numpy())


def _tensor(picture: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
