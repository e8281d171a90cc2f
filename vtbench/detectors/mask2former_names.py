"""Names of Mask2Former's tensors in MMDetection 2's files, to those of transformers' class.

The two are one network: windows of Swin, the pixel decoder and the layers of the decoder compute the same. MMDetection
gathers four neighbours of a merged patch by ``nn.Unfold``, channel by channel, where Swin's authors and transformers
join them neighbour by neighbour: those weights are reordered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

_BACKBONE = "model.pixel_level_module.encoder."
_SWIN = _BACKBONE + "swin."
_BLOCK = r"backbone\.stages\.(\d+)\.blocks\.(\d+)\."
_HEAD = r"panoptic_head\."
_PIXEL = "model.pixel_level_module.decoder."
_LAYERS = "model.transformer_module.decoder.layers."
_RENAMED: tuple[tuple[str, str], ...] = (
    (r"backbone\.patch_embed\.projection\.", _SWIN + "embeddings.patch_embeddings.projection."),
    (r"backbone\.patch_embed\.norm\.", _SWIN + "embeddings.norm."),
    (
        _BLOCK + r"attn\.w_msa\.relative_position_bias_table",
        _SWIN + r"encoder.layers.\1.blocks.\2.attention.relative_position_bias.relative_position_bias_table",
    ),
    (_BLOCK + r"attn\.w_msa\.proj\.", _SWIN + r"encoder.layers.\1.blocks.\2.attention.o_proj."),
    (_BLOCK + r"norm1\.", _SWIN + r"encoder.layers.\1.blocks.\2.layernorm_before."),
    (_BLOCK + r"norm2\.", _SWIN + r"encoder.layers.\1.blocks.\2.layernorm_after."),
    (_BLOCK + r"ffn\.layers\.0\.0\.", _SWIN + r"encoder.layers.\1.blocks.\2.mlp.fc1."),
    (_BLOCK + r"ffn\.layers\.1\.", _SWIN + r"encoder.layers.\1.blocks.\2.mlp.fc2."),
    (r"backbone\.stages\.(\d+)\.downsample\.", _SWIN + r"encoder.layers.\1.downsample."),
    (_HEAD + r"pixel_decoder\.input_convs\.(\d+)\.conv\.", _PIXEL + r"input_projections.\1.0."),
    (_HEAD + r"pixel_decoder\.input_convs\.(\d+)\.gn\.", _PIXEL + r"input_projections.\1.1."),
    (_HEAD + r"pixel_decoder\.level_encoding\.weight", _PIXEL + "level_embed"),
    (_HEAD + r"pixel_decoder\.encoder\.layers\.(\d+)\.attentions\.0\.", _PIXEL + r"encoder.layers.\1.self_attn."),
    (_HEAD + r"pixel_decoder\.encoder\.layers\.(\d+)\.ffns\.0\.layers\.0\.0\.", _PIXEL + r"encoder.layers.\1.fc1."),
    (_HEAD + r"pixel_decoder\.encoder\.layers\.(\d+)\.ffns\.0\.layers\.1\.", _PIXEL + r"encoder.layers.\1.fc2."),
    (
        _HEAD + r"pixel_decoder\.encoder\.layers\.(\d+)\.norms\.0\.",
        _PIXEL + r"encoder.layers.\1.self_attn_layer_norm.",
    ),
    (_HEAD + r"pixel_decoder\.encoder\.layers\.(\d+)\.norms\.1\.", _PIXEL + r"encoder.layers.\1.final_layer_norm."),
    (_HEAD + r"pixel_decoder\.lateral_convs\.0\.conv\.", _PIXEL + "adapter_1.0."),
    (_HEAD + r"pixel_decoder\.lateral_convs\.0\.gn\.", _PIXEL + "adapter_1.1."),
    (_HEAD + r"pixel_decoder\.output_convs\.0\.conv\.", _PIXEL + "layer_1.0."),
    (_HEAD + r"pixel_decoder\.output_convs\.0\.gn\.", _PIXEL + "layer_1.1."),
    (_HEAD + r"pixel_decoder\.mask_feature\.", _PIXEL + "mask_projection."),
    (_HEAD + r"transformer_decoder\.layers\.(\d+)\.attentions\.0\.attn\.", _LAYERS + r"\1.cross_attn."),
    (
        _HEAD + r"transformer_decoder\.layers\.(\d+)\.attentions\.1\.attn\.out_proj\.",
        _LAYERS + r"\1.self_attn.out_proj.",
    ),
    (_HEAD + r"transformer_decoder\.layers\.(\d+)\.norms\.0\.", _LAYERS + r"\1.cross_attn_layer_norm."),
    (_HEAD + r"transformer_decoder\.layers\.(\d+)\.norms\.1\.", _LAYERS + r"\1.self_attn_layer_norm."),
    (_HEAD + r"transformer_decoder\.layers\.(\d+)\.norms\.2\.", _LAYERS + r"\1.final_layer_norm."),
    (_HEAD + r"transformer_decoder\.layers\.(\d+)\.ffns\.0\.layers\.0\.0\.", _LAYERS + r"\1.fc1."),
    (_HEAD + r"transformer_decoder\.layers\.(\d+)\.ffns\.0\.layers\.1\.", _LAYERS + r"\1.fc2."),
    (_HEAD + r"transformer_decoder\.post_norm\.", "model.transformer_module.decoder.layernorm."),
    (_HEAD + r"query_embed\.", "model.transformer_module.queries_embedder."),
    (_HEAD + r"query_feat\.", "model.transformer_module.queries_features."),
    (_HEAD + r"level_embed\.", "model.transformer_module.level_embed."),
    (_HEAD + r"cls_embed\.", "class_predictor."),
)
_EMBEDDER = "model.transformer_module.decoder.mask_predictor.mask_embedder."
_QKV = re.compile(_BLOCK + r"attn\.w_msa\.qkv\.(weight|bias)")
_SELF = re.compile(_HEAD + r"transformer_decoder\.layers\.(\d+)\.attentions\.1\.attn\.in_proj_(weight|bias)")
_STAGE_NORM = re.compile(r"backbone\.norm(\d)\.(.*)")
_MASK_EMBED = re.compile(_HEAD + r"mask_embed\.(\d)\.(.*)")
_COUNTED = ("relative_position_index",)
"""What follows from the geometry, and is stored beside the weights."""


def as_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every tensor under its other name; one that has none keeps its own, so that loading tells it."""
    return {
        renamed: _in_order(renamed, part)
        for name, tensor in state.items()
        if not name.endswith(_COUNTED)
        for renamed, part in _renamed(name, tensor)
    }


def _renamed(name: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    if found := _QKV.fullmatch(name):
        stage, block, what = found.groups()
        for part, piece in zip("qkv", tensor.chunk(3), strict=True):
            yield f"{_SWIN}encoder.layers.{stage}.blocks.{block}.attention.{part}_proj.{what}", piece
    elif found := _SELF.fullmatch(name):
        layer, what = found.groups()
        for part, piece in zip("qkv", tensor.chunk(3), strict=True):
            yield f"{_LAYERS}{layer}.self_attn.{part}_proj.{what}", piece
    elif found := _STAGE_NORM.fullmatch(name):
        yield f"{_BACKBONE}hidden_states_norms.stage{int(found[1]) + 1}.{found[2]}", tensor
    elif found := _MASK_EMBED.fullmatch(name):
        yield f"{_EMBEDDER}{int(found[1]) // 2}.0.{found[2]}", tensor
    else:
        yield _by_table(name), tensor


def _by_table(name: str) -> str:
    for pattern, wanted in _RENAMED:
        renamed, times = re.subn("^" + pattern, wanted, name)
        if times:
            return renamed
    return name


def _in_order(name: str, tensor: Tensor) -> Tensor:
    """The four neighbours of a merged patch one after the other, down before right."""
    if ".downsample." not in name:
        return tensor
    apart = tensor.reshape(*tensor.shape[:-1], -1, 4).transpose(-1, -2)
    return apart[..., torch.tensor([0, 2, 1, 3]), :].reshape(tensor.shape)
