"""The adapter contract over every card of a published checkpoint, of small width and with random weights.

What chooses the architecture (bits, codebooks, stages, attention, norms) is the card's; what only makes it large is
not.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from small_autoencoders import RAE_DECODER, SMALLER

from vtbench.checkpoints.cards import Card, load_cards
from vtbench.core.pixels import to_unit
from vtbench.data.embedded.photographs.photos_mini import PhotosMini
from vtbench.run.measuring.model import resized
from vtbench.tokenizers import TOKENIZERS
from vtbench.tokenizers.contract import check_tokenizer
from vtbench.tokenizers.published.base import OfficialTokenizer
from vtbench.tokenizers.resolve import resolve_tokenizer

LARGE = {"channels", "multipliers", "encoder", "decoder", "scales", "tokens", "capacity"}
PUBLISHED = [card for card in load_cards().values() if card.checkpoint is not None]
# What only trained weights can pass: those of a folder are not told to be random.
NEEDS_TRAINING = {"range", "alignment"}
# Published settings that change the layers: no convolutions around the latents; norms that look at the codes.
WITHOUT_QUANT_CONV = {"flux.1-dev", "flux.1-schnell", "sd3-medium", "sd3.5-large"}
SPATIAL_NORM = {"kandinsky-movq"}
NORM_GROUPS = 32
"""Groups of diffusers' spatial norm, whatever the configuration says."""


def _family(card: Card) -> type[OfficialTokenizer] | None:
    family = TOKENIZERS.load(card.target)
    return family if isinstance(family, type) and issubclass(family, OfficialTokenizer) else None


OFFICIAL = [card for card in PUBLISHED if _family(card)]
LIBRARY = [card for card in PUBLISHED if not _family(card)]


def _frozen(arguments: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in arguments.items())


@cache
def _failures(family: type[OfficialTokenizer], card: str | None, arguments: tuple[tuple[str, Any], ...]) -> str:
    """Cards of one geometry share one examination."""
    tokenizer = family.random(card=card, **dict(arguments))
    assert sum(parameter.numel() for parameter in tokenizer._network.parameters()) < 8_000_000
    return "; ".join(f"{check.name}: {check.detail}" for check in check_tokenizer(tokenizer) if not check.passed)


@pytest.mark.filterwarnings("ignore:.*random weights")
@pytest.mark.parametrize("card", OFFICIAL, ids=lambda card: card.name)
def test_contract(card: Card) -> None:
    family = _family(card)
    assert family is not None
    chosen = {name: value for name, value in card.args.items() if name not in LARGE}
    if chosen.get("spatial_norm"):
        chosen |= {"channels": NORM_GROUPS, "norm_groups": NORM_GROUPS}
    arguments = _frozen({**family.shrunken, **chosen})
    assert dict(arguments).items() >= dict(_frozen(chosen)).items()
    range_of_its_own = card.name if card.value_range not in (None, family.value_range) else None
    assert _failures(family, range_of_its_own, arguments) == ""


def _config(card: Card) -> tuple[str, dict[str, Any]]:
    """Class and configuration of a small model with the card's stages and codes."""
    geometry = card.geometry
    assert geometry is not None
    (tokens,) = geometry.tokens
    if card.target == "diffusers":
        return _any_class(card)
    if card.target == "diffusers-rae":
        encoder = "mae" if "mae" in card.name else "dinov2"
        patch, side = (14, 7 * card.native_size // 8) if encoder == "dinov2" else (16, card.native_size)
        shapes = {"encoder_input_size": side, "encoder_patch_size": patch, "encoder_num_hidden_layers": 1}
        widths = {"encoder_hidden_size": geometry.latent_channels}
        return "AutoencoderRAE", {**RAE_DECODER, **shapes, **widths, "encoder_type": encoder, "patch_size": 16}
    stages = round(math.log2(256 / math.sqrt(tokens))) + 1
    widths, ones = (NORM_GROUPS if card.name in SPATIAL_NORM else 8,) * stages, (1,) * stages
    if card.target == "diffusers-tiny":
        blocks = {"num_encoder_blocks": ones, "num_decoder_blocks": ones, "latent_channels": geometry.latent_channels}
        return "AutoencoderTiny", {"encoder_block_out_channels": widths, "decoder_block_out_channels": widths, **blocks}
    if card.target == "diffusers-dc":
        types = ("ResBlock",) * (stages - 1) + ("EfficientViTBlock",)
        # its shortcuts average channels, so that a stage has at most four times as many as the one before
        last = geometry.latent_channels
        widths = tuple(max(8, last // 4 ** (stages - 1 - stage)) for stage in range(stages))
        half = {"block_types": types, "block_out_channels": widths, "layers_per_block": ones}
        sides = {f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in half.items()}
        scales = {f"{side}_qkv_multiscales": ((),) * stages for side in ("encoder", "decoder")}
        return "AutoencoderDC", {
            **sides,
            **scales,
            "latent_channels": geometry.latent_channels,
            "attention_head_dim": 4,
        }
    shared = {
        "block_out_channels": widths,
        "down_block_types": ("DownEncoderBlock2D",) * stages,
        "up_block_types": ("UpDecoderBlock2D",) * stages,
        "norm_num_groups": 4,
    }
    if card.target == "diffusers-vq":
        norm = "spatial" if card.name in SPATIAL_NORM else "group"
        return "VQModel", {
            **shared,
            "latent_channels": 4,
            "num_vq_embeddings": geometry.codebook_sizes[0],
            "norm_type": norm,
        }
    convolutions = card.name not in WITHOUT_QUANT_CONV
    quant = {"use_quant_conv": convolutions, "use_post_quant_conv": convolutions}
    return "AutoencoderKL", {**shared, **quant, "latent_channels": geometry.latent_channels}


def _any_class(card: Card) -> tuple[str, dict[str, Any]]:
    """A small model of the card's class, with its channels; folded into patches where its latents are."""
    assert card.geometry is not None
    name, config, entry = SMALLER[card.name]
    assert name == card.args["class_name"]
    channels = card.geometry.latent_channels // (4 if card.args.get("latents") == "normalised" else 1)
    statistics = {key: [0.5] * channels for key in ("latents_mean", "latents_std") if config.get(key)}
    return name, {**config, **statistics, entry: channels}


@pytest.mark.parametrize("card", LIBRARY, ids=lambda card: card.name)
def test_contract_of_diffusers_cards(card: Card, tmp_path: Path) -> None:
    class_name, config = _config(card)
    torch.manual_seed(0)
    model = getattr(diffusers, class_name)(**config)
    if class_name == "VQModel":
        torch.nn.init.normal_(model.quantize.embedding.weight)
    model.save_pretrained(tmp_path)
    tokenizer: Any = resolve_tokenizer(f"{card.name},checkpoint={tmp_path}")
    failed = {check.name: check.detail for check in check_tokenizer(tokenizer) if not check.passed}
    assert set(failed) <= NEEDS_TRAINING, failed
    assert tokenizer.info.name == card.name and tokenizer.info.licence == card.licence
    image = to_unit(PhotosMini()[0].image[None])
    side = tokenizer.info.native_size if tokenizer.info.fixed_size else image.shape[-1]
    codes = tokenizer.encode(resized(image, side, side))
    assert card.geometry is not None
    assert codes.total_bits(tokenizer.info).tolist() == [card.geometry.total_bits]


def test_none_is_left_out() -> None:
    assert len(OFFICIAL) + len(LIBRARY) == len(PUBLISHED) >= 150
