"""``pick_score``: a CLIP ViT-H/14 fitted to which of two images people picked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from vtbench.metrics.catalog.images import PROMPT_INFOS
from vtbench.metrics.images.preferences.clip_h import SIDE, OnClipH

if TYPE_CHECKING:
    from torch import Tensor

REPOSITORY = "yuvalkirstain/PickScore_v1"
_PATTERNS = ("config.json", "model*.safetensors", "*.index.json")


class PickScore(OnClipH):
    """exp of the network's own scale times the cosine, about 20, without bounds (Kirstain et al. 2023;
    yuvalkirstain/PickScore@f79607f).

    transformers' ``CLIPModel``. Images as CLIP itself is fed: short side to 224 pixels, bicubic on 8 bits, the centred
    square. A prompt of more than 77 tokens is cut.

    Args:
        path: a folder of transformers' files, or a repository of the hub.
        model: the network itself, instead of one.
        side: of the network's input; 224 unless given.

    Raises:
        AssetMissingError: the weights cannot be had.
        AdapterError: they do not fill the network.
    """

    info = PROMPT_INFOS["pick_score"]

    def __init__(self, path: str = REPOSITORY, model: Any = None, side: int = SIDE) -> None:
        made = _loaded(path) if model is None else model
        super().__init__(made, side, int(made.config.text_config.max_position_embeddings))

    def _prepared(self, images: Tensor) -> Tensor:
        from vtbench.features.resizing import short_side_bicubic_8bit

        return short_side_bicubic_8bit(images, self._side)

    def _image(self, pixels: Tensor) -> Tensor:
        found: Tensor = self._model.visual_projection(self._model.vision_model(pixel_values=pixels).pooler_output)
        return found

    def _text(self, words: Tensor) -> Tensor:
        found: Tensor = self._model.text_projection(self._model.text_model(input_ids=words).pooler_output)
        return found

    def _scale(self) -> float:
        return math.exp(float(self._model.logit_scale))


def _loaded(path: str) -> Any:
    from pathlib import Path

    from vtbench.assets.hub import hub_folder
    from vtbench.core.disk.files import user_path
    from vtbench.core.errors import AdapterError

    folder = user_path(path)
    if not Path(folder).is_dir():
        folder = hub_folder(path, _PATTERNS, "config.json")
    from transformers import CLIPModel

    loaded: Any = CLIPModel.from_pretrained(
        str(folder), local_files_only=True, use_safetensors=True, output_loading_info=True
    )
    model, told = loaded
    lacking = sorted(told["missing_keys"])
    if lacking:
        raise AdapterError(f"{path} lacks {', '.join(lacking[:3])}", "give the weights of PickScore v1")
    return model.eval().requires_grad_(False)
