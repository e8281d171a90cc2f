"""SoftVQ-VAE and MAETok against arrays that the published code made with the same weights and images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from seeded_weights import golden, seed_weights, seeded_images
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.core.errors import AdapterError, UsageError
from vtbench.tokenizers.published.softvq.adapter import SoftVQ
from vtbench.tokenizers.published.softvq.network import turned

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
MAETOK: dict[str, Any] = {**SoftVQ.shrunken, "codebooks": 0, "turned": True}
FORMS = {"softvq": dict(SoftVQ.shrunken), "softvq-turned": MAETOK}


def published(state: dict[str, Tensor], form: str) -> dict[str, Tensor]:
    """What a published file holds: the tokenizer, and what training left."""
    more = {name: torch.zeros(1) for name in ("repa_model.cls_token", "projection.0.bias", "decoder_hog.mask_token")}
    more |= {f"decoder.model.patch_embed.proj.{part}": torch.zeros(1) for part in ("weight", "bias")}
    if form == "softvq":
        return {**state, **more, "quantize.codebook_used": torch.zeros(2, 8)}
    places = {f"{part}.freqs_t_{axis}": torch.zeros(16) for part in ("encoder", "decoder") for axis in "xy"}
    unused = {"decoder.model.pos_embed": torch.zeros(1, 17, 32), "encoder.mask_token": torch.zeros(1, 1, 32)}
    return {**state, **more, **places, **unused}


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def loaded(form: str, tmp_path: Path) -> SoftVQ:
    state = seed_weights(SoftVQ.random(**FORMS[form])._network).state_dict()
    save_file(published(state, form), tmp_path / "model.safetensors")
    return SoftVQ(**FORMS[form], checkpoint=str(tmp_path / "model.safetensors"))


def test_latents_and_pixels_are_those_of_the_published_code(form: str, loaded: SoftVQ) -> None:
    expected = {name: torch.from_numpy(array) for name, array in golden(form).items()}
    codes = loaded.encode(seeded_images(2, 32))
    assert codes.latents is not None and codes.latents.shape == (2, 8, 8)
    torch.testing.assert_close(codes.latents, expected["latents"], atol=1e-4, rtol=0)
    torch.testing.assert_close(loaded.decode(codes), (expected["reconstruction"] + 1) / 2, atol=1e-4, rtol=0)


def test_a_cold_mixture_is_the_entry_of_nearest_direction() -> None:
    tokenizer = SoftVQ.random(**{**SoftVQ.shrunken, "temperature": 1e-4})
    books = torch.nn.functional.normalize(tokenizer._network.quantize.embedding, dim=-1)
    images = seeded_images(1, 32)
    with torch.inference_mode():
        tokens = tokenizer._network.quant_conv(tokenizer._network.encoder(images * 2 - 1))[0]
        nearest = [books[index // 4][(books[index // 4] @ tokens[index]).argmax()] for index in range(8)]
    latents = tokenizer.encode(images).latents
    assert latents is not None
    torch.testing.assert_close(latents[0].T, torch.stack(nearest), atol=1e-3, rtol=0)


def test_only_patches_are_turned_and_each_pair_by_its_angle() -> None:
    queries = torch.randn(1, 2, 7, 4, generator=torch.Generator().manual_seed(0))
    angles = torch.full((2, 4, 2), torch.pi / 2)
    found = turned(queries, angles, before=1)
    assert torch.equal(found[:, :, :1], queries[:, :, :1]) and torch.equal(found[:, :, 5:], queries[:, :, 5:])
    moved, patches = found[:, :, 1:5], queries[:, :, 1:5]
    torch.testing.assert_close(moved[..., ::2], -patches[..., 1::2], atol=1e-6, rtol=0)
    torch.testing.assert_close(moved[..., 1::2], patches[..., ::2], atol=1e-6, rtol=0)


def test_sizes_that_do_not_go_together_are_told() -> None:
    with pytest.raises(UsageError, match="codebooks=3"):
        SoftVQ.random(**{**SoftVQ.shrunken, "codebooks": 3})
    with pytest.raises(UsageError, match="patch=7"):
        SoftVQ.random(**{**SoftVQ.shrunken, "patch": 7})


def test_a_file_of_the_other_form_is_told(tmp_path: Path) -> None:
    state = SoftVQ.random(**MAETOK)._network.state_dict()
    save_file(published(state, "softvq-turned"), tmp_path / "model.safetensors")
    with pytest.raises(AdapterError, match=r"softvq: .*(missing|unknown)"):
        SoftVQ(**SoftVQ.shrunken, checkpoint=str(tmp_path / "model.safetensors"))


# Card, tensors and millions of elements of the published networks, without what training left.
PUBLISHED = [
    ("softvq-l-64", 693, 608.137),
    ("softvq-bl-64", 525, 390.547),
    ("softvq-b-64", 357, 172.973),
    ("softvq-b-32", 357, 172.899),
    ("maetok-b-128", 356, 171.892),
    ("maetok-b-128-512", 356, 172.482),
]


@pytest.mark.parametrize(("card", "tensors", "millions"), PUBLISHED)
def test_the_published_network(card: str, tensors: int, millions: float, without_memory: None) -> None:
    state = SoftVQ.random(card=card, **load_cards()[card].args)._network.state_dict()
    assert len(state) == tensors
    assert sum(tensor.numel() for tensor in state.values()) / 1e6 == pytest.approx(millions, abs=0.001)
