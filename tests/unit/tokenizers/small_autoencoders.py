"""Small seeded instances of diffusers' autoencoder classes, of the shape of published ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch

STATISTICS = {"latents_mean": [0.1, -0.2, 0.3, 0.0], "latents_std": [1.5, 0.5, 2.0, 1.0]}
VIDTOK = {"ch": 32, "ch_mult": [1, 1, 1, 1], "num_res_blocks": 1}
WAN = {"base_dim": 8, "z_dim": 4, "num_res_blocks": 1, **STATISTICS}
HUNYUAN = {"block_out_channels": (8, 8, 8, 8), "layers_per_block": 1, "norm_num_groups": 4, "latent_channels": 4}
LTX = {"layers_per_block": (1,) * 5, "latent_channels": 8}
MAGVIT = {"block_out_channels": (32, 32, 32, 32), "layers_per_block": 1, "latent_channels": 4}

IMAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "flux2": ("AutoencoderKLFlux2", {**HUNYUAN, "decoder_block_out_channels": (8, 8, 8, 4)}),
    "hunyuan-image": (
        "AutoencoderKLHunyuanImage",
        {
            **{"in_channels": 3, "out_channels": 3, "latent_channels": 64, "layers_per_block": 1, "sample_size": 64},
            **{"block_out_channels": (32, 32, 32, 32, 64, 128), "spatial_compression_ratio": 32},
        },
    ),
    "kvae": ("AutoencoderKLKVAE", {"channels": 32, "z_channels": 4, "num_enc_blocks": 1, "num_dec_blocks": 1}),
    "asymmetric": (
        "AsymmetricAutoencoderKL",
        {
            **{"down_block_types": ("DownEncoderBlock2D",) * 2, "down_block_out_channels": (8, 8)},
            **{"up_block_types": ("UpDecoderBlock2D",) * 2, "up_block_out_channels": (8, 16), "norm_num_groups": 4},
        },
    ),
    "svd": (
        "AutoencoderKLTemporalDecoder",
        {"block_out_channels": (32,) * 4, "down_block_types": ("DownEncoderBlock2D",) * 4},
    ),
}
VIDEOS: dict[str, tuple[str, dict[str, Any]]] = {
    "qwen-image": ("AutoencoderKLQwenImage", WAN),
    "qwen-image-layered": ("AutoencoderKLQwenImage", {**WAN, "input_channels": 4}),
    "qwen-image-2.1": ("AutoencoderKLQwenImage21", {**WAN, "decoder_base_dim": 8}),
    "wan2.1": ("AutoencoderKLWan", WAN),
    "wan2.2": (
        "AutoencoderKLWan",
        {
            **{**WAN, "decoder_base_dim": 12, "is_residual": True, "in_channels": 12, "out_channels": 12},
            **{"patch_size": 2, "scale_factor_spatial": 16},
        },
    ),
    "hunyuan-video": ("AutoencoderKLHunyuanVideo", HUNYUAN),
    "hunyuan-video-1.5": (
        "AutoencoderKLHunyuanVideo15",
        {"block_out_channels": (8, 8, 16, 32, 64), "layers_per_block": 1, "latent_channels": 4},
    ),
    "ltx": (
        "AutoencoderKLLTXVideo",
        {
            **{**LTX, "block_out_channels": (8, 8, 16, 16), "decoder_block_out_channels": (8, 8, 16, 16)},
            "decoder_layers_per_block": (1,) * 5,
        },
    ),
    "ltx2": (
        "AutoencoderKLLTX2Video",
        {
            **{**LTX, "block_out_channels": (8, 16, 32, 64), "decoder_block_out_channels": (8, 16, 32)},
            "decoder_layers_per_block": (1,) * 4,
        },
    ),
    "kvae-video": ("AutoencoderKLKVAEVideo", {"ch": 32, "z_channels": 4, "num_res_blocks": 1}),
    "cosmos": (
        "AutoencoderKLCosmos",
        {
            **{"encoder_block_out_channels": (8, 8, 16, 16), "decode_block_out_channels": (8, 16, 16, 16)},
            **{"num_layers": 1, "latents_mean": None, "latents_std": None},
        },
    ),
    "magvit": ("AutoencoderKLMagvit", MAGVIT),
    "cogvideox": ("AutoencoderKLCogVideoX", {**HUNYUAN, "sample_height": 64, "sample_width": 64}),
    "mochi": (
        "AutoencoderKLMochi",
        {
            **{"encoder_block_out_channels": (32, 32, 32, 32), "decoder_block_out_channels": (32, 32, 32, 32)},
            **{"latent_channels": 4, "layers_per_block": (1, 1, 1, 1, 1), "latents_mean": None, "latents_std": None},
        },
    ),
    "vidtok": ("AutoencoderVidTok", {**VIDTOK, "z_channels": 4}),
}
FSQ = ("AutoencoderVidTok", {**VIDTOK, "z_channels": 2, "double_z": False, "regularizer": "fsq", "codebook_size": 64})
RAE_DECODER = {
    **{"decoder_hidden_size": 32, "decoder_num_hidden_layers": 1, "decoder_num_attention_heads": 4},
    "decoder_intermediate_size": 32,
}
RAES: dict[str, dict[str, Any]] = {
    "dinov2": {
        **RAE_DECODER,
        "encoder_type": "dinov2",
        "encoder_hidden_size": 64,
        "encoder_input_size": 56,
        "patch_size": 16,
    },
    "mae": {
        **{**RAE_DECODER, "encoder_type": "mae", "encoder_hidden_size": 64, "encoder_patch_size": 16},
        **{"encoder_input_size": 64, "patch_size": 16},
    },
}
"""Their images have 64 pixels a side; DINOv2's encoder reads 56 of them."""
for _config in RAES.values():
    _config["encoder_num_hidden_layers"] = 1


_OF_CARDS = {
    **{
        "flux.2": IMAGES["flux2"],
        "flux.2-small-decoder": IMAGES["flux2"],
        "hunyuan-image-2.1": IMAGES["hunyuan-image"],
    },
    **{"kvae-2d": IMAGES["kvae"], "svd": IMAGES["svd"], "ltx-video": VIDEOS["ltx"], "ltx-2": VIDEOS["ltx2"]},
    **{"mochi-1": VIDEOS["mochi"], "e2e-qwen-image": VIDEOS["qwen-image"]},
    **{name: VIDEOS[name] for name in ("qwen-image", "qwen-image-layered", "qwen-image-2.1", "wan2.1", "wan2.2")},
    **{name: VIDEOS[name] for name in ("hunyuan-video", "hunyuan-video-1.5", "cogvideox")},
}
_CHANNELS = {
    "AutoencoderKLQwenImage": "z_dim",
    "AutoencoderKLQwenImage21": "z_dim",
    "AutoencoderKLWan": "z_dim",
    "AutoencoderKLKVAE": "z_channels",
}
SMALLER = {card: (kind, config, _CHANNELS.get(kind, "latent_channels")) for card, (kind, config) in _OF_CARDS.items()}
"""By card: a small model of its class, and the entry that says how many channels the latents have."""


def built(class_name: str, config: dict[str, Any]) -> Any:
    """The network in evaluation mode, with the library's own initial weights drawn from seed 0."""
    torch.manual_seed(0)
    network = getattr(diffusers, class_name)(**config).eval().requires_grad_(False)
    if class_name == "AutoencoderKLFlux2":
        network.bn.running_mean.uniform_(-1, 1)
        network.bn.running_var.uniform_(0.25, 4)
    return network


def saved(class_name: str, config: dict[str, Any], folder: Path) -> Any:
    """The network, after its folder was written."""
    network = built(class_name, config)
    network.save_pretrained(folder)
    return network
