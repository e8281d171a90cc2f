"""``janus-vq``: LlamaGen's tokenizers, and what shares their network: Janus-Pro, FlexVAE, NAR, VA-pi, SAR.

The network is transformers' ``JanusVQVAE``. Its quantiser compares Euclidean distances where LlamaGen's compares
directions: with unit-norm codebook rows, which this adapter sees to, the nearest entry is the same.

Held against the published code with equal seeded weights of whole networks, as their files hold them, on a CPU, two
images of 256 pixels; indices equal, and the largest difference of reconstructions in [-1, 1] at a magnitude of 2: VQ-16
(FoundationVision/LlamaGen, ce98ec4; 344 tensors, 71.95 M) 512 of 512 (497 distinct), 3.4e-5; VQ-8 (the same; 300,
70.18 M) 2,048 of 2,048 (1,718), 4.2e-5; FlexVAE (jiaosiyu1999/FlexVAR, 04462cb; 344, 72.12 M) 512 of 512 (488),
4.3e-5; Janus (deepseek-ai/Janus, 1daa72f; 344, 71.95 M) 512 of 512 (497), 3.4e-5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.checkpoints.naming import renamed
from vtbench.core.codes import Codes
from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.networks.nearest import nearest_directions, normalise_rows
from vtbench.tokenizers.published.base import OfficialTokenizer, Source

if TYPE_CHECKING:
    from torch import Tensor

_PART = "model.vqmodel."
"""What names of the tokenizer begin with in files of transformers' whole Janus."""
_STEPS = (
    (r"^encoder\.conv_blocks\.(\d+)\.res\.", r"encoder.down.\1.block."),
    (r"^encoder\.conv_blocks\.(\d+)\.", r"encoder.down.\1."),
    (r"^decoder\.conv_blocks\.(\d+)\.res\.", r"decoder.up.\1.block."),
    (r"^decoder\.conv_blocks\.(\d+)\.", r"decoder.up.\1."),
    (r"\.mid\.0\.", ".mid.block_1."),
    (r"\.mid\.1\.", ".mid.attn_1."),
    (r"\.mid\.2\.", ".mid.block_2."),
)


class JanusVQ(OfficialTokenizer):
    """An index a position, of the codebook entry whose direction is nearest.

    Args:
        channels: width of the finest level; a multiple of 32.
        multipliers: width of each level as a multiple; each level but the last halves the sides.
        latent_channels: the encoder's output.
        codebook_dim: width of a codebook entry.
        codebook_size: entries.
        blocks: residual blocks a level; the decoder has one more.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "janus-vq"
    citation = "Sun et al., Autoregressive Model Beats Diffusion: Llama for Scalable Image Generation, 2406.06525"
    keys = ("ema", "model", "state_dict")
    ignore_unexpected = ("quantize.codebook_used",)  # a training statistic
    shrunken: ClassVar[dict[str, Any]] = {
        "channels": 32,
        "multipliers": (1, 1),
        "latent_channels": 8,
        "codebook_dim": 4,
        "codebook_size": 32,
        "blocks": 1,
    }

    def __init__(
        self,
        channels: int = 128,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4),
        latent_channels: int = 256,
        codebook_dim: int = 8,
        codebook_size: int = 16384,
        blocks: int = 2,
        **where: Unpack[WeightsFrom],
    ) -> None:
        sizes = {
            "base_channels": channels,
            "channel_multiplier": list(multipliers),
            "latent_channels": latent_channels,
            "embed_dim": codebook_dim,
            "num_embeddings": codebook_size,
            "num_res_blocks": blocks,
        }
        self._setup(
            lambda: _network(sizes),
            Source(**where),
            kind="discrete",
            codebook_sizes=(codebook_size,),
            downsample_factor=2 ** (len(multipliers) - 1),
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return to_transformers(state)

    def _finish(self, network: Any) -> None:
        normalise_rows(network.quantize.embedding)

    def _encode(self, images: Tensor) -> Codes:
        latents = self._network.quant_conv(self._network.encoder(images))
        return Codes(levels=(nearest_directions(latents, self._network.quantize.embedding),))

    def vectors(self, indices: Tensor) -> Tensor:
        """Indices ``int64 [B,h,w]`` to their entries of the codebook, of length 1: ``[B,C,h,w]``."""
        entries: Tensor = self._network.quantize.embedding(indices)
        return entries.movedim(-1, 1).contiguous()

    def _decode(self, codes: Codes) -> Tensor:
        output: Tensor = self._network.decoder(self._network.post_quant_conv(self.vectors(codes.levels[0])))
        return output


def to_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """LlamaGen's names to those of ``JanusVQVAE``; the latter stay as they are. Of a whole Janus, only its part."""
    part = {name.removeprefix(_PART): tensor for name, tensor in state.items() if name.startswith(_PART)}
    return renamed(part or state, _STEPS)


def _network(sizes: Mapping[str, Any]) -> Any:
    try:
        from transformers import JanusVQVAE, JanusVQVAEConfig
    except ImportError as error:
        raise AssetMissingError(
            "janus-vq needs transformers 4.51 or newer", install_extra("hub", "transformers>=4.51")
        ) from error
    return JanusVQVAE(JanusVQVAEConfig(**sizes))
