"""DINO's first vision transformers (Caron et al. 2021): class tokens, and the keys of the last layer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vtbench.assets.checkpoint import load_checkpoint
from vtbench.assets.hub import hub_file
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.features.dinov2 import authors_positions
from vtbench.features.network import filled, standardised
from vtbench.features.resizing import pillow_bicubic_8bit, short_side_bicubic_8bit

SIDE, SHORT_SIDE = 224, 256
HUB_FILE = "model.safetensors"


@dataclass(frozen=True)
class DinoVariant:
    """A published DINO: timm's name of the architecture, the hub repository of its weights, the side of a patch."""

    architecture: str
    repository: str
    patch: int


VARIANTS = {
    "vits16": DinoVariant("vit_small_patch16_224", "timm/vit_small_patch16_224.dino", 16),
    "vitb8": DinoVariant("vit_base_patch8_224", "timm/vit_base_patch8_224.dino", 8),
}


def variant(name: str) -> DinoVariant:
    """A known variant.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in VARIANTS:
        raise UsageError(f"no DINO named {name!r}", f"known: {', '.join(VARIANTS)}")
    return VARIANTS[name]


def load_dino(name: str, weights: str | None, side: int = SIDE) -> tuple[Any, str]:
    """timm's network on the CPU in evaluation mode, and the first 12 digits of its file's SHA-256.

    Args:
        name: ``vits16`` or ``vitb8``.
        weights: local file: the authors' ``dino_deitsmall16_pretrain.pth`` or ``dino_vitbase8_pretrain.pth``, timm's,
            or that of ``facebook/dino-vits16`` or ``-vitb8``; timm's on the hub unless given.
        side: that positions are brought to.

    Raises:
        AssetMissingError: the weights cannot be had.
        AdapterError: they do not fill the network.
    """
    chosen = variant(name)
    file: Path = user_path(weights) if weights else hub_file(chosen.repository, HUB_FILE)
    return filled_dino(load_checkpoint(file), str(file), chosen.architecture, side), digest_file(file)[:12]


def filled_dino(state: dict[str, Tensor], source: str, architecture: str, side: int = SIDE) -> Any:
    """timm's network with these tensors, under the authors' names or transformers'.

    Positions of another side than 224 are interpolated once, as the authors' code does it.

    Raises:
        AdapterError: the tensors do not fill it.
    """
    import timm

    with torch.device("meta"):
        model: Any = timm.create_model(
            f"{architecture}.dino", pretrained=False, num_classes=0, img_size=side, dynamic_img_size=True
        )
    tensors = of_transformers(state) if "embeddings.cls_token" in state else dict(state)
    positions, wanted = tensors.get("pos_embed"), model.pos_embed.shape
    if positions is not None and positions.shape != wanted:
        tensors["pos_embed"] = authors_positions(positions, model.patch_embed.grid_size[0])
    return filled(model, tensors, source, architecture, "give the authors' file, or timm's")


def of_transformers(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of transformers' ``ViTModel`` under the authors' names; its pooler, which DINO has none of, left out."""
    found: dict[str, Tensor] = {}
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        if name.startswith("pooler."):
            continue
        if match := re.fullmatch(r"(encoder\.layer\.\d+)\.attention\.attention\.(query|key|value)\.(\w+)", name):
            block = f"{match[1].replace('encoder.layer', 'blocks')}.attn.qkv.{match[3]}"
            parts.setdefault(block, {})[match[2]] = tensor
            continue
        for theirs, ours in _RENAMED:
            name = name.replace(theirs, ours)
        found[name] = tensor
    of_qkv = {name: [split.get(part) for part in ("query", "key", "value")] for name, split in parts.items()}
    return found | {name: torch.cat([one for one in split if one is not None]) for name, split in of_qkv.items()}


_RENAMED = (
    ("embeddings.cls_token", "cls_token"),
    ("embeddings.position_embeddings", "pos_embed"),
    ("embeddings.patch_embeddings.projection", "patch_embed.proj"),
    ("encoder.layer.", "blocks."),
    ("attention.output.dense", "attn.proj"),
    ("intermediate.dense", "mlp.fc1"),
    ("output.dense", "mlp.fc2"),
    ("layernorm_before", "norm1"),
    ("layernorm_after", "norm2"),
    ("layernorm.", "norm."),
)


def class_tokens(model: Any, images: Tensor) -> Tensor:
    """The class token after the last norm, ``float32 [B,D]``, of ``uint8 [B,3,H,W]``.

    The authors' preparation: short side to 256 by Pillow's bicubic on 8 bits, the centred 224×224, ImageNet's mean and
    standard deviation.
    """
    prepared = short_side_bicubic_8bit(images, SHORT_SIDE, SIDE).to(_device(model))
    tokens: Tensor = model.forward_features(standardised(prepared / 255.0))
    return tokens[:, 0]


def class_tokens_of_squashed(model: Any, images: Tensor, side: int) -> Tensor:
    """The same of the whole image squashed to a square by Pillow's bicubic and scaled to [-1, 1], ImageNet unheeded."""
    prepared = pillow_bicubic_8bit(images, side).to(_device(model))
    tokens: Tensor = model.forward_features(prepared / 127.5 - 1.0)
    return tokens[:, 0]


def last_keys(model: Any, pixels: Tensor) -> Tensor:
    """Keys of the last attention layer, heads side by side, of every token, the class token first: ``[B,N,D]``.

    Args:
        model: timm's network.
        pixels: ``float32 [B,3,H,W]``, normalised; sides are cut to whole patches, as a convolution cuts them.
    """
    high, wide = model.patch_embed.patch_size
    height, width = pixels.shape[-2:]
    tokens = model.patch_embed(pixels[..., : height // high * high, : width // wide * wide])
    tokens = model.norm_pre(model.patch_drop(model._pos_embed(tokens)))
    *earlier, last = model.blocks
    for block in earlier:
        tokens = block(tokens)
    _, keys, _ = last.attn.qkv(last.norm1(tokens)).chunk(3, dim=-1)
    found: Tensor = keys
    return found


def _device(model: Any) -> torch.device:
    device: torch.device = next(model.parameters()).device
    return device
