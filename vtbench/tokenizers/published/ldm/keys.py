"""Names of the taming-transformers and latent-diffusion autoencoders, to those of the diffusers classes.

The two number the decoder's levels in opposite order (there from the finest, here from the coarsest), and write the
projections of attention as 1x1 convolutions there, as linear layers here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_STEPS = (
    (r"^encoder\.down\.(\d+)\.block\.", r"encoder.down_blocks.\1.resnets."),
    (r"^encoder\.down\.(\d+)\.attn\.", r"encoder.down_blocks.\1.attentions."),
    (r"^encoder\.down\.(\d+)\.downsample\.", r"encoder.down_blocks.\1.downsamplers.0."),
    (r"^decoder\.up\.(\d+)\.block\.", r"decoder.up_blocks.\1.resnets."),
    (r"^decoder\.up\.(\d+)\.attn\.", r"decoder.up_blocks.\1.attentions."),
    (r"^decoder\.up\.(\d+)\.upsample\.", r"decoder.up_blocks.\1.upsamplers.0."),
    (r"^(encoder|decoder)\.mid\.block_1\.", r"\1.mid_block.resnets.0."),
    (r"^(encoder|decoder)\.mid\.block_2\.", r"\1.mid_block.resnets.1."),
    (r"^(encoder|decoder)\.mid\.attn_1\.", r"\1.mid_block.attentions.0."),
    (r"^(encoder|decoder)\.norm_out\.", r"\1.conv_norm_out."),
    (r"\.nin_shortcut\.", ".conv_shortcut."),
    (r"(\.attentions\.\d+)\.(q|k|v)\.", r"\1.to_\2."),
    (r"(\.attentions\.\d+)\.proj_out\.", r"\1.to_out.0."),
    (r"(\.attentions\.\d+)\.norm\.(weight|bias)$", r"\1.group_norm.\2"),
    (r"(\.attentions\.\d+)\.norm\.", r"\1.spatial_norm."),  # norm_layer, conv_y, conv_b of a modulated norm
)
_EARLIER = (  # what diffusers called the projections of attention before 0.12
    (r"(\.attentions\.\d+)\.query\.", r"\1.to_q."),
    (r"(\.attentions\.\d+)\.key\.", r"\1.to_k."),
    (r"(\.attentions\.\d+)\.value\.", r"\1.to_v."),
    (r"(\.attentions\.\d+)\.proj_attn\.", r"\1.to_out.0."),
)
_PROJECTION = re.compile(r"\.attentions\.\d+\.(to_[qkv]|to_out\.0)\.weight$")
_UP = re.compile(r"^decoder\.up_blocks\.(\d+)\.")


def to_diffusers(state: Mapping[str, Tensor], levels: int) -> dict[str, Tensor]:
    """Rename every tensor and drop the two spatial sides of attention projections.

    Args:
        state: published tensors; names this does not know, diffusers' own among them, stay as they are, but for those
            that diffusers has changed since.
        levels: resolutions of the network.
    """
    if any(name.startswith("encoder.down_blocks.") for name in state):
        return {_renamed(name, _EARLIER): tensor for name, tensor in state.items()}
    converted = {}
    for name, tensor in state.items():
        new = _UP.sub(lambda found: f"decoder.up_blocks.{levels - 1 - int(found[1])}.", _renamed(name))
        converted[new] = tensor.flatten(1) if _PROJECTION.search(new) and tensor.ndim == 4 else tensor
    return converted


def _renamed(name: str, steps: Sequence[tuple[str, str]] = _STEPS) -> str:
    for pattern, replacement in steps:
        name = re.sub(pattern, replacement, name)
    return name
