"""TAEF2: its published names and halves, and its forward against plain functions of tensors."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.tokenizers.published.tiny_ae.adapter import TinyAE
from vtbench.tokenizers.published.tiny_ae.network import TinyAutoencoder, TinyGeometry

SMALL = TinyGeometry(channels=8, blocks=2, latent_channels=5)


def block(state: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    if f"{name}.pool.0.weight" in state:
        h = F.conv2d(x, state[f"{name}.pool.0.weight"])
        h = F.group_norm(h, 4, state[f"{name}.pool.1.weight"], state[f"{name}.pool.1.bias"])
        x = x + F.conv2d(F.relu(h), state[f"{name}.pool.3.weight"])
    h = x
    for index in (0, 2, 4):
        h = conv(state, f"{name}.conv.{index}", h if index == 0 else F.relu(h))
    return F.relu(h + x)


def conv(state: dict[str, Tensor], name: str, x: Tensor, stride: int = 1) -> Tensor:
    return F.conv2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), stride=stride, padding=1)


def oracle(state: dict[str, Tensor], images: Tensor) -> tuple[Tensor, Tensor]:
    """Two blocks a level: the places of the layers are written out."""
    h = block(state, "encoder.1", conv(state, "encoder.0", images))
    for halving, blocks in ((2, (3, 4)), (5, (6, 7)), (8, (9, 10))):
        h = conv(state, f"encoder.{halving}", h, stride=2)
        for index in blocks:
            h = block(state, f"encoder.{index}", h)
    latents = conv(state, "encoder.11", h)
    h = F.relu(conv(state, "decoder.1", torch.tanh(latents / 3) * 3))
    for blocks, doubling in (((3, 4), 6), ((7, 8), 10), ((11, 12), 14)):
        for index in blocks:
            h = block(state, f"decoder.{index}", h)
        h = conv(state, f"decoder.{doubling}", F.interpolate(h, scale_factor=2.0, mode="nearest"))
    return latents, conv(state, "decoder.16", block(state, "decoder.15", h))


def halves(folder: Path) -> dict[str, Tensor]:
    """The author's two files, of small width; returns the whole state."""
    torch.manual_seed(0)
    state = TinyAutoencoder(SMALL).state_dict()
    for half in ("encoder", "decoder"):
        own = {name.removeprefix(f"{half}."): tensor for name, tensor in state.items() if name.startswith(half)}
        torch.save({name: tensor.half() for name, tensor in own.items()}, folder / f"taef2_{half}.pth")
    return {name: tensor.half().float() for name, tensor in state.items()}


def load(file: Path, encoder: Path | None = None) -> TinyAE:
    given = None if encoder is None else str(encoder)
    return TinyAE(channels=8, blocks=2, latent_channels=5, checkpoint=str(file), encoder=given)


def test_parity_and_both_files_are_recorded(tmp_path: Path, photos: Tensor) -> None:
    state = halves(tmp_path)
    tokenizer = load(tmp_path / "taef2_decoder.pth")
    images = photos[:2, :, :61, :50]
    latents, pixels = oracle(state, F.pad(images, (0, 6, 0, 3), mode="replicate"))
    codes = tokenizer.encode(images)
    torch.testing.assert_close(codes.latents, latents, atol=1e-5, rtol=0)
    torch.testing.assert_close(tokenizer.decode(codes), pixels[..., :61, :50], atol=1e-5, rtol=0)
    assert [weight.name for weight in tokenizer.info.weights] == ["taef2_decoder.pth", "taef2_encoder.pth"]
    first, second = tokenizer.info.revision.split("+")
    assert [first, second] == [weight.sha256[:12] for weight in tokenizer.info.weights]


def test_the_other_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photos: Tensor) -> None:
    state = halves(tmp_path)
    (tmp_path / "taef2_decoder.pth").rename(tmp_path / "half.pth")
    with pytest.raises(UsageError, match=r"holds the decoder alone\n  give the other half: encoder=FILE"):
        load(tmp_path / "half.pth")
    named = load(tmp_path / "half.pth", tmp_path / "taef2_encoder.pth")
    torch.save(state, tmp_path / "whole.pth")
    whole = load(tmp_path / "whole.pth")
    assert len(whole.info.weights) == 1
    assert torch.equal(named.encode(photos[:1]).latents, whole.encode(photos[:1]).latents)
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VTBENCH_ASSETS", "")
    with pytest.raises(AssetMissingError, match="taef2-encoder"):
        TinyAE.beside()


def test_the_published_files_in_full() -> None:
    """As many tensors and values a half as the published files hold."""
    with torch.device("meta"):
        network = TinyAutoencoder(TinyGeometry())
    states = [half.state_dict().values() for half in (network.encoder, network.decoder)]
    assert [len(state) for state in states] == [79, 79]
    assert [sum(tensor.numel() for tensor in state) for state in states] == [1_338_528, 1_338_499]
    names = network.decoder.state_dict()
    assert names["3.pool.0.weight"].shape == (256, 64, 1, 1) and names["1.weight"].shape == (64, 32, 3, 3)
    assert "8.pool.0.weight" not in names and "7.bias" not in names
