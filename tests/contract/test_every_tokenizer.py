"""The adapter contract, over every tokenizer that comes with vtbench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from small_autoencoders import FSQ, RAES, VIDEOS

from vtbench.checkpoints.cards import load_cards
from vtbench.tokenizers import TOKENIZERS
from vtbench.tokenizers.contract import check_tokenizer
from vtbench.tokenizers.published.base import OfficialTokenizer
from vtbench.tokenizers.resolve import resolve_tokenizer, tokenizer_names

# Small arguments where the default would only make the fit slower, and more than one setting where it matters.
REFERENCES = [
    "identity",
    "resize",
    "resize,factor=3,filter=bilinear",
    "jpeg",
    "jpeg,quality=10,subsampling=4:4:4,progressive=true,optimize=true",
    "jpeg,restart_marker_blocks=1",
    "jpeg-lm",
    "webp",
    "webp,lossless=true",
    "avif",
    "patch-vq,codebook_size=32",
    "patch-vq,patch=5,codebook_size=32",
    "patch-rvq,codebook_size=16,levels=3",
    "patch-bsq,nbits=12",
    "patch-pca",
]
LDM = {
    "block_out_channels": (8, 16, 16),
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "norm_num_groups": 4,
    "latent_channels": 4,
}
DC_HALF = {
    "block_types": ("ResBlock", "EfficientViTBlock"),
    "block_out_channels": (8, 16),
    "layers_per_block": (1, 1),
    "qkv_multiscales": ((), (5,)),
}
DIFFUSERS: dict[str, tuple[str, dict[str, Any]]] = {
    "diffusers-kl": ("AutoencoderKL", LDM),
    "diffusers-vq": ("VQModel", {**LDM, "num_vq_embeddings": 32}),
    "diffusers-tiny": (
        "AutoencoderTiny",
        {
            "encoder_block_out_channels": (8, 8),
            "decoder_block_out_channels": (8, 8),
            "num_encoder_blocks": (1, 1),
            "num_decoder_blocks": (1, 1),
        },
    ),
    "diffusers-dc": (
        "AutoencoderDC",
        {f"{side}_{key}": value for side in ("encoder", "decoder") for key, value in DC_HALF.items()}
        | {"latent_channels": 8, "attention_head_dim": 4},
    ),
    "diffusers": VIDEOS["wan2.1"],
    "diffusers-fsq": FSQ,
    "diffusers-rae": ("AutoencoderRAE", RAES["dinov2"]),
}
# What only trained weights can pass: random ones return something unlike the photograph.
NEEDS_TRAINING = {"range", "alignment"}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VTBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def failures(tokenizer: Any) -> dict[str, str]:
    return {result.name: result.detail for result in check_tokenizer(tokenizer) if not result.passed}


def test_no_tokenizer_is_left_out() -> None:
    covered = {text.split(",")[0] for text in REFERENCES} | set(DIFFUSERS)
    covered |= {"command"}  # in tests/unit/tokenizers/elsewhere/test_command.py, with a program
    # in tests/unit/tokenizers/test_pair.py, with two small ones
    covered |= {"pair", "frames"} | {name for name, card in load_cards().items() if card.target == "pair"}
    # those of published checkpoints run, shrunken and with random weights, in test_cards_families.py
    published = {name for name, card in load_cards().items() if card.checkpoint is not None}
    own = {name for name in TOKENIZERS.builtin if issubclass(TOKENIZERS.load(name), OfficialTokenizer)}
    assert set(tokenizer_names()) - set(TOKENIZERS.plugins()) - published - own <= covered


@pytest.mark.parametrize("text", REFERENCES)
def test_contract(text: str) -> None:
    assert failures(resolve_tokenizer(text)) == {}


@pytest.mark.parametrize("name", DIFFUSERS)
def test_contract_of_diffusers_with_random_weights(name: str, tmp_path: Path) -> None:
    class_name, config = DIFFUSERS[name]
    torch.manual_seed(0)
    model = getattr(diffusers, class_name)(**config)
    if class_name == "VQModel":
        torch.nn.init.normal_(model.quantize.embedding.weight)
    model.save_pretrained(tmp_path)
    assert set(failures(resolve_tokenizer(f"{name},path={tmp_path}"))) <= NEEDS_TRAINING
