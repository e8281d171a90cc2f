"""``janus-vq``: LlamaGen's layout, and parity with transformers' class used directly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.core.errors import AdapterError
from vtbench.tokenizers.published.janus_vq import JanusVQ, to_transformers

SMALL: dict[str, Any] = {
    "channels": 32,
    "multipliers": (1, 1, 2),
    "latent_channels": 16,
    "codebook_dim": 4,
    "codebook_size": 64,
    "blocks": 1,
}
TO_LLAMAGEN = (
    (r"^(encoder)\.down\.(\d+)\.block\.", r"\1.conv_blocks.\2.res."),
    (r"^(decoder)\.up\.(\d+)\.block\.", r"\1.conv_blocks.\2.res."),
    (r"^(encoder|decoder)\.(?:down|up)\.(\d+)\.", r"\1.conv_blocks.\2."),
    (r"\.mid\.block_1\.", ".mid.0."),
    (r"\.mid\.attn_1\.", ".mid.1."),
    (r"\.mid\.block_2\.", ".mid.2."),
)
# Some of the names that the published VQ-16 has, with the shapes at those places.
NAMES = {
    "encoder.conv_in.weight": [(128, 3, 3, 3)],
    "encoder.conv_blocks.N.res.N.norm1.weight": [(128,), (256,), (512,)],
    "encoder.conv_blocks.N.downsample.conv.weight": [(128, 128, 3, 3), (256, 256, 3, 3)],
    "encoder.conv_blocks.N.res.N.nin_shortcut.weight": [(256, 128, 1, 1), (512, 256, 1, 1)],
    "encoder.conv_blocks.N.attn.N.q.weight": [(512, 512, 1, 1)],
    "encoder.conv_blocks.N.attn.N.proj_out.bias": [(512,)],
    "encoder.mid.N.norm1.weight": [(512,)],
    "encoder.norm_out.weight": [(512,)],
    "encoder.conv_out.weight": [(256, 512, 3, 3)],
}


def llamagen(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The class's names to the published ones, with the statistic that training leaves there."""
    renamed = {}
    for name, tensor in state.items():
        for pattern, replacement in TO_LLAMAGEN:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor.contiguous()
    return {**renamed, "quantize.codebook_used": torch.zeros(65536)}


@pytest.fixture(scope="module")
def direct() -> Any:
    """transformers' own class, with codebook rows of unequal lengths, as training leaves them."""
    from transformers import JanusVQVAE, JanusVQVAEConfig

    torch.manual_seed(0)
    config = JanusVQVAEConfig(
        base_channels=32,
        channel_multiplier=[1, 1, 2],
        latent_channels=16,
        embed_dim=4,
        num_embeddings=64,
        num_res_blocks=1,
        num_patches=16,
    )
    model = JanusVQVAE(config).eval()
    with torch.no_grad():
        rows = torch.randn(64, 4) * torch.linspace(0.2, 5.0, 64)[:, None]
        model.quantize.embedding.weight.copy_(rows)
        model.quant_conv.weight.mul_(20)
    return model


@pytest.fixture(scope="module")
def file(direct: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("llamagen") / "vq.pt"
    torch.save({"model": llamagen(direct.state_dict()), "steps": 7}, path)
    return path


def test_indices_are_those_of_the_nearest_direction(direct: Any, file: Path, photos: Tensor) -> None:
    images = photos[:3, :, 60:124, 90:154]
    indices = JanusVQ(**SMALL, checkpoint=str(file)).encode(images).levels[0]
    with torch.no_grad():
        latents = direct.quant_conv(direct.encoder(images * 2 - 1)).movedim(1, -1)
        cosine = F.normalize(latents, dim=-1) @ F.normalize(direct.quantize.embedding.weight, dim=-1).T
        euclidean = direct.encode(images * 2 - 1).image_tokens.reshape(indices.shape)
    expected = cosine.argmax(-1)
    assert len(expected.unique()) > 10
    assert float((indices == expected).double().mean()) > 0.995
    assert float((euclidean == expected).double().mean()) < 0.9  # the trap: the class alone compares distances


def test_pixels_are_those_of_the_class(direct: Any, file: Path, photos: Tensor) -> None:
    images = photos[:2, :, 60:124, 90:154]
    tokenizer = JanusVQ(**SMALL, checkpoint=str(file))
    codes = tokenizer.encode(images)
    with torch.no_grad():
        expected = (direct.decode(codes.levels[0].flatten(1)) + 1) / 2
    torch.testing.assert_close(tokenizer.decode(codes), expected, atol=1e-5, rtol=1e-5)


def test_the_grid_is_free(file: Path, photos: Tensor) -> None:
    tokenizer = JanusVQ(**SMALL, checkpoint=str(file))
    codes = tokenizer.encode(photos[:1, :, :50, :71])
    assert codes.grids == ((13, 18),) and tokenizer.decode(codes).shape == (1, 3, 50, 71)


def test_the_classes_own_layout_is_read_too(direct: Any, file: Path, photos: Tensor, tmp_path: Path) -> None:
    state = {f"model.vqmodel.{name}": tensor for name, tensor in direct.state_dict().items()}
    torch.save({**state, "model.language_model.x": torch.zeros(1)}, tmp_path / "janus.bin")
    first, second = JanusVQ(**SMALL, checkpoint=str(file)), _prefixed("model.vqmodel.", tmp_path / "janus.bin")
    images = photos[:1, :, :64, :64]
    assert torch.equal(first.encode(images).levels[0], second.encode(images).levels[0])


def _prefixed(prefix: str, path: Path) -> JanusVQ:
    class Prefixed(JanusVQ):
        pass

    Prefixed.prefix = prefix
    return Prefixed(**SMALL, checkpoint=str(path))


def test_the_published_vq_16(without_memory: None) -> None:
    state = llamagen(full("llamagen-ds16")._network.state_dict())
    assert len(state) == 344
    assert sum(tensor.numel() for tensor in state.values()) / 1e6 == pytest.approx(71.95, abs=0.005)
    shapes: dict[str, set[tuple[int, ...]]] = {}
    for name, tensor in state.items():
        shapes.setdefault(re.sub(r"\.\d+(?=\.)", ".N", name), set()).add(tuple(tensor.shape))
    assert len(shapes) == 98
    for name, expected in NAMES.items():
        assert shapes[name] == set(expected), name
    assert state["quantize.embedding.weight"].shape == (16384, 8)
    back = to_transformers(state)
    assert back.keys() - {"quantize.codebook_used"} == full("llamagen-ds16")._network.state_dict().keys()


@pytest.mark.parametrize(("name", "codebook"), [("flexvae", (8912, 32)), ("llamagen-ds8", (16384, 8))])
def test_other_members(name: str, codebook: tuple[int, int], without_memory: None) -> None:
    tokenizer = full(name)
    assert tokenizer._network.quantize.embedding.weight.shape == codebook
    assert tokenizer.info.downsample_factor == (8 if name == "llamagen-ds8" else 16)


def full(name: str) -> JanusVQ:
    """The whole network, without memory behind it."""
    with pytest.warns(UserWarning, match="random weights"):
        return JanusVQ.random(card=name, **load_cards()[name].args)


def test_another_familys_file_is_told(tmp_path: Path) -> None:
    torch.save({"encoder.layer.weight": torch.zeros(2)}, tmp_path / "w.pt")
    with pytest.raises(AdapterError, match=r"janus-vq: .*w\.pt does not fit: \d+ of \d+ tensors are missing"):
        JanusVQ(**SMALL, checkpoint=str(tmp_path / "w.pt"))
