"""``pair``: one tokenizer's encoder with another's decoder, against the library called step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from diffusers.pipelines.flux2.pipeline_flux2 import Flux2Pipeline
from small_autoencoders import IMAGES, built, saved
from torch import Tensor

from vtbench.checkpoints.cards import find_card, load_cards
from vtbench.core.errors import UsageError
from vtbench.tokenizers.contract import check_tokenizer
from vtbench.tokenizers.fetching import fetch_card
from vtbench.tokenizers.published.tiny_ae.network import TinyAutoencoder, TinyGeometry
from vtbench.tokenizers.resolve import resolve_tokenizer

PAIRS = [card for card in load_cards().values() if card.target == "pair"]
LDM = {
    "block_out_channels": (8, 16),
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2,
    "norm_num_groups": 4,
    "latent_channels": 4,
}
TINY = {f"{side}_block_out_channels": (8, 8) for side in ("encoder", "decoder")}
TINY |= {f"num_{side}_blocks": (1, 1) for side in ("encoder", "decoder")}


def load(encoder: str, decoder: str) -> Any:
    return resolve_tokenizer(f"pair,encoder='{encoder}',decoder='{decoder}'")


def through(tokenizer: Any, images: Tensor) -> Tensor:
    pixels: Tensor = tokenizer.decode(tokenizer.encode(images))
    return pixels


@pytest.fixture(scope="module")
def taef2(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TinyAutoencoder]:
    """Of the width of the small FLUX.2 autoencoder's latents."""
    torch.manual_seed(1)
    network = TinyAutoencoder(TinyGeometry(channels=8, blocks=1, latent_channels=4)).eval().requires_grad_(False)
    file = tmp_path_factory.mktemp("taef2") / "both.pth"
    torch.save(network.state_dict(), file)
    return file, network


@pytest.fixture(scope="module")
def flux2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flux2")
    saved(*IMAGES["flux2"], folder)
    return folder


def tiny(file: Path) -> str:
    return f"tiny-ae,channels=8,blocks=1,latent_channels=4,checkpoint={file}"


def test_with_itself_nothing_changes(flux2: Path, photos: Tensor) -> None:
    alone, images = resolve_tokenizer(f"diffusers,path={flux2}"), photos[:2, :, :61, :50]
    pair = load(f"diffusers,path={flux2}", f"diffusers,path={flux2}")
    assert torch.equal(through(pair, images), through(alone, images))
    assert pair.info.weights == alone.info.weights and pair.info.downsample_factor == 8
    assert [note for note in pair.notes if "cross" in note] == []


def test_scaled_latents_meet_a_decoder_of_scaled_ones(tmp_path: Path, photos: Tensor) -> None:
    """TAESD's factor is 1 where Stable Diffusion's is 0.18215: the pipeline hands both the same latents."""
    scaled = {**LDM, "scaling_factor": 0.3611, "shift_factor": 0.1159}
    large, small = saved("AutoencoderKL", scaled, tmp_path / "kl"), saved("AutoencoderTiny", TINY, tmp_path / "tiny")
    images = photos[:2, :, :62, :50]
    given = (images * 2 - 1).contiguous(memory_format=torch.channels_last)
    large, small = (part.to(memory_format=torch.channels_last) for part in (large, small))
    with torch.no_grad():
        latents = (large.encode(given).latent_dist.mode() - 0.1159) * 0.3611
        expected = (small.decode(latents).sample + 1) / 2
        back = (large.decode(small.encode(given).latents / 0.3611 + 0.1159).sample + 1) / 2
    names = f"diffusers-kl,path={tmp_path / 'kl'}", f"diffusers-tiny,path={tmp_path / 'tiny'}"
    pair = load(*names)
    torch.testing.assert_close(through(pair, images), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(through(load(*reversed(names)), images), back, atol=1e-4, rtol=0)
    assert pair.info.name == "diffusers-kl-to-diffusers-tiny" and len(pair.info.weights) == 2
    assert "latents cross as their denoiser sees them" in " ".join(pair.notes)
    assert "nothing says that encoder and decoder share codes" in " ".join(pair.notes)


def test_flux2_latents_cross_in_its_patches(flux2: Path, taef2: tuple[Path, Any], photos: Tensor) -> None:
    file, small = taef2
    large, images = built(*IMAGES["flux2"]), photos[:1, :, :56, :72]
    padded = F.pad(images, (0, 8, 0, 8), mode="replicate")  # to patches of two positions of eight pixels
    std = torch.sqrt(large.bn.running_var.view(1, -1, 1, 1) + large.config.batch_norm_eps)
    mean = large.bn.running_mean.view(1, -1, 1, 1)
    with torch.no_grad():
        raw = large.encode(padded * 2 - 1).latent_dist.mode()
        expected = small.decoder(Flux2Pipeline._unpatchify_latents((Flux2Pipeline._patchify_latents(raw) - mean) / std))
        undone = Flux2Pipeline._patchify_latents(small.encoder(padded)) * std + mean
        back = (large.decode(Flux2Pipeline._unpatchify_latents(undone)).sample + 1) / 2
    for more in ("", ",latents=normalised"):
        whole = f"diffusers,path={flux2}{more}"
        there, here = load(whole, tiny(file)), load(tiny(file), whole)
        torch.testing.assert_close(through(there, images), expected[..., :56, :72], atol=1e-4, rtol=0)
        torch.testing.assert_close(through(here, images), back[..., :56, :72], atol=1e-3, rtol=0)
        assert there.encode(images).latents.shape[1] == (16 if more else 4)


def test_the_contract(flux2: Path, taef2: tuple[Path, Any]) -> None:
    pair = load(f"diffusers,path={flux2},latents=normalised", tiny(taef2[0]))
    failed = {check.name for check in check_tokenizer(pair) if not check.passed}
    assert failed <= {"range", "alignment"}
    assert (
        pair.to(device="cpu", dtype=torch.bfloat16).decode(pair.encode(torch.rand(1, 3, 32, 32))).dtype == torch.float32
    )


def test_indices_cross_as_they_are(tmp_path: Path, photos: Tensor) -> None:
    import diffusers

    for seed, name in enumerate(("first", "second")):
        torch.manual_seed(seed)
        model = diffusers.VQModel(**LDM, num_vq_embeddings=32)
        torch.nn.init.normal_(model.quantize.embedding.weight)
        model.save_pretrained(tmp_path / name)
    diffusers.VQModel(**LDM, num_vq_embeddings=16).save_pretrained(tmp_path / "other")
    first, second, other = (f"diffusers-vq,path={tmp_path / name}" for name in ("first", "second", "other"))
    pair, images = load(first, second), photos[:1, :, :32, :33]
    codes = pair.encode(images)
    assert torch.equal(codes.levels[0], resolve_tokenizer(first).encode(images).levels[0])
    assert torch.equal(pair.decode(codes), resolve_tokenizer(second).decode(codes))
    with pytest.raises(UsageError, match=r"codebooks of \[32\] and \[16\]"):
        load(first, other)
    saved("AutoencoderKL", LDM, tmp_path / "continuous")
    with pytest.raises(UsageError, match="one is discrete, the other continuous"):
        load(first, f"diffusers-kl,path={tmp_path / 'continuous'}")


@pytest.mark.parametrize(
    ("encoder", "decoder", "told"),
    [
        (
            "sd-vae",
            "taesdxl",
            r"other codes\n  those of sd-vae are decoded by sd-vae, sd-vae-ft-ema, sd-vae-ft-mse, taesd",
        ),
        ("llamagen-ds16", "titok-l32", "they are other codes"),
        ("jpeg", "webp", "bytes of a codec are for that codec"),
        ("os:path", "sd-vae", "vtbench's own tokenizers"),
        ("jpe", "jpeg", "did you mean jpeg"),
    ],
)
def test_what_does_not_fit_is_refused(encoder: str, decoder: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        load(encoder, decoder)


def test_latents_of_another_shape_are_refused(tmp_path: Path, taef2: tuple[Path, Any]) -> None:
    saved("AutoencoderKL", LDM, tmp_path)
    with pytest.raises(UsageError, match="16 channels every 16 pixels"):
        load(f"diffusers-kl,path={tmp_path}", tiny(taef2[0]))


@pytest.mark.parametrize("card", PAIRS, ids=lambda card: card.name)
def test_cards(card: Any) -> None:
    encoder, decoder = (find_card(card.args[half]) for half in ("encoder", "decoder"))
    assert card.name == f"{encoder.name}-to-{decoder.name}"
    assert encoder.code_space and encoder.code_space == decoder.code_space
    assert card.geometry == encoder.geometry


def test_both_are_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photos: Tensor) -> None:
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    saved("AutoencoderKL", {**LDM, "scaling_factor": 0.18215}, tmp_path / "sd-vae")
    saved("AutoencoderTiny", TINY, tmp_path / "taesd")
    found = fetch_card(find_card("sd-vae-to-taesd"))
    assert [item.path.name for item in found] == ["sd-vae", "taesd"]
    pair: Any = resolve_tokenizer("sd-vae-to-taesd")
    assert pair.info.name == "sd-vae-to-taesd" and pair.info.licence == "CreativeML Open RAIL-M; MIT"
    assert not [note for note in pair.notes if "nothing says" in note]
    assert through(pair, photos[:1, :, :32, :32]).shape == (1, 3, 32, 32)
