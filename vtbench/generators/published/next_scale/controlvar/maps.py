"""The control image as the network's tokenizer sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor


def fitted(image: Tensor, side: int) -> Tensor:
    """``uint8 [3,H,W]`` to ``float32 [3,side,side]`` in [0, 1]: the shorter side by LANCZOS, and the middle of it."""
    height, width = image.shape[1:]
    shorter = min(height, width)
    # sizes and offsets as torchvision has them: lengths are cut, the offset of the middle is rounded
    size = (side * width // shorter, side * height // shorter)
    left, top = (round((length - side) / 2) for length in size)
    picture = Image.fromarray(image.permute(1, 2, 0).contiguous().cpu().numpy())
    resized = picture.resize(size, Image.Resampling.LANCZOS).crop((left, top, left + side, top + side))
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1).float() / 255
