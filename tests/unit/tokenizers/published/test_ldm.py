"""``ldm-vq`` and ``ldm-kl``: published layouts, against an oracle of their own and against diffusers' converter."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.core.errors import AdapterError
from vtbench.tokenizers.published.ldm.adapter import LdmKL, LdmVQ
from vtbench.tokenizers.published.ldm.keys import to_diffusers

SPEC = importlib.util.spec_from_file_location("official_layout", Path(__file__).parents[1] / "official_layout.py")
assert SPEC is not None and SPEC.loader is not None
layout = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(layout)

SMALL: dict[str, dict[str, Any]] = {
    "taming": {"multipliers": (1, 2, 2), "latent_channels": 6, "codebook_dim": 4, "codebook_size": 64},
    "chameleon": {
        "multipliers": (1, 2),
        "latent_channels": 6,
        "codebook_dim": 6,
        "codebook_size": 64,
        "encoder_attention": 0,
        "decoder_attention": 0,
    },
    "movq": {
        "multipliers": (1, 2),
        "latent_channels": 4,
        "codebook_dim": 4,
        "codebook_size": 64,
        "spatial_norm": True,
    },
    "kl-f32": {"multipliers": (1, 1, 2), "latent_channels": 4, "encoder_attention": 2, "decoder_attention": 2},
    "sd": {"multipliers": (1, 1, 2), "latent_channels": 4, "encoder_attention": 0, "decoder_attention": 0},
    "mar": {"multipliers": (1, 2), "latent_channels": 4, "encoder_attention": 1, "decoder_attention": 0},
}
CLOSE = {"atol": 2e-4, "rtol": 1e-4}
# Rows of the appendix of state-dict patterns, the tensors' number, and millions of values.
FULL = {
    "chameleon": (293, 93, 68.72),
    "mar-kl16": (312, None, 66.46),
    "movqgan-270m": (None, None, 270.67),
    "movqgan-67m": (None, None, 67.83),
}


def make(name: str, **more: Any) -> Any:
    """A family of small width with seeded random weights, its norms and codebook far from their initial values."""
    kind = LdmVQ if "codebook_size" in SMALL[name] else LdmKL
    tokenizer = kind.random(channels=32, blocks=1, norm_groups=32, **SMALL[name], **more)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for key, tensor in tokenizer._network.named_parameters():
            if "norm" in key or "embedding" in key:
                tensor.add_(torch.randn(tensor.shape, generator=generator), alpha=0.3)
    return tokenizer


def published(name: str, tokenizer: Any) -> dict[str, Tensor]:
    state = {key: tensor.contiguous() for key, tensor in tokenizer._network.state_dict().items()}
    return {key: tensor.contiguous() for key, tensor in layout.to_ldm(state, len(SMALL[name]["multipliers"])).items()}


@pytest.mark.filterwarnings("ignore:.*random weights")
@pytest.mark.parametrize("name", SMALL)
def test_a_published_file_gives_what_the_network_is_defined_to_give(name: str, photos: Tensor, tmp_path: Path) -> None:
    images, source = photos[:2, :, 40:72, 60:100], make(name)
    state = published(name, source)
    torch.save({"state_dict": {**state, "loss.logvar": torch.zeros(1)}, "epoch": 3}, tmp_path / "model.ckpt")
    kind = type(source)
    tokenizer = kind(channels=32, blocks=1, norm_groups=32, **SMALL[name], checkpoint=str(tmp_path / "model.ckpt"))
    codes = tokenizer.encode(images)
    latents = layout.encode(state, images * 2 - 1, 32)
    if kind is LdmVQ:
        distances = torch.cdist(latents.movedim(1, -1).flatten(0, 2), state["quantize.embedding.weight"])
        expected = distances.argmin(1).reshape(codes.levels[0].shape)
        assert len(expected.unique()) > 5
        assert float((codes.levels[0] == expected).double().mean()) > 0.995
        latents = state["quantize.embedding.weight"][codes.levels[0]].movedim(-1, 1)
    else:
        latents = latents.chunk(2, dim=1)[0]
        torch.testing.assert_close(codes.latents, latents, **CLOSE)
    expected_image = (layout.decode(state, latents, 32) + 1) / 2
    torch.testing.assert_close(tokenizer.decode(codes), expected_image, **CLOSE)
    assert tokenizer.info.weights[0].name == "model.ckpt" and tokenizer.info.revision != "random-0"


@pytest.mark.filterwarnings("ignore:.*random weights")
def test_renaming_is_that_of_diffusers_own_converter() -> None:
    """Which knows attention in the middle only."""
    name = "sd"
    tokenizer = make(name)
    state = published(name, tokenizer)
    config = {key: tokenizer._network.config[key] for key in ("down_block_types", "up_block_types")}
    theirs = convert_ldm_vae_checkpoint({f"first_stage_model.{key}": value for key, value in state.items()}, config)
    ours = to_diffusers(state, len(SMALL[name]["multipliers"]))
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_names_of_diffusers_stay() -> None:
    state = {"encoder.down_blocks.0.resnets.0.conv1.weight": torch.zeros(1), "decoder.conv_in.bias": torch.zeros(1)}
    assert to_diffusers(state, 3) == state


@pytest.mark.filterwarnings("ignore:.*random weights")
def test_names_that_diffusers_has_changed_are_brought_up_to_date(tmp_path: Path) -> None:
    source = make("sd")
    now, then = ("to_q.", "to_k.", "to_v.", "to_out.0."), ("query.", "key.", "value.", "proj_attn.")
    state = dict(source._network.state_dict())
    for new, old in zip(now, then, strict=True):
        state = {
            key.replace(new, old) if ".attentions." in key else key: tensor.contiguous()
            for key, tensor in state.items()
        }
    assert any("mid_block.attentions.0.proj_attn.bias" in key for key in state)
    torch.save(state, tmp_path / "diffusion_pytorch_model.bin")
    file = str(tmp_path / "diffusion_pytorch_model.bin")
    loaded = LdmKL(channels=32, blocks=1, norm_groups=32, **SMALL["sd"], checkpoint=file)
    assert all(
        torch.equal(loaded._network.state_dict()[key], value) for key, value in source._network.state_dict().items()
    )


@pytest.mark.filterwarnings("ignore:.*random weights")
@pytest.mark.parametrize("name", FULL)
def test_published_tensors_number_and_size(name: str, without_memory: None) -> None:
    tensors, kinds, millions = FULL[name]
    card = load_cards()[name]
    kind: Any = {"ldm-vq": LdmVQ, "ldm-kl": LdmKL}[card.target]
    tokenizer = kind.random(card=name, **card.args)
    state = layout.to_ldm(tokenizer._network.state_dict(), len(card.args.get("multipliers", range(5))))
    assert tensors is None or len(state) == tensors
    assert kinds is None or len(layout.patterns(state)) == kinds
    assert sum(tensor.numel() for tensor in state.values()) / 1e6 == pytest.approx(millions, abs=0.005)
    if name == "chameleon":
        assert state["encoder.mid.attn_1.q.weight"].shape == (512, 512, 1, 1)
        assert state["decoder.up.0.block.0.conv1.weight"].shape == (128, 128, 3, 3)


@pytest.mark.filterwarnings("ignore:.*random weights")
def test_another_geometry_is_told_in_words(tmp_path: Path) -> None:
    torch.save(published("taming", make("taming")), tmp_path / "w.pt")
    wrong = {**SMALL["taming"], "codebook_size": 32}
    with pytest.raises(AdapterError) as caught:
        LdmVQ(channels=32, blocks=1, **wrong, checkpoint=str(tmp_path / "w.pt"))
    assert "ldm-vq" in str(caught.value) and str(tmp_path / "w.pt") in str(caught.value)
    assert "quantize.embedding.weight is 64x4 in the file, 32x4 is expected" in str(caught.value)
