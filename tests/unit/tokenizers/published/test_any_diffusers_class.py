"""``diffusers``: every class of the library that images can be put through, against the class used directly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
import torch.nn.functional as F
from diffusers.pipelines.flux2.pipeline_flux2 import Flux2Pipeline
from small_autoencoders import FSQ, IMAGES, RAES, VIDEOS, built, saved
from torch import Tensor

from vtbench.core.errors import AdapterError, UsageError
from vtbench.run.measuring.model import LoadedModel
from vtbench.tokenizers.resolve import resolve_tokenizer

SMALL = {**IMAGES, **VIDEOS}
COLOURS = {"qwen-image-layered": 4, "qwen-image-2.1": 4}
FACTORS = {
    **dict.fromkeys(SMALL, 8),
    **{"hunyuan-image": 32, "asymmetric": 2, "qwen-image-2.1": 16, "wan2.2": 16, "hunyuan-video-1.5": 16},
    **{"ltx": 32, "ltx2": 32},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {name: tmp_path_factory.mktemp("autoencoder") for name in SMALL}
    for name, folder in made.items():
        saved(*SMALL[name], folder)
    return made


def load(folder: Path, more: str = "", adapter: str = "diffusers") -> Any:
    return resolve_tokenizer(f"{adapter},path={folder}{more}")


def direct(name: str, images: Tensor) -> tuple[Tensor, Tensor]:
    """Latents and reconstruction by the class's own methods: a video has the image as its only frame."""
    network = built(*SMALL[name])
    if name == "hunyuan-video-1.5":
        network.enable_slicing()  # the class fails at two videos at once
    given = images * 2 - 1
    if COLOURS.get(name) == 4:
        given = torch.cat([given, torch.ones_like(given[:, :1])], 1)
    if name in VIDEOS:
        given = given[:, :, None].repeat(1, 1, 4 if name == "vidtok" else 1, 1, 1)
    elif name != "svd":
        network, given = network.to(memory_format=torch.channels_last), given.to(memory_format=torch.channels_last)
    with torch.no_grad():
        latents = network.encode(given).latent_dist.mode()
        output = network.decode(latents, **({"num_frames": 1} if name == "svd" else {}))
    output = output if isinstance(output, Tensor) else output.sample
    if name in VIDEOS:
        assert latents.shape[2] == output.shape[2] == 1
        latents, output = latents[:, :, 0], output[:, :, 0]
    return latents, (output[:, :3] + 1) / 2


@pytest.mark.parametrize("name", SMALL)
def test_parity_with_the_class(name: str, folders: dict[str, Path], photos: Tensor) -> None:
    tokenizer, factor = load(folders[name]), FACTORS[name]
    assert tokenizer.info.downsample_factor == factor
    for images in (photos[:2, :, :64, :96], photos[:1, :, :61, :50]):  # not square, odd
        height, width = images.shape[-2:]
        padded = F.pad(images, (0, -width % factor, 0, -height % factor), mode="replicate")
        latents, expected = direct(name, padded)
        codes = tokenizer.encode(images)
        assert codes.grids == ((-(-height // factor), -(-width // factor)),)
        torch.testing.assert_close(codes.latents, latents, atol=1e-5, rtol=0)
        torch.testing.assert_close(tokenizer.decode(codes), expected[..., :height, :width], atol=1e-5, rtol=0)
        assert float(codes.latents.std()) > 1e-4


@pytest.mark.parametrize("name", ["wan2.1", "qwen-image", "ltx", "vidtok"])
def test_a_frame_leaves_nothing_behind(name: str, folders: dict[str, Path], photos: Tensor) -> None:
    """Video classes keep the frames they saw, for the next of the same video; an image has no next one."""
    tokenizer, images = load(folders[name]), photos[:1, :, :64, :64]
    first = tokenizer.decode(tokenizer.encode(images))
    tokenizer.decode(tokenizer.encode(photos[1:3, :, :64, :64]))
    assert torch.equal(tokenizer.decode(tokenizer.encode(images)), first)


def test_flux2_latents_as_its_pipeline_makes_them(folders: dict[str, Path], photos: Tensor) -> None:
    tokenizer = load(folders["flux2"], ",latents=normalised")
    images = photos[:2, :, :40, :61]
    network = built(*SMALL["flux2"])
    padded = F.pad(images, (0, 3, 0, 8), mode="replicate")
    with torch.no_grad():
        latents = Flux2Pipeline._patchify_latents(network.encode(padded * 2 - 1).latent_dist.mode())
    std = torch.sqrt(network.bn.running_var.view(1, -1, 1, 1) + network.config.batch_norm_eps)
    expected = (latents - network.bn.running_mean.view(1, -1, 1, 1)) / std
    codes = tokenizer.encode(images)
    assert codes.latents.shape == (2, 16, 3, 4) and tokenizer.info.downsample_factor == 16
    torch.testing.assert_close(codes.latents, expected, atol=1e-4, rtol=0)
    with torch.no_grad():
        raw = Flux2Pipeline._unpatchify_latents(expected * std + network.bn.running_mean.view(1, -1, 1, 1))
        pixels = (network.decode(raw).sample + 1) / 2
    torch.testing.assert_close(tokenizer.decode(codes), pixels[..., :40, :61], atol=5e-4, rtol=0)


@pytest.mark.parametrize(("name", "scale"), [("wan2.1", 1.0), ("hunyuan-video", 0.476986)])
def test_statistics_of_the_configuration(name: str, scale: float, folders: dict[str, Path], photos: Tensor) -> None:
    images, config = photos[:1, :, :32, :32], SMALL[name][1]
    mean, std = (
        torch.tensor(config.get(key, [none] * 4)).view(1, 4, 1, 1)
        for key, none in (("latents_mean", 0.0), ("latents_std", 1.0))
    )
    raw = load(folders[name])
    codes = load(folders[name], ",latents=normalised").encode(images)
    torch.testing.assert_close(codes.latents, (raw.encode(images).latents - mean) * scale / std)
    again = load(folders[name], ",latents=normalised").decode(codes)
    torch.testing.assert_close(again, raw.decode(raw.encode(images)), atol=1e-5, rtol=0)


def test_statistics_in_the_weights(tmp_path: Path, photos: Tensor) -> None:
    network = built(*SMALL["ltx"])
    network.latents_mean.copy_(torch.arange(8.0))
    network.latents_std.copy_(torch.arange(1.0, 9.0))
    network.save_pretrained(tmp_path)
    images = photos[:1, :, :64, :64]
    raw, codes = load(tmp_path).encode(images), load(tmp_path, ",latents=normalised").encode(images)
    expected = (raw.latents - torch.arange(8.0).view(1, 8, 1, 1)) / torch.arange(1.0, 9.0).view(1, 8, 1, 1)
    torch.testing.assert_close(codes.latents, expected)


def test_statistics_of_each_moment(tmp_path: Path, photos: Tensor) -> None:
    """Cosmos' list has them channel by channel, a moment after the other."""
    stated = {"latents_mean": [0.5, 9.0] * 16, "latents_std": [2.0, 9.0] * 16}
    saved(SMALL["cosmos"][0], SMALL["cosmos"][1] | stated, tmp_path)
    raw, codes = (load(tmp_path, more).encode(photos[:1, :, :32, :32]) for more in ("", ",latents=normalised"))
    torch.testing.assert_close(codes.latents, (raw.latents - 0.5) / 2)


def test_fsq_is_indices(tmp_path: Path, photos: Tensor) -> None:
    network = saved(*FSQ, tmp_path)
    tokenizer = load(tmp_path, adapter="diffusers-fsq")
    images = photos[:2, :, :61, :50]
    given = (F.pad(images, (0, 6, 0, 3), mode="replicate") * 2 - 1)[:, :, None].repeat(1, 1, 4, 1, 1)
    with torch.no_grad():
        quantised, indices = network.encode(given)
        expected = (network.decode(quantised)[:, :, 0] + 1) / 2
    codes = tokenizer.encode(images)
    assert torch.equal(codes.levels[0], indices[:, 0].long()) and len(codes.levels[0].unique()) > 2
    assert tokenizer.info.codebook_sizes == (64,) and codes.grids == ((8, 7),)
    torch.testing.assert_close(tokenizer.decode(codes), expected[..., :61, :50], atol=1e-5, rtol=0)
    with pytest.raises(AdapterError, match="does not take one image"):
        load(tmp_path)


@pytest.mark.parametrize("name", RAES)
def test_rae_at_its_own_size_and_at_another(name: str, tmp_path: Path, photos: Tensor) -> None:
    network = saved("AutoencoderRAE", RAES[name], tmp_path)
    tokenizer = load(tmp_path, adapter="diffusers-rae")
    images = photos[:2, :, :64, :64]
    with torch.no_grad():
        latents = network.encode(images).latent
        expected = network.decode(latents).sample
    codes = tokenizer.encode(images)
    torch.testing.assert_close(codes.latents, latents, atol=1e-5, rtol=0)
    torch.testing.assert_close(tokenizer.decode(codes), expected, atol=1e-5, rtol=0)
    assert (tokenizer.info.native_size, tokenizer.info.fixed_size, tokenizer.info.downsample_factor) == (64, True, 16)
    assert ("reads 56x56 of 64x64" in " ".join(tokenizer.notes)) == (name == "dinov2")
    with pytest.raises(AdapterError, match="takes 64 pixels a side"):
        tokenizer.encode(photos[:1, :, :80, :64])
    loaded = LoadedModel(tokenizer, torch.device("cpu"))
    assert loaded.resize_note(64, 64) is None
    assert loaded.resize_note(80, 96) == "80x96 -> 64x64 -> 80x96, bicubic, antialias, float32, not rounded"
    assert loaded.reconstruct(photos[:1, :, :80, :96], [0]).images.shape == (1, 3, 80, 96)


def test_keys_for_pipelines_are_no_fault(folders: dict[str, Path], tmp_path: Path) -> None:
    """Published FLUX.2 folders say ``force_upcast``, which the class does not take."""
    import json
    import shutil

    shutil.copytree(folders["flux2"], tmp_path / "vae")
    file = tmp_path / "vae" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"force_upcast": True}))
    assert load(tmp_path / "vae").latent_channels == 4
    file.write_text(json.dumps(json.loads(file.read_text()) | {"mid_block_norms": 3}))
    with pytest.raises(AdapterError, match="mid_block_norms"):
        load(tmp_path / "vae")


def test_the_class_is_told_apart(folders: dict[str, Path], tmp_path: Path) -> None:
    wan = folders["wan2.1"]
    assert load(wan, ",class_name=AutoencoderKLWan").info.kind == "continuous"
    with pytest.raises(UsageError, match="is a AutoencoderKLWan, not a AutoencoderKLQwenImage"):
        load(wan, ",class_name=AutoencoderKLQwenImage")
    with pytest.raises(UsageError, match=r"use diffusers$"):
        load(wan, adapter="diffusers-kl")
    diffusers.VQModel(num_vq_embeddings=8).save_pretrained(tmp_path / "vq")
    with pytest.raises(UsageError, match="use diffusers-vq"):
        load(tmp_path / "vq")
    config = (wan / "config.json").read_text()
    for named, hint in (("AutoencoderKLWam", "did you mean AutoencoderKLWan"), ("UNet2DModel", "it has: Asymmetric")):
        (tmp_path / named).mkdir()
        (tmp_path / named / "config.json").write_text(config.replace("AutoencoderKLWan", named))
        (tmp_path / named / "diffusion_pytorch_model.safetensors").symlink_to(
            wan / "diffusion_pytorch_model.safetensors"
        )
        with pytest.raises(UsageError, match=hint):
            load(tmp_path / named)


def test_what_takes_no_single_image_is_refused(tmp_path: Path) -> None:
    """LTX-Video with a decoder that needs a time step; an autoencoder of sound."""
    saved(SMALL["ltx"][0], SMALL["ltx"][1] | {"timestep_conditioning": True}, tmp_path / "ltx")
    with pytest.raises(AdapterError, match="AutoencoderKLLTXVideo does not take one image to latents and back"):
        load(tmp_path / "ltx")
    saved(SMALL["ltx"][0], SMALL["ltx"][1] | {"decoder_inject_noise": (True,) * 5}, tmp_path / "noise")
    with pytest.raises(AdapterError, match="the decoder of AutoencoderKLLTXVideo draws random numbers"):
        load(tmp_path / "noise")
    sound = {"encoder_hidden_size": 8, "downsampling_ratios": [2], "channel_multiples": [1], "decoder_channels": 8}
    saved("AutoencoderOobleck", {**sound, "decoder_input_channels": 4}, tmp_path / "sound")
    with pytest.raises(AdapterError, match="does not take one image"):
        load(tmp_path / "sound")
