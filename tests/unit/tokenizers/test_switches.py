"""``compile`` and ``tiled``: taken by published tokenizers, recorded, refused where they mean nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from small_autoencoders import VIDEOS, saved
from torch import Tensor

from vtbench.core.errors import UsageError
from vtbench.tokenizers.published.diffusers.images import DiffusersKL
from vtbench.tokenizers.published.janus_vq import JanusVQ
from vtbench.tokenizers.resolve import resolve_tokenizer


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ``AutoencoderKL`` made for 32 pixels a side, so that larger images are cut into tiles."""
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("kl")
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
    model = AutoencoderKL(block_out_channels=(8, 8), norm_num_groups=4, latent_channels=4, sample_size=32, **blocks)
    model.save_pretrained(folder)
    return folder


def reconstruct(name: str, images: Tensor) -> Tensor:
    tokenizer: Any = resolve_tokenizer(name)
    pixels: Tensor = tokenizer.decode(tokenizer.encode(images))
    return pixels


def library_tiles(folder: Path, images: Tensor) -> Tensor:
    from diffusers import AutoencoderKL

    model = AutoencoderKL.from_pretrained(folder).eval()
    model.enable_tiling()
    with torch.no_grad():
        pixels: Tensor = model.decode(model.encode(images * 2 - 1).latent_dist.mode()).sample
    return (pixels + 1) / 2


def test_tiles_cover_large_images_and_leave_small_ones_alone(autoencoder: Path, photos: Tensor) -> None:
    name = f"diffusers-kl,path={autoencoder}"
    small, large = photos[:1, :, :32, :32], photos[:1, :, :96, :80]
    assert torch.equal(reconstruct(f"{name},tiled=true", small), reconstruct(name, small))
    whole, tiles = reconstruct(name, large), reconstruct(f"{name},tiled=true", large)
    assert tiles.shape == whole.shape and not torch.equal(tiles, whole)
    torch.testing.assert_close(tiles, library_tiles(autoencoder, large), atol=1e-5, rtol=0)


def test_the_name_tells_of_tiles(autoencoder: Path) -> None:
    assert resolve_tokenizer(f"diffusers-kl,path={autoencoder},tiled=true").info.name == "diffusers-kl+tiled"
    assert resolve_tokenizer(f"diffusers-kl,path={autoencoder},tiled=false").info.name == "diffusers-kl"


def test_the_side_of_a_tile(autoencoder: Path, photos: Tensor) -> None:
    """The class's own tiles, made smaller: 24 of 32 pixels are new in each."""
    name, images = f"diffusers-kl,path={autoencoder}", photos[:1, :, :96, :80]
    stated: Any = resolve_tokenizer(f"{name},tiled=32")
    assert stated.info.name == "diffusers-kl+tiled32" and "seams every 24 pixels" in " ".join(stated.notes)
    assert torch.equal(reconstruct(f"{name},tiled=32", images), reconstruct(f"{name},tiled=true", images))
    smaller: Any = resolve_tokenizer(f"{name},tiled=16")
    assert "seams every 12 pixels" in " ".join(smaller.notes)
    model = smaller._model
    assert (model.tile_sample_min_size, model.tile_latent_min_size, model.tile_overlap_factor) == (16, 8, 0.25)
    assert not torch.equal(reconstruct(f"{name},tiled=16", images), reconstruct(f"{name},tiled=true", images))
    with pytest.raises(UsageError, match=r"no tiles of 12 pixels\n  give a multiple of 8"):
        resolve_tokenizer(f"{name},tiled=12")


def test_tiles_of_a_class_with_strides(tmp_path: Path, photos: Tensor) -> None:
    network = saved(*VIDEOS["wan2.1"], tmp_path)
    images = photos[:1, :, :96, :128]
    tokenizer: Any = resolve_tokenizer(f"diffusers,path={tmp_path},tiled=64")
    assert "seams every 48 pixels" in " ".join(tokenizer.notes)
    network.enable_tiling(64, 64, 48, 48)
    with torch.no_grad():
        latents = network.encode(images[:, :, None] * 2 - 1).latent_dist.mode()
        expected = (network.decode(latents).sample[:, :, 0] + 1) / 2
    torch.testing.assert_close(tokenizer.decode(tokenizer.encode(images)), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_networks_give_the_same_pixels(autoencoder: Path, photos: Tensor, backend: str) -> None:
    name = f"diffusers-kl,path={autoencoder}"
    images = photos[:2, :, :32, :32]
    compiled = reconstruct(f"{name},compile={backend}", images)
    torch.testing.assert_close(compiled, reconstruct(name, images), atol=1e-5, rtol=0)


@pytest.mark.filterwarnings("ignore:.*random weights")
def test_own_adapters_are_compiled_too(photos: Tensor) -> None:
    plain, compiled = (JanusVQ.random(**JanusVQ.shrunken) for _ in range(2))
    compiled.compile("eager")
    assert hasattr(compiled._encode, "_torchdynamo_orig_callable") and hasattr(
        compiled._decode, "_torchdynamo_orig_callable"
    )
    images = photos[:1, :, :32, :32]
    codes = plain.encode(images)
    assert torch.equal(codes.levels[0], compiled.encode(images).levels[0])
    torch.testing.assert_close(compiled.decode(codes), plain.decode(codes))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("jpeg,compile=true", "only published networks are compiled"),
        ("jpeg,tiled=true", "work in tiles"),
        ("janus-vq,random_weights_seed=0,tiled=true", "work in tiles"),
        ("janus-vq,random_weights_seed=0,compile=fastest", "no backend 'fastest'"),
        ("jpeg,tiled=often", "neither true nor false"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*random weights")
def test_what_cannot_be_is_told(name: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_tokenizer(name)
    assert told in f"{caught.value.what} {caught.value.hint}"


def test_a_class_without_tiles(autoencoder: Path) -> None:
    tokenizer = DiffusersKL(path=str(autoencoder))
    tokenizer._model = torch.nn.Identity()
    with pytest.raises(UsageError, match="Identity cannot work in tiles"):
        tokenizer.enable_tiles()
