"""What scorers on CLIP ViT-H/14 share: unit vectors of images and prompts, an image at a time on a CPU."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

ARCHITECTURE = "ViT-H-14"
SIDE = 224


class OnClipH(ABC):
    """A network, its tokenizer (CLIP's byte pairs, 77 tokens, padded by 0), and the cosine of its two vectors.

    Args:
        model: the network.
        side: of its input, in pixels.
        context_length: tokens that its text encoder reads.
    """

    def __init__(self, model: Any, side: int, context_length: int) -> None:
        import open_clip

        self._model, self._side, self._length = model, side, context_length
        self._tokenize = open_clip.get_tokenizer(ARCHITECTURE, context_length=context_length)

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._model = self._model.to(device)
        return self

    def __call__(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        """``uint8 [B,3,H,W]`` and ``B`` prompts to ``float64 [B]``."""
        from vtbench.core.threads.lanes import of_each

        device = next(self._model.parameters()).device
        return of_each(self._score, images.to(device), self._tokenize(list(prompts)).to(device))

    def cut(self, prompts: Sequence[str]) -> list[bool]:
        """Whether a prompt, with its two marks, is longer than what the text encoder reads, so that its end is lost."""
        return [len(self._tokenize.encode(prompt)) + 2 > self._length for prompt in prompts]

    def _score(self, images: Tensor, words: Tensor) -> Tensor:
        import torch.nn.functional as F

        from vtbench.features.clip.model import standardised

        seen = F.normalize(self._image(standardised(self._prepared(images))).double(), dim=-1)
        said = F.normalize(self._text(words).double(), dim=-1)
        return self._scale() * (seen * said).sum(dim=-1)

    @abstractmethod
    def _prepared(self, images: Tensor) -> Tensor:
        """``uint8 [B,3,H,W]`` to ``float32 [B,3,side,side]`` of levels."""

    @abstractmethod
    def _image(self, pixels: Tensor) -> Tensor:
        """``float32 [B,3,side,side]`` to ``[B,D]``."""

    @abstractmethod
    def _text(self, words: Tensor) -> Tensor:
        """``int64 [B,77]`` to ``[B,D]``."""

    @abstractmethod
    def _scale(self) -> float:
        """What the cosine is multiplied by."""
