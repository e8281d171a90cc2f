"""XQ-GAN's tokenizers against arrays that the published code made with the same weights and images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from seeded_weights import golden, seed_weights, seeded_images
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError, UsageError
from vtbench.networks.binary import indices_of
from vtbench.tokenizers.published.xqgan.adapter import XqGan

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SCALES: dict[str, Any] = {"products": 2, "scales": (1, 2, 3)}
FORMS: dict[str, dict[str, Any]] = {
    "one-map": {**XqGan.shrunken, "scales": (4,)},
    "scales": {**XqGan.shrunken, **SCALES, "quantiser": "scales"},
    "signs": {**XqGan.shrunken, **SCALES, "quantiser": "signs"},
}


def seeded(form: str) -> dict[str, Tensor]:
    """Seeded weights under the published names; queries that differ enough to become different codes."""
    network = XqGan.random(**FORMS[form])._network
    if form == "one-map":  # a single quantiser is no list
        network.quantize = network.quantizes[0]
        del network.quantizes
    state: dict[str, Tensor] = seed_weights(network).state_dict()
    return {**state, "encoder.latent_tokens": 20 * state["encoder.latent_tokens"]}


def published(form: str) -> Any:
    """What a published file holds: the tokenizer, and what training left."""
    more = {"semantic_model.cls_token": torch.zeros(1), "encoder.lvl1LC": torch.zeros(1, 9)}
    more |= {f"quantize{part}.ema_vocab_hit_SV": torch.zeros(3, 8) for part in ("", "s.0", "s.1")}
    if form == "signs":
        more |= {f"quantizes.{product}.scaler": torch.zeros(3) for product in range(2)}
    return {"model": {**seeded(form), **more}, "ema": {}, "steps": 3}


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def loaded(form: str, tmp_path: Path) -> XqGan:
    torch.save(published(form), tmp_path / "best_ckpt.pt")
    return XqGan(**FORMS[form], checkpoint=str(tmp_path / "best_ckpt.pt"))


def indices(codes: Codes) -> list[Tensor]:
    return [indices_of(plane) for plane in codes.bits] or list(codes.levels)


def test_codes_and_pixels_are_those_of_the_published_code(form: str, loaded: XqGan) -> None:
    expected = golden(f"xqgan-{form}")
    codes = loaded.encode(seeded_images(2, 32))
    levels = [torch.from_numpy(expected[name]).long() for name in sorted(expected) if name != "reconstruction"]
    found = indices(codes)
    assert len(found) == len(levels) == (1 if form == "one-map" else 6)
    for own, wanted in zip(found, levels, strict=True):
        assert torch.equal(own.flatten(1), wanted)
    assert len(torch.cat([own.flatten() for own in found]).unique()) > 10
    pixels = (torch.from_numpy(expected["reconstruction"]) + 1) / 2
    torch.testing.assert_close(loaded.decode(codes), pixels, atol=1e-4, rtol=0)


def test_a_scale_of_both_products_comes_before_the_next() -> None:
    tokenizer = XqGan.random(**FORMS["scales"])
    codes = tokenizer.encode(seeded_images(1, 32))
    assert codes.grids == ((1, 1), (1, 1), (2, 2), (2, 2), (3, 3), (3, 3))
    first, second = tokenizer._network.quantizes
    with torch.inference_mode():
        maps = tokenizer._network.encoder(seeded_images(1, 32) * 2 - 1)
        for quantiser, queries, own in zip((first, second), maps, (codes.levels[::2], codes.levels[1::2]), strict=True):
            for level, wanted in zip(own, quantiser.encode(tokenizer._network.quant_conv(queries)), strict=True):
                assert torch.equal(level, wanted)


def test_places_of_another_grid_are_resampled_as_timm_does() -> None:
    from timm.layers import resample_abs_pos_embed

    vit = XqGan.random(**FORMS["scales"])._network.encoder.model
    tokens = torch.zeros(1, 9, 32)
    with torch.inference_mode():
        expected = resample_abs_pos_embed(vit.pos_embed, (3, 3), num_prefix_tokens=1)
        torch.testing.assert_close(vit.placed(tokens, 3)[:, 1:], expected[:, 1:], atol=1e-6, rtol=0)
        assert torch.equal(vit.placed(torch.zeros(1, 16, 32), 4)[:, 1:], vit.pos_embed[:, 1:])


def test_faults_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no quantiser 'bsq'") as caught:
        XqGan.random(**{**XqGan.shrunken, "quantiser": "bsq"})
    assert "one-map, scales, signs" in str(caught.value.hint)
    with pytest.raises(UsageError, match=r"scales=\[4\]"):
        XqGan.random(**{**FORMS["signs"], "scales": (4,)})
    torch.save(published("one-map"), tmp_path / "best_ckpt.pt")
    with pytest.raises(AdapterError, match=r"xqgan: .*(missing|unknown)"):
        XqGan(**FORMS["scales"], checkpoint=str(tmp_path / "best_ckpt.pt"))


# Card, tensors and millions of elements of the published networks, without what training left.
PUBLISHED = [
    ("xqgan-v-4096", 357, 172.288),
    ("xqgan-vp2-16384", 358, 173.247),
    ("imagefolder-msvr10p2-8192", 374, 172.590),
    ("xqgan-msbr10p2-16384", 372, 171.964),
]


@pytest.mark.parametrize(("card", "tensors", "millions"), PUBLISHED)
def test_the_published_network(card: str, tensors: int, millions: float, without_memory: None) -> None:
    state = XqGan.random(card=card, **load_cards()[card].args)._network.state_dict()
    assert len(state) == tensors
    assert sum(tensor.numel() for tensor in state.values()) / 1e6 == pytest.approx(millions, abs=0.001)
