"""``emu3-vq``: Emu3's vision tokenizer on single images; the network is transformers' ``Emu3VQVAE``.

It is a video tokenizer: an image counts as four equal frames on the way in, and the first of four frames is taken on
the way out. Its convolutions in space see one frame at a time, so one frame is enough for them; only the few layers in
time are given all four.

Held against the published code (baaivision/Emu3, f6ea9aa) with equal seeded weights of the whole network (495 tensors,
270.7 M parameters) on a CPU, two images of 128 pixels: all of 512 indices equal (106 distinct), reconstructions within
5e-7 in [0, 1].
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.checkpoints.naming import renamed
from vtbench.core.codes import Codes
from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.tokenizers.published.base import OfficialTokenizer, Source, nearest_codes

if TYPE_CHECKING:
    from torch import Tensor

_PART = re.compile(r"^(?:model\.)?vqmodel\.")
"""What names of the tokenizer begin with in files of transformers' whole Emu3."""
_STEPS = (
    (r"^(encoder|decoder)\.(down|up)\.(\d+)\.attn\.(\d+)\.norm\.", r"\1.\2_block.\2.\3.attn_norms.\4."),
    (r"^(encoder|decoder)\.(down|up)\.", r"\1.\2_block.\2."),
    (r"\.mid\.attn_1\.norm\.", ".middle_block.attn_norm."),
    (r"\.mid\.", ".middle_block."),
    (r"(\.attn(?:_1|\.\d+))\.([qkv])\.", r"\1.\2_proj."),
    (r"(\.attn(?:_1|\.\d+))\.proj_out\.", r"\1.out_proj."),
)


class Emu3VQ(OfficialTokenizer):
    """An index a position, of the nearest codebook entry.

    Args:
        channels: width of the finest level; a multiple of 32.
        multipliers: width of each level as a multiple; each level but the last halves the sides; the
            last has attention.
        latent_channels: the encoder's output and the width of a codebook entry.
        codebook_size: entries.
        blocks: residual blocks a level; the decoder has one more.
        frames: frames an image counts as: the factor in time, a power of two.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.
    """

    family = "emu3-vq"
    citation = "Wang et al., Emu3: Next-Token Prediction is All You Need, 2409.18869"
    channels_last = False  # the class reshapes feature maps in a way that needs them contiguous
    shrunken: ClassVar[dict[str, Any]] = {"channels": 32, "multipliers": (1, 1), "codebook_size": 32, "blocks": 1}

    def __init__(
        self,
        channels: int = 256,
        multipliers: Sequence[int] = (1, 2, 2, 4),
        latent_channels: int = 4,
        codebook_size: int = 32768,
        blocks: int = 2,
        frames: int = 4,
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._frames = frames
        sizes = {
            "base_channels": channels,
            "channel_multiplier": list(multipliers),
            "latent_channels": latent_channels,
            "embed_dim": latent_channels,
            "codebook_size": codebook_size,
            "num_res_blocks": blocks,
            "temporal_downsample_factor": frames,
            "attn_resolutions": [len(multipliers) - 1],
            "hidden_size": channels * multipliers[-1],
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

    def _encode(self, images: Tensor) -> Codes:
        network = self._network
        latents = _in_space(network.encoder, images).unsqueeze(2).repeat(1, 1, self._frames, 1, 1)
        for layer in network.encoder.time_conv:
            latents = _swish(layer(latents))
        for layer in network.encoder.time_res_stack:
            latents = layer(latents)
        latents = network.quant_conv(latents).squeeze(2)
        return Codes(levels=(nearest_codes(latents, network.quantize.embedding.weight),))

    def _decode(self, codes: Codes) -> Tensor:
        import torch

        network, decoder = self._network, self._network.decoder
        entries = network.quantize.embedding(codes.levels[0]).movedim(-1, 1).unsqueeze(2)
        both = torch.cat((network.post_quant_conv(entries), entries))
        for layer in decoder.time_res_stack:
            both = layer(both)
        for layer in decoder.time_conv:
            both = _swish(layer(both))
        hidden, modulation = both[:, :, 0].contiguous().chunk(2)
        hidden = decoder.middle_block(decoder.conv_in(hidden), modulation)
        hidden = decoder.norm_out(decoder.up_block(hidden, modulation), modulation)
        output: Tensor = decoder.conv_out(_swish(hidden))
        return output


def to_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names of the published file to those of ``Emu3VQVAE``, attention's 1x1 convolutions to matrices; the class's own
    names stay as they are. Of a whole Emu3, only its part."""
    part = {_PART.sub("", name): tensor for name, tensor in state.items() if _PART.match(name)}
    return {
        name: tensor.flatten(1) if name.endswith("_proj.weight") and tensor.ndim == 4 else tensor
        for name, tensor in renamed(part or state, _STEPS).items()
    }


def _in_space(encoder: Any, images: Tensor) -> Tensor:
    hidden = encoder.middle_block(encoder.down_block(encoder.conv_in(images)))
    output: Tensor = encoder.conv_out(_swish(encoder.norm_out(hidden)))
    return output


def _swish(hidden: Tensor) -> Tensor:
    import torch.nn.functional as F

    return F.silu(hidden)


def _network(sizes: Mapping[str, Any]) -> Any:
    try:
        from transformers import Emu3VQVAE, Emu3VQVAEConfig
    except ImportError as error:
        raise AssetMissingError(
            "emu3-vq needs transformers 4.48 or newer", install_extra("hub", "transformers>=4.48")
        ) from error
    return Emu3VQVAE(Emu3VQVAEConfig(**sizes))
