"""``clip_score`` and ``clip_score_crop``: how well an image fits the prompt it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.metrics.catalog.images import PROMPT_INFOS

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self


class ClipScore:
    """100 times the cosine of CLIP's embeddings of image and prompt, 0 where it is negative (Hessel et al. 2021 with
    w = 100, as torchmetrics has it; their own w is 2.5).

    Images are prepared as for ``fd_clip``: Pillow's antialiased bicubic on the whole image, so that nothing of an image
    that is not square is left out, and its aspect ratio is not kept. A prompt of more than 77 tokens is cut, and
    :meth:`cut` tells which.

    Args:
        variant: ``ViT-L-14``, ``ViT-L-14-336``, ``ViT-B-16`` or ``ViT-B-32``, OpenAI's, or LAION's ``ViT-H-14``. It is
            part of the protocol: scores of two do not compare.
        weights: local file as open_clip saves it; the hub's unless given.
        model: open_clip's model itself, instead of weights.
        side: of the model's input; the variant's unless given.

    Raises:
        UsageError: no such variant.
        AssetMissingError: the weights cannot be had.
    """

    info = PROMPT_INFOS["clip_score"]

    def __init__(
        self, variant: str = "ViT-L-14", weights: str | None = None, model: Any = None, side: int | None = None
    ) -> None:
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

    def __call__(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        """``uint8 [B,3,H,W]`` and ``B`` prompts to ``float64 [B]`` between 0 and 100."""
        import torch

        from vtbench.core.threads.lanes import by_image

        device = next(self._model.parameters()).device
        with torch.inference_mode():
            seen, words = images.to(device), self._tokenize(list(prompts)).to(device)
            if device.type != "cpu":
                return self._score(seen, words)
            parts = by_image(self._score, seen, words)
        return torch.cat(parts) if parts else torch.empty(0, dtype=torch.float64)

    def _score(self, images: Tensor, words: Tensor) -> Tensor:
        """``uint8 [b,3,H,W]`` and ``int64 [b,77]`` to ``float64 [b]``."""
        import torch.nn.functional as F

        from vtbench.features.clip_model import MEAN, STD
        from vtbench.features.network import by_channel

        mean, std = (by_channel(values, images.device) for values in (MEAN, STD))
        pixels = (self._resized(images) / 255.0 - mean) / std
        seen = F.normalize(self._model.encode_image(pixels).double(), dim=-1)
        said = F.normalize(self._model.encode_text(words).double(), dim=-1)
        return (100.0 * (seen * said).sum(dim=-1)).clamp_min(0.0)

    def cut(self, prompts: Sequence[str]) -> list[bool]:
        """Whether a prompt, with its two marks, is longer than what the text encoder reads, so that its end is lost."""
        return [len(self._tokenize.encode(prompt)) + 2 > self._model.context_length for prompt in prompts]

    def _resized(self, images: Tensor) -> Tensor:
        from vtbench.features.resizing import pillow_bicubic_float

        return pillow_bicubic_float(images, self._side)


class ClipScoreCrop(ClipScore):
    """The same of the centred square of an image, as CLIP itself was fed: short side to 224, then the crop, on 8 bits.

    What torchmetrics and the authors' code do (both use CLIP's own preparation). Of square images only the rounding to
    8 bits differs from :class:`ClipScore`; of wide ones, what lies outside the square does not count.
    """

    info = PROMPT_INFOS["clip_score_crop"]

    def _resized(self, images: Tensor) -> Tensor:
        from vtbench.features.resizing import short_side_bicubic_8bit

        return short_side_bicubic_8bit(images, self._side)
