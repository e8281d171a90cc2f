"""The diffusers adapters against the classes used directly, on small seeded instances saved and loaded again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from torch import Tensor

from vtbench.core.digests import digest_file
from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.naming.reference import parse_reference
from vtbench.tokenizers import TOKENIZERS

LDM = {
    "block_out_channels": (8, 16),
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2,
    "norm_num_groups": 4,
    "latent_channels": 4,
}
TINY = {
    "encoder_block_out_channels": (8, 8, 8),
    "decoder_block_out_channels": (8, 8, 8),
    "num_encoder_blocks": (1, 1, 1),
    "num_decoder_blocks": (1, 1, 1),
}
DC_HALF = {"block_types": ("ResBlock", "ResBlock", "EfficientViTBlock"), "block_out_channels": (8, 8, 16)}
DC_HALF |= {"layers_per_block": (1, 1, 1), "qkv_multiscales": ((), (), (5,))}
DC = {f"{side}_{key}": value for side in ("encoder", "decoder") for key, value in DC_HALF.items()}
SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "diffusers-kl": ("AutoencoderKL", LDM),
    "diffusers-tiny": ("AutoencoderTiny", TINY),
    "diffusers-dc": ("AutoencoderDC", {**DC, "latent_channels": 8, "attention_head_dim": 4}),
    "diffusers-vq": ("VQModel", {**LDM, "num_vq_embeddings": 32}),
}
# The same operations in the same memory layout are equal; but VQModel.decode feeds z + (entry - z) for an entry.
CLOSE = {"atol": 1e-5, "rtol": 0.0}
FACTORS = {"diffusers-kl": 2, "diffusers-tiny": 4, "diffusers-dc": 4, "diffusers-vq": 2}


def build(name: str, **more: Any) -> Any:
    class_name, config = SMALL[name]
    torch.manual_seed(0)
    model = getattr(diffusers, class_name)(**{**config, **more}).eval()
    if class_name == "VQModel":
        torch.nn.init.normal_(model.quantize.embedding.weight)  # the default codebook is too narrow to tell codes apart
    return model


def load(name: str, folder: Path, **arguments: Any) -> Any:
    reference = parse_reference(f"{name},path={folder}")
    return TOKENIZERS.create(type(reference)(reference.target, {**reference.args, **arguments}))


def direct(
    name: str, model: Any, images: Tensor, layout: torch.memory_format = torch.channels_last
) -> tuple[Tensor, Tensor]:
    """Latents (or indices) and reconstruction by the class's own methods, in its own range [-1, 1]."""
    model = model.to(memory_format=layout)
    with torch.no_grad():
        encoded = model.encode((images * 2 - 1).contiguous(memory_format=layout))
        if name == "diffusers-kl":
            codes = encoded.latent_dist.mode()
        elif name == "diffusers-dc":
            codes = encoded.latent
        else:
            codes = encoded.latents
        output = (model.decode(codes).sample + 1) / 2
        if name == "diffusers-vq":
            codes = model.quantize(codes)[2][2].reshape(len(images), *codes.shape[2:])
    return codes, output


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name in SMALL:
        made[name] = tmp_path_factory.mktemp(name)
        build(name).save_pretrained(made[name])
    return made


@pytest.mark.parametrize("name", SMALL)
def test_parity_with_the_class(name: str, folders: dict[str, Path], photos: Tensor) -> None:
    images = photos[:2, :, 40:104, 60:140]
    expected_codes, expected = direct(name, build(name), images)
    tokenizer = load(name, folders[name])
    codes = tokenizer.encode(images)
    if name == "diffusers-vq":
        assert len(expected_codes.unique()) > 5
        assert torch.equal(codes.levels[0], expected_codes)
    else:
        assert torch.equal(codes.latents, expected_codes)
    torch.testing.assert_close(tokenizer.decode(codes), expected, **CLOSE)
    assert name == "diffusers-vq" or torch.equal(tokenizer.decode(codes), expected)
    assert not tokenizer.decode(codes).requires_grad


@pytest.mark.parametrize("name", SMALL)
def test_the_memory_layout_is_only_noise(name: str, folders: dict[str, Path], photos: Tensor) -> None:
    """The adapter runs in channels_last; random group-normalised weights amplify rounding to some 1e-5."""
    images = photos[:2, :, 40:104, 60:140]
    expected = direct(name, build(name), images, torch.contiguous_format)[1]
    tokenizer = load(name, folders[name])
    torch.testing.assert_close(tokenizer.decode(tokenizer.encode(images)), expected, atol=5e-4, rtol=0)


def test_vq_indices_decode_to_the_models_own_forward(folders: dict[str, Path], photos: Tensor) -> None:
    images = photos[:2, :, :64, :64]
    tokenizer = load("diffusers-vq", folders["diffusers-vq"])
    with torch.no_grad():
        forward = build("diffusers-vq")(images * 2 - 1).sample
    # forward adds z + (entry - z), and runs in another memory layout
    torch.testing.assert_close(tokenizer.decode(tokenizer.encode(images)), (forward + 1) / 2, atol=5e-4, rtol=0)


def test_vq_that_looks_entries_up_itself(tmp_path: Path, photos: Tensor) -> None:
    images = photos[:2, :, :32, :32]
    model = build("diffusers-vq", lookup_from_codebook=True)
    model.save_pretrained(tmp_path)
    tokenizer = load("diffusers-vq", tmp_path)
    expected = direct("diffusers-vq", model, images)[1]
    torch.testing.assert_close(tokenizer.decode(tokenizer.encode(images)), expected, **CLOSE)


def test_tiny_works_in_minus_one_to_one(folders: dict[str, Path], photos: Tensor) -> None:
    """Its inner layers see [0, 1]: calling them without the class gives the same numbers."""
    images = photos[:2, :, :64, :64]
    model, tokenizer = build("diffusers-tiny"), load("diffusers-tiny", folders["diffusers-tiny"])
    with torch.no_grad():
        latents = model.encoder.layers(images)
        pixels = model.decoder.layers(torch.tanh(latents / 3) * 3)
    codes = tokenizer.encode(images)
    torch.testing.assert_close(codes.latents, latents, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(tokenizer.decode(codes), pixels, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_sides_are_padded_to_the_stride_and_cropped_back(name: str, folders: dict[str, Path], photos: Tensor) -> None:
    factor = FACTORS[name]
    images = photos[:1, :, :61, :50]
    height, width = -(-61 // factor) * factor, -(-50 // factor) * factor
    padded = torch.nn.functional.pad(images, (0, width - 50, 0, height - 61), mode="replicate")
    tokenizer = load(name, folders[name])
    codes = tokenizer.encode(images)
    assert codes.grids == ((height // factor, width // factor),)
    expected = direct(name, build(name), padded)[1][..., :61, :50]
    torch.testing.assert_close(tokenizer.decode(codes), expected, **CLOSE)


def test_kl_is_the_mode_and_repeatable(folders: dict[str, Path], photos: Tensor) -> None:
    tokenizer = load("diffusers-kl", folders["diffusers-kl"])
    first, second = (tokenizer.encode(photos[:1]).latents for _ in range(2))
    assert torch.equal(first, second)
    with torch.no_grad():
        assert float(build("diffusers-kl").encode(photos[:1] * 2 - 1).latent_dist.std.min()) > 0.01


@pytest.mark.parametrize("name", SMALL)
def test_info(name: str, folders: dict[str, Path]) -> None:
    info = load(name, folders[name]).info
    assert (info.name, info.downsample_factor) == (name, FACTORS[name])
    assert info.codebook_sizes == ((32,) if name == "diffusers-vq" else ())
    assert info.kind == ("discrete" if name == "diffusers-vq" else "continuous")
    (weight,) = info.weights
    assert weight.sha256 == digest_file(folders[name] / "diffusion_pytorch_model.safetensors")
    assert weight.source == str(folders[name])


@pytest.mark.parametrize("name", SMALL)
def test_half_precision_stays_close(name: str, folders: dict[str, Path], photos: Tensor) -> None:
    images = photos[:1, :, :64, :64]
    full = load(name, folders[name])
    half = load(name, folders[name]).to(device=torch.device("cpu"), dtype=torch.bfloat16)
    codes = half.encode(images)
    output = half.decode(codes)
    assert output.dtype == torch.float32
    if name == "diffusers-vq":
        return  # a rounded latent may pick another entry, which random weights do not keep close
    assert codes.latents.dtype == torch.bfloat16
    difference = (output - full.decode(full.encode(images))).abs().mean()
    assert 0 < float(difference) < 0.05


def test_shards_and_variants(tmp_path: Path, photos: Tensor) -> None:
    model = build("diffusers-kl")
    model.save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    model.save_pretrained(tmp_path / "nested" / "vae", variant="fp16")
    expected = direct("diffusers-kl", model, photos[:1])[1]
    shards = load("diffusers-kl", tmp_path / "shards")
    named = load("diffusers-kl", tmp_path / "nested", subfolder="vae", variant="fp16")
    assert len(shards.info.weights) > 1
    assert [weight.name for weight in named.info.weights] == ["diffusion_pytorch_model.fp16.safetensors"]
    for tokenizer in (shards, named):
        torch.testing.assert_close(tokenizer.decode(tokenizer.encode(photos[:1])), expected, **CLOSE)


def test_weights_saved_in_half_precision_run_in_float32(tmp_path: Path, photos: Tensor) -> None:
    build("diffusers-tiny").half().save_pretrained(tmp_path)
    tokenizer = load("diffusers-tiny", tmp_path)
    assert tokenizer.encode(photos[:1]).latents.dtype == torch.float32


def test_another_class_is_named(folders: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match=r"is a AutoencoderTiny, not a AutoencoderKL\n  use diffusers-tiny"):
        load("diffusers-kl", folders["diffusers-tiny"])


def test_weights_that_do_not_fill_the_model_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    build("diffusers-tiny").save_pretrained(tmp_path)
    file = tmp_path / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    tensors.pop("decoder.layers.0.weight")
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(AdapterError, match=r"decoder\.layers\.0\.weight"):
        load("diffusers-tiny", tmp_path)


def test_a_model_that_is_not_for_rgb_is_refused(tmp_path: Path) -> None:
    build("diffusers-tiny", in_channels=1).save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["in_channels"] == 1
    with pytest.raises(AdapterError, match="not RGB"):
        load("diffusers-tiny", tmp_path)
