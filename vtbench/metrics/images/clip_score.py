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
        from vtbench.features.clip.directions import ClipNetwork

        self._clip = ClipNetwork(variant, weights, model, side, self._resized)

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._clip = self._clip.to(device=device)
        return self

    def __call__(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        """``uint8 [B,3,H,W]`` and ``B`` prompts to ``float64 [B]`` between 0 and 100."""
        return (100.0 * self._clip.cosines(images, prompts)).clamp_min(0.0)

    def cut(self, prompts: Sequence[str]) -> list[bool]:
        """Whether a prompt, with its two marks, is longer than what the text encoder reads, so that its end is lost."""
        return self._clip.cut(prompts)

    @staticmethod
    def _resized(images: Tensor, side: int) -> Tensor:
        from vtbench.features.resizing import pillow_bicubic_float

        return pillow_bicubic_float(images, side)


class ClipScoreCrop(ClipScore):
    """The same of the centred square of an image, as CLIP itself was fed: short side to 224, then the crop, on 8 bits.

    What torchmetrics and the authors' code do (both use CLIP's own preparation). Of square images only the rounding to
    8 bits differs from :class:`ClipScore`; of wide ones, what lies outside the square does not count.
    """

    info = PROMPT_INFOS["clip_score_crop"]

    @staticmethod
    def _resized(images: Tensor, side: int) -> Tensor:
        from vtbench.features.resizing import short_side_bicubic_8bit

        return short_side_bicubic_8bit(images, side)
