"""WeTok against arrays that the published code made with the same weights and images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from seeded_weights import golden, seed_weights, seeded_images
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.networks.binary import indices_of
from vtbench.networks.seeded_noise import drawn_from_seeds
from vtbench.tokenizers.published.wetok import WeTok

SMALL: dict[str, Any] = {"groups": 2, "bits": 3, "channels": 32, "multipliers": (1, 2), "blocks": 1}
SEEDS = torch.tensor([11, 12])
pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")


def published(state: dict[str, Tensor]) -> Any:
    """As Lightning writes it: raw weights that are others, and averages under names without dots."""
    raw = {name: tensor + 1 for name, tensor in state.items()}
    averages = {f"model_ema.{name.replace('.', '')}": tensor for name, tensor in state.items()}
    more = {"model_ema.decay": torch.tensor(0.999), "loss.discriminator.main.0.weight": torch.zeros(1)}
    return {"state_dict": {**raw, **averages, **more}, "epoch": 3}


@pytest.fixture(params=[False, True], ids=["plain", "generative"])
def loaded(request: pytest.FixtureRequest, tmp_path: Path) -> WeTok:
    arguments = {**SMALL, "generative": request.param}
    torch.save(published(seed_weights(WeTok.random(**arguments)._network).state_dict()), tmp_path / "WeTok.ckpt")
    return WeTok(**arguments, checkpoint=str(tmp_path / "WeTok.ckpt"))


def seeds(tokenizer: WeTok, given: Tensor = SEEDS) -> dict[str, Tensor]:
    return {"seeds": given} if tokenizer.info.stochastic else {}


def test_codes_and_pixels_are_those_of_the_published_code(loaded: WeTok) -> None:
    expected = golden("wetok-generative" if loaded.info.stochastic else "wetok")
    codes = loaded.encode(seeded_images(2, 16), **seeds(loaded))
    assert len(codes.bits) == 2 and loaded.info.codebook_sizes == (8, 8)
    for group, bits in enumerate(codes.bits):
        assert torch.equal(indices_of(bits), torch.from_numpy(expected[f"level{group}"]).long())
        assert len(indices_of(bits).unique()) > 4
    pixels = (torch.from_numpy(expected["reconstruction"]) + 1) / 2
    torch.testing.assert_close(loaded.decode(codes, **seeds(loaded)), pixels, atol=1e-4, rtol=0)
    assert any("averaged" in note for note in loaded.notes)


def test_noise_follows_the_seed_of_the_image() -> None:
    tokenizer = WeTok.random(**SMALL, generative=True)
    codes = tokenizer.encode(seeded_images(3, 16), torch.arange(3))
    pixels = tokenizer.decode(codes, torch.tensor([4, 5, 6]))
    alone = tokenizer.decode(tokenizer.encode(seeded_images(3, 16)[1:2], torch.tensor([0])), torch.tensor([5]))
    torch.testing.assert_close(alone, pixels[1:2], atol=1e-5, rtol=0)
    assert float((tokenizer.decode(codes, torch.tensor([4, 7, 6])) - pixels)[1].abs().max()) > 1e-3
    signs = torch.cat(codes.bits, dim=-1).movedim(-1, 1).float() * 2 - 1
    noise = drawn_from_seeds(torch.randn, signs.shape[1:], torch.tensor([4, 5, 6]))
    with torch.inference_mode():
        expected = tokenizer._network.decoder(signs, noise)
    torch.testing.assert_close(pixels, (expected + 1) / 2, atol=1e-5, rtol=0)


# Card, tensors and millions of elements of the published network.
PUBLISHED = [
    ("wetok-24", 133 + 150, 448.406),
    ("wetok-48", 133 + 150, 447.882),
    ("wetok-192", 159 + 180, 460.294),
    ("wetok-768", 186 + 211, 1673.679),
    ("wetok-imagenet-f8", 133 + 150, 447.882),
    ("wetok-imagenet-f16", 159 + 180, 460.294),
]


@pytest.mark.parametrize(("card", "tensors", "millions"), PUBLISHED)
def test_the_published_network(card: str, tensors: int, millions: float, without_memory: None) -> None:
    state = WeTok.random(card=card, **load_cards()[card].args)._network.state_dict()
    assert len(state) == tensors
    assert sum(tensor.numel() for tensor in state.values()) / 1e6 == pytest.approx(millions, abs=0.001)
