"""``ldm-vq`` and ``ldm-kl``: autoencoders published in the layout of taming-transformers and latent-diffusion.

VQGAN, Chameleon and what inherits its tokenizer, MoVQGAN, LDM's VQ and KL models, MAR's KL-16, VA-VAE. The networks
are diffusers' ``VQModel`` and ``AutoencoderKL``, with the tensors renamed by :mod:`.keys` beside it.

Held against the published code, built from its configuration files, with equal seeded weights of whole networks on a
CPU, two images of 256 pixels. Indices equal, and the largest difference of reconstructions in [-1, 1] at magnitudes of
2 to 7; where an index differs, two entries are as near, their squared distances within 1.2e-7:

- CompVis/latent-diffusion, a506df5: VQ-f4 8,190 of 8,192 (4,023 distinct), 4e-5; f8 2,046 of 2,048, 8e-5; f8-n256
  2,048 of 2,048, 6e-5; f16 512 of 512, 6e-5; KL-f4, f8, f16 and f32: latents within 2.1e-5, 1.6e-4.
- CompVis/taming-transformers, 3ba01b2: f16 of 1,024 and of 16,384 entries, 512 of 512 each, 1e-4.
- facebookresearch/chameleon, dbbe47f (293 tensors, 68.72 M): 512 of 512 (509 distinct), 2.2e-4.
- ai-forever/MoVQGAN, f3976d8: 67M (431, 67.83 M) and 270M (431, 270.67 M), 2,048 of 2,048 each, 4e-5.
- LTH14/mar, fe470ac, KL-16 (312, 66.46 M): latents within 1.4e-5, 1.6e-4. hustvl/LightningDiT, 2725fed, VA-VAE (342,
  69.84 M): 1.5e-5, 2.2e-4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.tokenizers.published.base import OfficialTokenizer, Source, nearest_codes
from vtbench.tokenizers.published.ldm.keys import to_diffusers

if TYPE_CHECKING:
    from torch import Tensor

_NOT_IN_USE = ("loss.*", "model_ema.*", "ema_*", "foundation_model.*", "linear_proj.*")


class LdmTokenizer(OfficialTokenizer):
    """What the two share: the geometry of the network, its names, and what else lies in their files."""

    keys: tuple[str, ...] = ("state_dict", "model")
    ignore_unexpected: ClassVar[tuple[str, ...]] = _NOT_IN_USE
    _levels: int

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return to_diffusers(state, self._levels)


class LdmVQ(LdmTokenizer):
    """A VQGAN: an index a position, of the Euclidean nearest codebook entry.

    Args:
        channels: width of the finest level.
        multipliers: width of each level as a multiple; each level but the last halves the sides.
        latent_channels: the encoder's output.
        codebook_dim: width of a codebook entry.
        codebook_size: entries.
        blocks: residual blocks a level; the decoder has one more.
        encoder_attention: coarsest levels of the encoder with attention.
        decoder_attention: the same of the decoder.
        spatial_norm: the decoder's norms are modulated by the quantised latents (MoVQ).
        norm_groups: groups of every group norm.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "ldm-vq"
    citation = "Esser et al., Taming Transformers for High-Resolution Image Synthesis, 2012.09841"
    shrunken: ClassVar[dict[str, Any]] = {
        "channels": 8,
        "multipliers": (1, 2),
        "latent_channels": 6,
        "codebook_dim": 4,
        "codebook_size": 32,
        "norm_groups": 4,
    }

    def __init__(
        self,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        latent_channels: int = 256,
        codebook_dim: int = 256,
        codebook_size: int = 16384,
        blocks: int = 2,
        encoder_attention: int = 1,
        decoder_attention: int = 1,
        spatial_norm: bool = False,
        norm_groups: int = 32,
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._levels = len(multipliers)
        geometry = _geometry(channels, multipliers, blocks, encoder_attention, decoder_attention, norm_groups)
        geometry |= {"latent_channels": latent_channels, "vq_embed_dim": codebook_dim}
        geometry |= {"num_vq_embeddings": codebook_size, "norm_type": "spatial" if spatial_norm else "group"}
        self._setup(
            lambda: _library(self.family).VQModel(**geometry),
            Source(**where),
            kind="discrete",
            codebook_sizes=(codebook_size,),
            downsample_factor=2 ** (self._levels - 1),
        )

    def _encode(self, images: Tensor) -> Codes:
        latents = self._network.encode(images).latents
        return Codes(levels=(nearest_codes(latents, self._network.quantize.embedding.weight),))

    def _decode(self, codes: Codes) -> Tensor:
        entries = self._network.quantize.embedding(codes.levels[0]).movedim(-1, 1).contiguous()
        output: Tensor = self._network.decode(entries, force_not_quantize=True).sample
        return output


class LdmKL(LdmTokenizer):
    """A KL-regularised autoencoder; the code is the mode of the posterior, without any scaling factor.

    Args:
        channels: width of the finest level.
        multipliers: width of each level as a multiple; each level but the last halves the sides.
        latent_channels: values a position.
        blocks: residual blocks a level; the decoder has one more.
        encoder_attention: coarsest levels of the encoder with attention.
        decoder_attention: the same of the decoder.
        norm_groups: groups of every group norm.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "ldm-kl"
    citation = "Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, 2112.10752"
    shrunken: ClassVar[dict[str, Any]] = {
        "channels": 8,
        "multipliers": (1, 2),
        "latent_channels": 4,
        "norm_groups": 4,
    }

    def __init__(
        self,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        latent_channels: int = 16,
        blocks: int = 2,
        encoder_attention: int = 1,
        decoder_attention: int = 1,
        norm_groups: int = 32,
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._levels, self.latent_channels = len(multipliers), latent_channels
        geometry = _geometry(channels, multipliers, blocks, encoder_attention, decoder_attention, norm_groups)
        self._setup(
            lambda: _library(self.family).AutoencoderKL(latent_channels=latent_channels, **geometry),
            Source(**where),
            kind="continuous",
            downsample_factor=2 ** (self._levels - 1),
        )

    def _encode(self, images: Tensor) -> Codes:
        return Codes(latents=self._network.encode(images).latent_dist.mode())

    def _decode(self, codes: Codes) -> Tensor:
        assert codes.latents is not None
        output: Tensor = self._network.decode(codes.latents.to(self._network.dtype)).sample
        return output


def _geometry(
    channels: int,
    multipliers: Sequence[int],
    blocks: int,
    encoder_attention: int,
    decoder_attention: int,
    norm_groups: int,
) -> dict[str, Any]:
    """Arguments that diffusers' two classes have in common."""
    plain_down, plain_up = len(multipliers) - encoder_attention, len(multipliers) - decoder_attention
    return {
        "block_out_channels": tuple(channels * multiplier for multiplier in multipliers),
        "down_block_types": ("DownEncoderBlock2D",) * plain_down + ("AttnDownEncoderBlock2D",) * encoder_attention,
        "up_block_types": ("AttnUpDecoderBlock2D",) * decoder_attention + ("UpDecoderBlock2D",) * plain_up,
        "layers_per_block": blocks,
        "norm_num_groups": norm_groups,
    }


def _library(family: str) -> Any:
    try:
        import diffusers
    except ImportError as error:
        raise AssetMissingError(f"{family} needs diffusers", install_extra("hub")) from error
    return diffusers
