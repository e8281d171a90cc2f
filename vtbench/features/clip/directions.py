"""CLIP for scores of single images: images and texts to directions, an image at a time on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self


class ClipNetwork:
    """One of the published CLIPs, and its tokenizer of texts.

    Args:
        variant: ``ViT-L-14``, ``ViT-L-14-336``, ``ViT-B-16`` or ``ViT-B-32``, OpenAI's, or LAION's ``ViT-H-14``.
        weights: local file as open_clip saves it; the hub's unless given.
        model: open_clip's model itself, instead of weights.
        side: of the model's input; the variant's unless given.
        resized: ``uint8 [B,3,H,W]`` and a side to levels ``float32 [B,3,side,side]``; Pillow's antialiased bicubic of
            the whole image, whose aspect ratio is not kept, unless given.

    Raises:
        UsageError: no such variant.
        AssetMissingError: the weights cannot be had.
    """

    def __init__(
        self,
        variant: str,
        weights: str | None = None,
        model: Any = None,
        side: int | None = None,
        resized: Callable[[Tensor, int], Tensor] | None = None,
    ) -> None:
        import open_clip

        from vtbench.features.clip.model import load_clip
        from vtbench.features.clip.model import variant as known
        from vtbench.features.resizing import pillow_bicubic_float

        chosen = known(variant)
        self._model = load_clip(variant, weights)[0] if model is None else model
        self._side = side or chosen.side
        self._resized = resized or pillow_bicubic_float
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

    def cosines(self, images: Tensor, texts: Sequence[str]) -> Tensor:
        """``uint8 [B,3,H,W]`` and ``B`` texts to ``float64 [B]`` in [-1, 1]."""
        return (self.images(images) * self.texts(texts)).sum(dim=-1)

    def cut(self, texts: Sequence[str]) -> list[bool]:
        """Whether a text, with its two marks, is longer than what the text encoder reads, so that its end is lost."""
        return [len(self._tokenize.encode(text)) + 2 > self._model.context_length for text in texts]

    def _each(self, embed: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
        from vtbench.core.threads.lanes import of_each

        found = of_each(embed, batch.to(next(self._model.parameters()).device))
        return found if len(batch) else found[:, None]

    def _of_images(self, images: Tensor) -> Tensor:
        import torch.nn.functional as F

        from vtbench.features.clip.model import standardised

        pixels = standardised(self._resized(images, self._side))
        return F.normalize(self._model.encode_image(pixels).double(), dim=-1)

    def _of_texts(self, words: Tensor) -> Tensor:
        import torch.nn.functional as F

        return F.normalize(self._model.encode_text(words).double(), dim=-1)
