"""``identity``: the image itself. Every quality metric must report perfection for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtbench.core.codes import Codes
from vtbench.core.info import TokenizerInfo
from vtbench.core.pixels import to_uint8, to_unit

if TYPE_CHECKING:
    from torch import Tensor


class Identity:
    """Stores every pixel: 24 bits each.

    The code is the image rounded to 8 bits, so that the rate is what storing it costs; a ``uint8`` image that went
    through :func:`~vtbench.core.pixels.to_unit` comes back bit for bit.
    """

    def __init__(self) -> None:
        self.info = TokenizerInfo(
            name="identity", kind="continuous", family="pixels", revision="1", downsample_factor=1, latent_bits=8.0
        )

    def encode(self, images: Tensor) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to latents of the same shape."""
        return Codes(latents=to_unit(to_uint8(images)), image_size=(images.shape[-2], images.shape[-1]))

    def decode(self, codes: Codes) -> Tensor:
        """The latents, unchanged."""
        assert codes.latents is not None
        return codes.latents
