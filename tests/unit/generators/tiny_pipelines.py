"""Tiny seeded pipelines from text, for tests of pipelines of several kinds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import torch


def build_text(words: Path, **more: int) -> tuple[Any, Any]:
    """A tokenizer of letters, and the configuration of a tiny text encoder for it."""
    from transformers import CLIPTextConfig, CLIPTokenizer

    letters = [*"abcdefghijklmnopqrstuvwxyz"]
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (words / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(vocabulary)}))
    (words / "merges.txt").write_text("#version: 0.2\n")
    config = CLIPTextConfig(
        vocab_size=len(vocabulary),
        hidden_size=8,
        intermediate_size=8,
        num_attention_heads=2,
        max_position_embeddings=16,
        bos_token_id=len(vocabulary) - 2,
        eos_token_id=len(vocabulary) - 1,
        **{"num_hidden_layers": 1, **more},
    )
    return CLIPTokenizer(str(words / "vocab.json"), str(words / "merges.txt"), model_max_length=16), config


def build_amused(words: Path) -> Any:
    from transformers import CLIPTextModelWithProjection

    tokenizer, text = build_text(words, num_hidden_layers=2, projection_dim=8)
    torch.manual_seed(0)
    vqvae = diffusers.VQModel(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=4,
        latent_channels=8,
        num_vq_embeddings=32,
        mid_block_add_attention=False,
        lookup_from_codebook=True,
    )
    transformer = diffusers.UVit2DModel(
        **{"hidden_size": 8, "cond_embed_dim": 8, "micro_cond_encode_dim": 2, "micro_cond_embed_dim": 10},
        **{"encoder_hidden_size": 8, "vocab_size": 33, "codebook_size": 32, "in_channels": 8, "block_out_channels": 8},
        **{"num_res_blocks": 1, "block_num_heads": 1, "num_hidden_layers": 1, "num_attention_heads": 1},
        **{"intermediate_size": 8, "downsample": True, "upsample": True, "sample_size": 4},
    )
    encoder = CLIPTextModelWithProjection(text).eval()
    scheduler = diffusers.AmusedScheduler(mask_token_id=32)
    return diffusers.AmusedPipeline(vqvae.eval(), tokenizer, encoder, transformer.eval(), scheduler)
