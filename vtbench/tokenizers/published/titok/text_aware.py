"""``ta-titok``: TA-TiTok's tokenizers, TiTok's network whose decoder is told a caption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.files import Located
from vtbench.checkpoints.loading import WeightsFrom
from vtbench.checkpoints.state import seeded
from vtbench.tokenizers.published.base import Source
from vtbench.tokenizers.published.titok.adapter import TiTok
from vtbench.tokenizers.published.titok.caption import caption_features, find_clip
from vtbench.tokenizers.published.titok.geometry import Geometry

if TYPE_CHECKING:
    from vtbench.checkpoints.cards import Card


class TextAwareTiTok(TiTok):
    """One index a token, or the mode of a posterior; every image is decoded beside one and the same ``caption``.

    The authors score ImageNet with ``A photo of a CLASS.``, from the label of each image: what a label says is in no
    code, and a tokenizer here is given none. The caption is empty unless one is given, the record's notes tell it, and
    numbers are others than the authors'. It is read once, by CLIP's text tower, whose file counts among the weights.

    Args:
        encoder: size of the encoder: ``small``, ``base`` or ``large``.
        decoder: size of the decoder.
        tokens: latent tokens.
        codebook_size: entries; 0 for the continuous variants.
        codebook_dim: width of an entry, or channels of a continuous token.
        caption: of every image.
        size: side of the images, in pixels; positions are learnt, so it is fixed.
        patch: side of a patch.
        text_length: tokens of a caption.
        text_channels: of a caption's token.
        clip: local file of CLIP ViT-L/14 at 336 pixels, as open_clip saves it; the hub's unless given.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "ta-titok"
    citation = "Kim et al., Democratizing Text-to-Image Masked Generative Models, 2501.07730"
    ignore_unexpected = ("quantize.embed_prob",)  # a training statistic
    shrunken: ClassVar[dict[str, Any]] = {
        **{"encoder": "tiny", "decoder": "tiny", "tokens": 8, "codebook_size": 32, "codebook_dim": 6},
        **{"size": 64, "patch": 16, "text_length": 5, "text_channels": 12},
    }

    def __init__(
        self,
        encoder: str = "base",
        decoder: str = "large",
        tokens: int = 128,
        codebook_size: int = 8192,
        codebook_dim: int = 64,
        caption: str = "",
        size: int = 256,
        patch: int = 16,
        text_length: int = 77,
        text_channels: int = 768,
        clip: str | None = None,
        **where: Unpack[WeightsFrom],
    ) -> None:
        geometry = Geometry(
            encoder=encoder, decoder=decoder, tokens=tokens, dim=codebook_dim, entries=codebook_size,
            two_stage=False, size=size, patch=patch, caption=(text_length, text_channels),
        )  # fmt: skip
        self._caption, self._clip = caption, clip
        self._of(geometry, Source(**where))

    @classmethod
    def beside(cls) -> tuple[Located, ...]:
        """CLIP's weights; raises ``AssetMissingError``."""
        path, weight = find_clip(None)
        return (Located(path, weight.sha256, weight.source),)

    def _load(self, build: Any, source: Source, card: Card | None) -> tuple[Any, Any, str]:
        import torch

        network, weights, revision = super()._load(build, source, card)
        held, seed = network.decoder.caption, source.random_weights_seed
        if seed is not None:
            network.decoder.caption = seeded(lambda: torch.randn(held.shape, device=held.device), seed)
            return network, weights, revision
        path, weight = find_clip(self._clip)
        network.decoder.caption = caption_features(self._caption, path)
        self.notes = (
            *self.notes,
            f"the decoder is told the caption {self._caption!r} for every image; its authors tell it 'A photo of a "
            "CLASS.', by the image's label, when they score ImageNet",
        )
        return network, (*weights, weight), revision
