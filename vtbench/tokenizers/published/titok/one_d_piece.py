"""``one-d-piece``: One-D-Piece's tokenizers, TiTok's network of two stages whose first 1 to 256 tokens are a code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.tokenizers.published.base import Source
from vtbench.tokenizers.published.nested import kept_of
from vtbench.tokenizers.published.titok.adapter import TiTok
from vtbench.tokenizers.published.titok.geometry import Geometry

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.codes import Codes


class OneDPiece(TiTok):
    """The first ``tokens`` indices of an image. Training dropped a tail of random length, so that any number decodes.

    Args:
        encoder: size of the encoder: ``small``, ``base`` or ``large``.
        decoder: size of the decoder.
        tokens: how many are kept, from the first on, 1 to ``capacity``.
        capacity: tokens that the network makes of an image.
        codebook_size: entries, compared by direction.
        codebook_dim: width of an entry.
        size: side of the images, in pixels; positions are learnt, so it is fixed.
        patch: side of a patch.
        pixel_channels: width of the pixel decoder.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: ``tokens`` is out of range.
    """

    family = "one-d-piece"
    citation = "Miwa et al., One-D-Piece: Image Tokenizer Meets Quality-Controllable Compression, 2501.10064"
    shrunken: ClassVar[dict[str, Any]] = {
        **{"encoder": "tiny", "decoder": "tiny", "tokens": 6, "capacity": 8, "codebook_size": 32, "codebook_dim": 6},
        **{"size": 64, "patch": 16, "pixel_channels": 16},
    }

    def __init__(
        self,
        encoder: str = "base",
        decoder: str = "base",
        tokens: int = 256,
        capacity: int = 256,
        codebook_size: int = 4096,
        codebook_dim: int = 12,
        size: int = 256,
        patch: int = 16,
        pixel_channels: int = 128,
        **where: Unpack[WeightsFrom],
    ) -> None:
        kept = kept_of(capacity, tokens, self.family)
        geometry = Geometry(
            encoder=encoder, decoder=decoder, tokens=capacity, dim=codebook_dim, entries=codebook_size,
            two_stage=True, size=size, patch=patch, pixel_channels=pixel_channels,
        )  # fmt: skip
        self._of(geometry, Source(**where))
        self.tokens = kept

    def _encode(self, images: Tensor) -> Codes:
        codes = super()._encode(images)
        return replace(codes, levels=(codes.levels[0][:, : self.tokens],))
