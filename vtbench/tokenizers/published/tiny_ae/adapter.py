"""TAEF2, the tiny autoencoder of FLUX.2's latents, from the two files of its author: ``tiny-ae``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.cards import Card, CardCheckpoint
from vtbench.checkpoints.files import Located, locate_official
from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.checkpoints.published import locate_whole
from vtbench.core.codes import Codes
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.tokenizers.published.base import OfficialTokenizer, load_official
from vtbench.tokenizers.published.diffusers.normalisation import Normalisation, plain

if TYPE_CHECKING:
    from torch import Tensor

ENCODER = Card(
    name="taef2-encoder",
    target="tiny-ae",
    summary="The encoder of TAEF2, which its author publishes apart.",
    source="https://github.com/madebyollin/taesd",
    licence="MIT",
    checkpoint=CardCheckpoint(
        url="https://raw.githubusercontent.com/madebyollin/taesd/5cccb12dc72074a4be35680c3b108548a7c69978/taef2_encoder.pth",
        file="taef2_encoder.pth",
        sha256="10a4e1021e89d7551eaf161352da8dbd0b1aa83872ae28b150c1df1ce2f147b6",
    ),
)
"""Where the encoder lies; it is no tokenizer, and no name that is listed."""


class TinyAE(OfficialTokenizer):
    """Images in [0, 1] to the latents that FLUX.2's denoiser sees, before they are folded into patches.

    The author's files hold one half each: the card's is the decoder; the encoder is ``encoder=FILE``, or lies beside a
    local decoder with ``encoder`` in place of ``decoder`` in its name, or is fetched. A file with both halves, under
    ``encoder.`` and ``decoder.``, is taken as it is.

    Against madebyollin/taesd@5cccb12, with the published weights, in float32, on the 64 images of photos-mini: latents
    within 5.0e-5 and pixels within 1.2e-5 of its own ``TAESD``, at an odd size too; rounded to 8 bits, PSNR 29.09 dB
    (mean over images; 20.2 to 34.5), and the latents of a second encoding differ by 0.097 of their variance.

    Args:
        latent_channels: of a position.
        channels: width of every layer.
        blocks: residual blocks a level.
        pooled: the coarsest blocks see the whole image.
        encoder: file with the encoder's weights.
        where: the decoder's weights, or both; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "tiny-ae"
    citation = "Bohan, TAESD, https://github.com/madebyollin/taesd"
    value_range = "unit"
    shrunken: ClassVar[dict[str, Any]] = {"channels": 8, "blocks": 1}
    _beside: Located | None = None  # the encoder's file, where the checkpoint held the decoder alone

    def __init__(
        self,
        latent_channels: int = 32,
        channels: int = 64,
        blocks: int = 3,
        pooled: bool = True,
        encoder: str | None = None,
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.tokenizers.published.tiny_ae.network import TinyAutoencoder, TinyGeometry

        geometry = TinyGeometry(latent_channels=latent_channels, channels=channels, blocks=blocks, pooled=pooled)
        self.latent_channels = latent_channels
        self._source, self._encoder = Source(**where), encoder
        self._setup(
            lambda: TinyAutoencoder(geometry), self._source, kind="continuous", downsample_factor=2**geometry.halvings
        )
        if self._beside is not None:
            weights = (*self.info.weights, *self._beside.weights())
            revision = f"{self.info.revision}+{self._beside.sha256[:12]}"
            self.info = replace(self.info, weights=weights, revision=revision)

    @property
    def to_denoiser(self) -> Normalisation:
        """From its latents to those that FLUX.2's denoiser sees: patches of 2x2, and no more."""
        return plain(2)

    @classmethod
    def beside(cls) -> tuple[Located, ...]:
        """The encoder's file, for whoever fetches the decoder; raises ``AssetMissingError``."""
        assert ENCODER.checkpoint is not None
        return (locate_whole(ENCODER, ENCODER.checkpoint),)

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        if any(name.startswith("encoder.") for name in state):
            return state
        self._beside = self._beside or self._found()
        other = load_official(self._beside.path, family=self.family)
        halves = {"encoder": other, "decoder": state}
        return {f"{half}.{name}": tensor for half, tensors in halves.items() for name, tensor in tensors.items()}

    def _found(self) -> Located:
        if self._encoder is not None or self._source.checkpoint is None:
            return locate_official(self._encoder, ENCODER)
        given = user_path(self._source.checkpoint)
        named = Path(given).with_name(given.name.replace("decoder", "encoder"))
        if named == given or not named.is_file():
            raise UsageError(f"{self._source.checkpoint} holds the decoder alone", "give the other half: encoder=FILE")
        return locate_official(str(named), None)

    def _encode(self, images: Tensor) -> Codes:
        return Codes(latents=self._network.encoder(images))

    def _decode(self, codes: Codes) -> Tensor:
        assert codes.latents is not None
        pixels: Tensor = self._network.decoder(codes.latents.to(self._dtype))
        return pixels
