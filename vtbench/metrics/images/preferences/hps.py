"""``hps_v2`` and ``hps_v2_1``: Human Preference Score v2, its two releases, which do not compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vtbench.metrics.catalog.images import PROMPT_INFOS
from vtbench.metrics.images.preferences.clip_h import ARCHITECTURE, SIDE, OnClipH

if TYPE_CHECKING:
    from torch import Tensor

REPOSITORY = "xswu/HPSv2"


class HpsV2(OnClipH):
    """100 times the cosine, as the authors' benchmark prints it; their ``hpsv2.score`` gives the cosine itself
    (Wu et al. 2023; tgxs002/HPSv2, package hpsv2 1.2.0).

    open_clip's ViT-H/14 with the authors' weights. The long side becomes 224 pixels (bicubic, on 8 bits), and black is
    padded around, so that nothing is cut. In float32, where theirs runs under autocast.

    Args:
        weights: the published ``.pt`` file; the hub's unless given.
        model: open_clip's model itself, instead of weights.
        side: of the model's input; 224 unless given.

    Raises:
        AssetMissingError: the weights cannot be had.
        AdapterError: the file does not fill the network.
    """

    info = PROMPT_INFOS["hps_v2"]
    file: ClassVar[str] = "HPS_v2_compressed.pt"

    def __init__(self, weights: str | None = None, model: Any = None, side: int = SIDE) -> None:
        made = _filled(weights, self.file) if model is None else model
        super().__init__(made, side, made.context_length)

    def _prepared(self, images: Tensor) -> Tensor:
        return long_side_padded(images, self._side)

    def _image(self, pixels: Tensor) -> Tensor:
        found: Tensor = self._model.encode_image(pixels)
        return found

    def _text(self, words: Tensor) -> Tensor:
        found: Tensor = self._model.encode_text(words)
        return found

    def _scale(self) -> float:
        return 100.0


class HpsV21(HpsV2):
    """The same by the weights of v2.1, which the authors' benchmark takes unless told otherwise."""

    info = PROMPT_INFOS["hps_v2_1"]
    file: ClassVar[str] = "HPS_v2.1_compressed.pt"


def _filled(weights: str | None, file: str) -> Any:
    from vtbench.assets.checkpoint import load_checkpoint
    from vtbench.assets.hub import hub_file
    from vtbench.core.disk.files import user_path
    from vtbench.features.clip.model import filled_clip

    path = user_path(weights) if weights else hub_file(REPOSITORY, file)
    return filled_clip(ARCHITECTURE, load_checkpoint(path), str(path))


def long_side_padded(images: Tensor, side: int) -> Tensor:
    """``uint8 [B,3,H,W]`` to ``float32 [B,3,side,side]`` of whole levels: the long side to ``side``, black around."""
    import torch
    from PIL import Image

    height, width = images.shape[-2:]
    factor = side / max(height, width)
    rows, columns = (max(1, round(one * factor)) for one in (height, width))
    top, left = (side - rows) // 2, (side - columns) // 2
    canvas = np.zeros((len(images), side, side, 3), dtype=np.uint8)
    for place, image in enumerate(images.permute(0, 2, 3, 1).cpu().numpy()):
        small = Image.fromarray(np.ascontiguousarray(image)).resize((columns, rows), Image.Resampling.BICUBIC)
        canvas[place, top : top + rows, left : left + columns] = np.asarray(small)
    return torch.from_numpy(canvas).permute(0, 3, 1, 2).float().to(images.device)
