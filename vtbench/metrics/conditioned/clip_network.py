"""CLIP for metrics of conditions: images and texts to directions, an image at a time on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self


class ClipNetwork:
    """One of OpenAI's CLIPs. Images are prepared as for ``clip_score``: Pillow's bicubic on the whole image.

    Args:
        variant: ``ViT-B-32``, ``ViT-L-14`` or ``ViT-L-14-336``.
        weights: local file as open_clip saves it; the hub's unless given.
        model: open_clip's model itself, instead of weights.
        side: of the model's input; the variant's unless given.

    Raises:
        UsageError: no such variant.
        AssetMissingError: the weights cannot be had.
    """

    def __init__(self, variant: str, weights: str | None = None, model: Any = None, side: int | None = None) -> None:
        import open_clip

        from vtbench.features.clip_model import load_clip
        from vtbench.features.clip_model import variant as known

        chosen = known(variant)
        self._model = load_clip(variant, weights)[0] if model is None else model
        self._side = side or chosen.side
        self._tokenize = open_clip.get_tokenizer(chosen.architecture, context_length=self._model.context_length)

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._model = self._model.to(device)
        return self

    def images(self, images: Tensor) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float64 [B,D]`` of length 1."""
        return self._each(self._of_images, images)

    def texts(self, texts: Sequence[str]) -> Tensor:
        """``B`` texts, cut at 77 tokens, to ``float64 [B,D]`` of length 1."""
        return self._each(self._of_texts, self._tokenize(list(texts)))

    def _each(self, embed: Any, batch: Tensor) -> Tensor:
        from vtbench.metrics.conditioned.editing.masks import of_each

        return of_each(embed, batch.to(next(self._model.parameters()).device))

    def _of_images(self, images: Tensor) -> Tensor:
        import torch.nn.functional as F

        from vtbench.features.clip_model import MEAN, STD
        from vtbench.features.network import by_channel
        from vtbench.features.resizing import pillow_bicubic_float

        mean, std = (by_channel(values, images.device) for values in (MEAN, STD))
        pixels = (pillow_bicubic_float(images, self._side) / 255.0 - mean) / std
        return F.normalize(self._model.encode_image(pixels).double(), dim=-1)

    def _of_texts(self, words: Tensor) -> Tensor:
        import torch.nn.functional as F

        return F.normalize(self._model.encode_text(words).double(), dim=-1)
