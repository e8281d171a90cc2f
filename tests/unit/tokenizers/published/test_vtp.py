"""VTP against arrays that the published code made with the same weights and images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from seeded_weights import golden, seed_weights, seeded_images

from vtbench.checkpoints.cards import load_cards
from vtbench.core.errors import AdapterError
from vtbench.networks.vision_transformer import Trunk
from vtbench.tokenizers.published.vtp.adapter import Vtp
from vtbench.tokenizers.published.vtp.network import angles_of, turned

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
BESIDE = {
    **{"text_transformer.resblocks.0.ln_1.weight": torch.zeros(2), "token_embedding.weight": torch.zeros(2, 2)},
    **{"positional_embedding": torch.zeros(2), "ln_final.bias": torch.zeros(2), "text_projection": torch.zeros(2)},
    **{"visual_proj.weight": torch.zeros(2, 2), "logit_scale": torch.zeros(()), "trunk.mask_token": torch.zeros(1, 64)},
    **{f"{part}.rope_embed.periods": torch.ones(4, dtype=torch.bfloat16) for part in ("trunk", "pixel_decoder")},
}
"""What a published file holds that the tokenizer has no use for."""


@pytest.fixture
def loaded(tmp_path: Path) -> Vtp:
    state = seed_weights(Vtp.random(**Vtp.shrunken)._network).state_dict()
    save_file({**state, **BESIDE}, tmp_path / "model.safetensors")
    return Vtp(**Vtp.shrunken, checkpoint=str(tmp_path / "model.safetensors"))


def test_latents_and_pixels_are_those_of_the_published_code(loaded: Vtp) -> None:
    """An image that is no square tells rows from columns. A rounding of bfloat16 apart is a fault of the rotation."""
    expected = {name: torch.from_numpy(array) for name, array in golden("vtp").items()}
    codes = loaded.encode(seeded_images(2, 32)[..., :24])
    assert codes.latents is not None and codes.latents.shape == (2, 8, 4, 3)
    torch.testing.assert_close(codes.latents, expected["latents"], atol=2e-3, rtol=0)
    torch.testing.assert_close(loaded.decode(codes), expected["reconstruction"], atol=2e-3, rtol=0)
    assert float((codes.latents - expected["latents"]).abs().mean()) < 1e-4


def test_a_place_turns_by_its_distance_from_the_middle() -> None:
    trunk = Trunk(width=16, layers=1, heads=1)
    angles = angles_of(3, 1, trunk, torch.device("cpu"))
    assert angles.dtype == torch.bfloat16 and angles.shape == (3, 16)
    assert float(angles[1].abs().max()) == 0  # the middle of three rows and of one column
    assert torch.equal(angles[0], -angles[2]) and float(angles[0, :4].abs().min()) > 0
    assert float(angles[:, 4:8].abs().max()) == 0  # columns
    queries = torch.randn(1, 1, 4, 16, generator=torch.Generator().manual_seed(0)).bfloat16().float()
    found = turned(queries, angles)
    assert torch.equal(found[..., :1, :], queries[..., :1, :]) and torch.equal(found[..., 2, :], queries[..., 2, :])
    assert not torch.equal(found[..., 1, :], queries[..., 1, :])
    torch.testing.assert_close(found.norm(dim=-1), queries.norm(dim=-1), rtol=0.02, atol=0)


def test_a_file_of_another_size_is_told(tmp_path: Path) -> None:
    other: dict[str, Any] = {**Vtp.shrunken, "channels": 4}
    save_file(Vtp.random(**other)._network.state_dict(), tmp_path / "model.safetensors")
    with pytest.raises(AdapterError, match=r"vtp: .*another shape"):
        Vtp(**Vtp.shrunken, checkpoint=str(tmp_path / "model.safetensors"))


# Card, tensors and millions of elements of the published networks, without what BESIDE names.
PUBLISHED = [
    ("vtp-small", 323, 43.232),
    ("vtp-base", 323, 171.398),
    ("vtp-large", 635, 607.133),
]


@pytest.mark.parametrize(("card", "tensors", "millions"), PUBLISHED)
def test_the_published_network(card: str, tensors: int, millions: float, without_memory: None) -> None:
    state = Vtp.random(card=card, **load_cards()[card].args)._network.state_dict()
    assert len(state) == tensors
    assert sum(tensor.numel() for tensor in state.values()) / 1e6 == pytest.approx(millions, abs=0.001)
