"""``resize``: store a smaller image and enlarge it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.core.info import TokenizerInfo
from vtbench.core.pixels import to_uint8, to_unit

if TYPE_CHECKING:
    from torch import Tensor

FILTERS = ("bilinear", "bicubic")
Filter = Literal["bilinear", "bicubic"]


class Resize:
    """Shrinks each side by ``factor`` and enlarges it again, both times with Pillow's antialiased kernels.

    Shrinking widens the kernel by the factor (antialiasing), so no pixel is skipped; the bicubic kernel has a = -0.5.
    The small image is rounded to 8 bits, 24 bits a pixel. A side that is not a multiple of ``factor`` becomes
    ``ceil(side / factor)``.

    Args:
        factor: shrinkage of one side, a whole number of at least 1.
        filter: ``"bicubic"`` or ``"bilinear"``, used both ways.

    Raises:
        UsageError: a factor below 1 or an unknown filter.
    """

    def __init__(self, factor: int = 2, filter: Filter = "bicubic") -> None:
        if isinstance(factor, bool) or not isinstance(factor, int) or factor < 1:
            raise UsageError(f"resize: factor must be a whole number of at least 1, got {factor!r}")
        if filter not in FILTERS:
            raise UsageError(f"resize: unknown filter {filter!r}", f"known: {', '.join(FILTERS)}")
        self._factor = factor
        self._filter = filter
        self.info = TokenizerInfo(
            name="resize", kind="continuous", family="pixels", revision="1", downsample_factor=factor, latent_bits=8.0
        )

    def encode(self, images: Tensor) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to latents ``[B,3,ceil(H/factor),ceil(W/factor)]`` on the 8-bit grid."""
        height, width = images.shape[-2:]
        small = _resize(images, (-(-height // self._factor), -(-width // self._factor)), self._filter)
        return Codes(latents=to_unit(to_uint8(small)), image_size=(height, width))

    def decode(self, codes: Codes) -> Tensor:
        """The small image at the size that was encoded; bicubic may leave [0, 1]."""
        assert codes.latents is not None and codes.image_size is not None
        return _resize(codes.latents, codes.image_size, self._filter)


def _resize(images: Tensor, size: tuple[int, int], mode: Filter) -> Tensor:
    import torch.nn.functional as F

    if tuple(images.shape[-2:]) == size:
        return images
    return F.interpolate(images.contiguous(), size=size, mode=mode, antialias=True, align_corners=False)
