"""MGVQ's network (Jia et al., MGVQ, 2507.07997): DC-AE's halves, which diffusers has, around grouped codebooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from vtbench.checkpoints.naming import renamed
from vtbench.networks.codebook import Codebook

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.tokenizers.published.mgvq.geometry import Geometry

CONVOLUTIONAL = 3
"""Levels, from the finest, whose blocks are convolutions; those of the others are linear attention."""
_HEAD = 32
_STEPS = (
    (r"\.op_list\.(\d+)", r".\1"),
    (r"\.main\.", "."),
    (r"\.context_module\.", ".attn."),
    (r"\.local_module\.", ".conv_out."),
    (r"\.proj\.norm\.", ".norm_out."),
    (r"\.proj\.conv\.", ".to_out."),
    (r"\.(depth|inverted|point)_conv\.conv\.", r".conv_\1."),
    (r"\.(point_conv|conv2)\.norm\.", ".norm."),
    (r"\.(conv|conv1|conv2)\.conv\.", r".\1."),
    (r"^encoder\.project_in\.", "encoder.conv_in."),
    (r"^decoder\.project_in\.conv\.", "decoder.conv_in."),
    (r"^encoder\.project_out\.0\.conv\.", "encoder.conv_out."),
    (r"^decoder\.project_out\.0\.", "decoder.norm_out."),
    (r"^decoder\.project_out\.2\.", "decoder.conv_out."),
    (r"^encoder\.stages\.", "encoder.down_blocks."),
    (r"^decoder\.stages\.", "decoder.up_blocks."),
)


class Network(nn.Module):
    """Names: ``encoder``, ``quant_conv``, ``quantize.embedding``, ``post_quant_conv``, ``decoder``.

    The codebooks of the groups lie one after the other in one table.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        from diffusers.models.autoencoders.autoencoder_dc import Decoder, Encoder

        levels, channels, groups = len(geometry.widths), geometry.channels, geometry.groups
        attentive = levels - CONVOLUTIONAL
        common: dict[str, Any] = {
            "in_channels": 3,
            "latent_channels": channels,
            "attention_head_dim": _HEAD,
            "block_type": ("ResBlock",) * CONVOLUTIONAL + ("EfficientViTBlock",) * attentive,
            "block_out_channels": geometry.widths,
            "qkv_multiscales": ((),) * levels,
        }
        of_decoder: dict[str, Any] = {
            "norm_type": ("batch_norm",) * CONVOLUTIONAL + ("rms_norm",) * attentive,
            "act_fn": ("relu",) * CONVOLUTIONAL + ("silu",) * attentive,
        }
        self.encoder = Encoder(layers_per_block=geometry.encoder, **common)
        self.decoder = Decoder(layers_per_block=geometry.decoder, **of_decoder, **common)
        self.quant_conv, self.post_quant_conv = (nn.Conv2d(channels, channels, 1, groups=groups) for _ in range(2))
        self.quantize = Codebook(geometry.entries * groups, channels // groups)


def from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Published names and shapes to diffusers': queries, keys and values apart, matrices instead of 1x1 kernels."""
    converted: dict[str, Tensor] = {}
    for name, tensor in renamed(state, _STEPS).items():
        if name.endswith(".attn.qkv.conv.weight"):
            stem = name.removesuffix("qkv.conv.weight")
            pieces = zip("qkv", tensor[:, :, 0, 0].chunk(3), strict=True)
            converted |= {f"{stem}to_{part}.weight": piece for part, piece in pieces}
        else:
            converted[name] = tensor[:, :, 0, 0] if name.endswith(".attn.to_out.weight") else tensor
    return converted
