"""An oracle for the autoencoders of taming-transformers, latent-diffusion and MoVQ: plain functions of tensors.

Written from the definition of the networks; shares nothing with the classes that the adapters use. Also the way from
those classes' names back to the published ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

State = Mapping[str, Tensor]

TO_LDM = (
    (r"^(encoder|decoder)\.(down|up)_blocks\.(\d+)\.resnets\.", r"\1.\2.\3.block."),
    (r"^(encoder|decoder)\.(down|up)_blocks\.(\d+)\.attentions\.", r"\1.\2.\3.attn."),
    (r"^encoder\.down_blocks\.(\d+)\.downsamplers\.0\.", r"encoder.down.\1.downsample."),
    (r"^decoder\.up_blocks\.(\d+)\.upsamplers\.0\.", r"decoder.up.\1.upsample."),
    (r"\.mid_block\.resnets\.0\.", ".mid.block_1."),
    (r"\.mid_block\.resnets\.1\.", ".mid.block_2."),
    (r"\.mid_block\.attentions\.0\.", ".mid.attn_1."),
    (r"\.conv_norm_out\.", ".norm_out."),
    (r"\.conv_shortcut\.", ".nin_shortcut."),
    (r"\.to_([qkv])\.", r".\1."),
    (r"\.to_out\.0\.", ".proj_out."),
    (r"\.(group_norm|spatial_norm)\.", ".norm."),
)


def to_ldm(state: State, levels: int) -> dict[str, Tensor]:
    """diffusers' names to the published ones."""
    published = {}
    for name, tensor in state.items():
        new = name
        for pattern, replacement in TO_LDM:
            new = re.sub(pattern, replacement, new)
        new = re.sub(r"^decoder\.up\.(\d+)\.", lambda found: f"decoder.up.{levels - 1 - int(found[1])}.", new)
        projection = re.search(r"\.attn(_1|\.\d+)\.(q|k|v|proj_out)\.weight$", new)
        published[new] = tensor[:, :, None, None] if projection else tensor
    return published


def patterns(state: State) -> set[str]:
    """Names with every index written as N."""
    return {re.sub(r"\.\d+(?=\.)", ".N", name) for name in state}


def encode(state: State, images: Tensor, groups: int) -> Tensor:
    """``[B,3,H,W]`` in [-1, 1] to what the published quantiser or posterior is given."""
    h, level = conv(state, "encoder.conv_in", images), 0
    while f"encoder.down.{level}.block.0.conv1.weight" in state:
        h = blocks(state, f"encoder.down.{level}", h, groups, None)
        if f"encoder.down.{level}.downsample.conv.weight" in state:
            name = f"encoder.down.{level}.downsample.conv"
            h = F.conv2d(F.pad(h, (0, 1, 0, 1)), state[f"{name}.weight"], state[f"{name}.bias"], stride=2)
        level += 1
    h = middle(state, "encoder", h, groups, None)
    h = conv(state, "encoder.conv_out", F.silu(norm(state, "encoder.norm_out", h, groups, None)))
    return conv(state, "quant_conv", h)


def decode(state: State, latents: Tensor, groups: int) -> Tensor:
    """Quantised or continuous latents to ``[B,3,H,W]`` in [-1, 1]; they also modulate MoVQ's norms."""
    h = conv(state, "decoder.conv_in", conv(state, "post_quant_conv", latents))
    h = middle(state, "decoder", h, groups, latents)
    for level in reversed(range(sum(bool(re.match(r"decoder\.up\.\d+\.block\.0\.conv1\.weight", n)) for n in state))):
        h = blocks(state, f"decoder.up.{level}", h, groups, latents)
        if level:
            h = F.interpolate(h, scale_factor=2.0, mode="nearest")
            h = conv(state, f"decoder.up.{level}.upsample.conv", h)
    return conv(state, "decoder.conv_out", F.silu(norm(state, "decoder.norm_out", h, groups, latents)))


def blocks(state: State, name: str, h: Tensor, groups: int, modulation: Tensor | None) -> Tensor:
    index = 0
    while f"{name}.block.{index}.conv1.weight" in state:
        h = residual(state, f"{name}.block.{index}", h, groups, modulation)
        if f"{name}.attn.{index}.q.weight" in state:
            h = attention(state, f"{name}.attn.{index}", h, groups, modulation)
        index += 1
    return h


def middle(state: State, side: str, h: Tensor, groups: int, modulation: Tensor | None) -> Tensor:
    h = residual(state, f"{side}.mid.block_1", h, groups, modulation)
    h = attention(state, f"{side}.mid.attn_1", h, groups, modulation)
    return residual(state, f"{side}.mid.block_2", h, groups, modulation)


def residual(state: State, name: str, x: Tensor, groups: int, modulation: Tensor | None) -> Tensor:
    h = conv(state, f"{name}.conv1", F.silu(norm(state, f"{name}.norm1", x, groups, modulation)))
    h = conv(state, f"{name}.conv2", F.silu(norm(state, f"{name}.norm2", h, groups, modulation)))
    return h + (conv(state, f"{name}.nin_shortcut", x) if f"{name}.nin_shortcut.weight" in state else x)


def attention(state: State, name: str, x: Tensor, groups: int, modulation: Tensor | None) -> Tensor:
    h = norm(state, f"{name}.norm", x, groups, modulation)
    query, key, value = (conv(state, f"{name}.{part}", h).flatten(2) for part in "qkv")
    weights = torch.softmax(query.transpose(1, 2) @ key / x.shape[1] ** 0.5, dim=-1)
    return x + conv(state, f"{name}.proj_out", (value @ weights.transpose(1, 2)).view_as(x))


def norm(state: State, name: str, x: Tensor, groups: int, modulation: Tensor | None) -> Tensor:
    if f"{name}.norm_layer.weight" not in state:
        return F.group_norm(x, groups, state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-6)
    assert modulation is not None
    spread = F.interpolate(modulation, size=x.shape[-2:], mode="nearest")
    inner = F.group_norm(x, groups, state[f"{name}.norm_layer.weight"], state[f"{name}.norm_layer.bias"], eps=1e-6)
    return inner * conv(state, f"{name}.conv_y", spread) + conv(state, f"{name}.conv_b", spread)


def conv(state: State, name: str, x: Tensor) -> Tensor:
    weight = state[f"{name}.weight"]
    return F.conv2d(x, weight, state[f"{name}.bias"], padding=weight.shape[-1] // 2)
