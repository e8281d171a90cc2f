"""``titok``: TiTok's tokenizers of 32 to 256 one-dimensional tokens.

Held against the published code (bytedance/1d-tokenizer, 942a96f) with equal seeded weights of whole networks on a CPU,
two images of 256 pixels: L-32 (692 tensors, 641.1 M parameters), all of 64 indices equal (34 distinct),
reconstructions within 4.2e-5 at a magnitude of 3.5; BL-64 (459 tensors, 390.0 M), 128 of 128 (23 distinct), 5.3e-6;
BL-64 continuous (458 tensors), latents within 3.3e-6, reconstructions within 4.4e-6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.networks.nearest import nearest_codes, nearest_directions, normalise_rows
from vtbench.tokenizers.published.base import OfficialTokenizer, Source
from vtbench.tokenizers.published.titok.geometry import Geometry

if TYPE_CHECKING:
    from torch import Tensor


class TiTok(OfficialTokenizer):
    """One index a token; or, without a codebook, the mode of a posterior (``latents [B,C,N]``).

    Args:
        encoder: size of the encoder: ``small``, ``base`` or ``large``.
        decoder: size of the decoder.
        tokens: latent tokens.
        codebook_size: entries; 0 for the continuous variants.
        codebook_dim: width of an entry, or channels of a continuous token.
        two_stage: decode to MaskGIT's codes, then to pixels (the first models, which also compare directions instead of
            distances); otherwise to pixels.
        size: side of the images, in pixels; positions are learnt, so it is fixed.
        patch: side of a patch.
        pixel_channels: width of the pixel decoder.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "titok"
    citation = "Yu et al., An Image is Worth 32 Tokens for Reconstruction and Generation, 2406.07550"
    value_range = "unit"
    shrunken: ClassVar[dict[str, Any]] = {
        **{"encoder": "tiny", "decoder": "tiny", "tokens": 8, "codebook_size": 32, "codebook_dim": 6},
        **{"two_stage": False, "size": 64, "patch": 16, "pixel_channels": 32},
    }

    def __init__(
        self,
        encoder: str = "large",
        decoder: str = "large",
        tokens: int = 32,
        codebook_size: int = 4096,
        codebook_dim: int = 12,
        two_stage: bool = True,
        size: int = 256,
        patch: int = 16,
        pixel_channels: int = 128,
        **where: Unpack[WeightsFrom],
    ) -> None:
        geometry = Geometry(
            encoder=encoder, decoder=decoder, tokens=tokens, dim=codebook_dim, entries=codebook_size,
            two_stage=two_stage, size=size, patch=patch, pixel_channels=pixel_channels,
        )  # fmt: skip
        self._of(geometry, Source(**where))

    def _of(self, geometry: Geometry, source: Source) -> None:
        """What ``__init__`` of every family with this network comes to."""
        self.tokens, self._normalised = geometry.tokens, geometry.two_stage
        self._setup(
            lambda: self._built(geometry),
            source,
            kind="discrete" if geometry.entries else "continuous",
            codebook_sizes=(geometry.entries,) if geometry.entries else (),
            native_size=geometry.size,
            fixed_size=True,
        )

    def _built(self, geometry: Geometry) -> Any:
        from vtbench.tokenizers.published.titok.network import Network

        return Network(geometry)

    def _finish(self, network: Any) -> None:
        if self._normalised:
            normalise_rows(network.quantize.embedding)

    def _encode(self, images: Tensor) -> Codes:
        latents = self._network.encode(images)
        if not self.info.codebook_sizes:
            return Codes(latents=latents.chunk(2, dim=1)[0])
        codebook = self._network.quantize.embedding
        if self._normalised:
            return Codes(levels=(nearest_directions(latents, codebook),))
        return Codes(levels=(nearest_codes(latents, codebook.weight),))

    def _decode(self, codes: Codes) -> Tensor:
        if codes.latents is not None:
            latents = codes.latents.to(self._dtype)
        else:
            latents = self._network.quantize.embedding(codes.levels[0]).transpose(1, 2)
        output: Tensor = self._network.decode(latents)
        return output
