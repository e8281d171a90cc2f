"""Tokens and bits per pixel of the tokenizers that VTBench (Lin et al., 2505.13439) compares, at its own input sizes.

Whole networks on the meta device encode an image of that size; what is counted are the codes that come out.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from vtbench.checkpoints.cards import load_cards
from vtbench.core.naming.reference import Reference
from vtbench.tokenizers import TOKENIZERS

# Card, arguments, side of VTBench's input; tokens at 256, tokens at that side, and its bits a pixel to three digits.
ROWS: list[tuple[str, dict[str, Any], int, int, int, float]] = [
    ("flowmo-lo", {}, 256, 256, 256, 0.0703),
    ("flowmo-hi", {}, 256, 256, 256, 0.219),
    ("maskbit-16bit", {}, 256, 256, 256, 0.0625),
    ("maskbit-18bit", {}, 256, 256, 256, 0.0703),
    ("open-magvit2-256", {}, 256, 256, 256, 0.0703),
    ("titok-l32", {}, 256, 32, 32, 0.00586),
    ("titok-b64", {}, 256, 64, 64, 0.0117),
    ("titok-s128", {}, 256, 128, 128, 0.0234),
    ("titok-bl64", {}, 256, 64, 64, 0.0127),
    ("titok-bl128", {}, 256, 128, 128, 0.0254),
    ("titok-sl256", {}, 256, 256, 256, 0.0508),
    ("llamagen-ds16", {}, 512, 256, 1024, 0.0547),
    ("llamagen-ds16-t2i", {}, 512, 256, 1024, 0.0547),
    ("llamagen-ds8", {}, 256, 1024, 1024, 0.219),
    ("bsq-vit-18bit", {}, 256, 1024, 1024, 0.281),
    ("bsq-vit-36bit", {}, 256, 1024, 1024, 0.5625),
    ("var-256", {}, 256, 680, 680, 0.1245),
    ("var-512", {}, 512, 2240, 2240, 0.1025),
    ("chameleon", {}, 512, 256, 1024, 0.0508),
    ("anole", {}, 512, 256, 1024, 0.0508),
    ("janus-pro", {}, 384, 256, 576, 0.0547),
    ("infinity-d32", {"size": 1024}, 1024, 521, 10521, 0.321),
    ("infinity-d64", {"size": 1024}, 1024, 521, 10521, 0.642),
]


@pytest.mark.filterwarnings("ignore:.*random weights")
@pytest.mark.parametrize(
    ("name", "arguments", "side", "tokens_at_256", "tokens", "rate"), ROWS, ids=[row[0] for row in ROWS]
)
def test_codes_at_the_size_vtbench_feeds(
    name: str,
    arguments: dict[str, Any],
    side: int,
    tokens_at_256: int,
    tokens: int,
    rate: float,
    without_memory: None,
) -> None:
    card = load_cards()[name]
    assert card.geometry is not None and card.geometry.token_count == tokens_at_256
    tokenizer: Any = TOKENIZERS.create(Reference(card.target, {**card.args, **arguments, "random_weights_seed": 0}))
    seeds = {"seeds": torch.zeros(1, dtype=torch.int64)} if tokenizer.info.stochastic else {}
    codes = tokenizer.encode(torch.empty(1, 3, side, side, device="meta"), **seeds)
    counts = [math.prod(grid) for grid in codes.grids]
    bits = sum(count * each for count, each in zip(counts, tokenizer.info.bits_per_token, strict=True))
    assert sum(counts) == tokens
    assert bits / side**2 == pytest.approx(rate, rel=3e-3)


@pytest.mark.parametrize("name", ["sd3.5-large", "flux.1-dev"])
def test_continuous_codes_at_1024(name: str) -> None:
    geometry = load_cards()[name].geometry
    assert geometry is not None and geometry.tokens == (32 * 32,) and geometry.latent_channels == 16
    assert geometry.bits_per_pixel == 4  # the same at 1024: both tokens and pixels are sixteen times as many
