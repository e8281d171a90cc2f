"""TokenFlow against arrays that the published code made with the same weights and images."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from seeded_weights import golden, seeded_array, seeded_images
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.core.errors import UsageError
from vtbench.tokenizers.published.tokenflow.adapter import TokenFlow
from vtbench.tokenizers.published.tokenflow.semantic import Clip

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
FORMS: dict[str, dict[str, Any]] = {
    "clip": dict(TokenFlow.shrunken),
    "siglip": {**TokenFlow.shrunken, "teacher": "siglip", "patch": 5, "rest": 2},
}
LEVELS = 3


def published_name(name: str) -> str:
    """VQGAN's names of the convolutions to the published ones."""

    def level(found: re.Match[str]) -> str:
        kind = {"block": "res"}.get(found[4], found[4])
        index = found[3] if found[2] == "down" else str(LEVELS - 1 - int(found[3]))
        return f"{found[1]}.conv_blocks.{index}.{kind}."

    name = re.sub(r"^(encoder|decoder)\.(down|up)\.(\d+)\.(block|attn|downsample|upsample)\.", level, name)
    for index, part in enumerate(("block_1", "attn_1", "block_2")):
        name = name.replace(f".mid.{part}.", f".mid.{index}.")
    return name


def published(form: str) -> Any:
    """Seeded weights under the published names, with what training left."""
    state: dict[str, Tensor] = {}
    for own, tensor in TokenFlow.random(**FORMS[form])._network.state_dict().items():
        name = published_name(own)
        # the published module of transformers has no ``vision_model`` in the version that made the arrays
        seeded = seeded_array(name.replace(".vision_model.", "."), tuple(tensor.shape))
        state[name] = torch.from_numpy(seeded) * (3.0 if name == "quant_conv.weight" else 1.0)
    more = {name: torch.zeros(1) for name in ("decoder_vqkd.norm.bias", "decode_task_layer.0.bias")}
    more |= {"quantize.codebook_used": torch.zeros(9), "scaling_layer.shift": torch.zeros(1, 3, 1, 1)}
    if form == "siglip":
        stem = "encoder_vqkd.vision_model"
        more |= {f"{stem}.{rest}": torch.zeros(1) for rest in ("encoder.layers.26.mlp.fc1.bias", "head.probe")}
    return {"ema": {**state, **more}, "model": {}}


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def loaded(form: str, tmp_path: Path) -> TokenFlow:
    torch.save(published(form), tmp_path / "tokenflow.pt")
    return TokenFlow(**FORMS[form], checkpoint=str(tmp_path / "tokenflow.pt"))


def test_codes_and_pixels_are_those_of_the_published_code(form: str, loaded: TokenFlow) -> None:
    expected = golden(f"tokenflow-{form}")
    codes = loaded.encode(seeded_images(2, 16 if form == "clip" else 22))
    assert codes.grids == ((1, 1), (2, 2), (4, 4))
    for index, level in enumerate(codes.levels):
        assert torch.equal(level.flatten(1), torch.from_numpy(expected[f"level{index:02}"]).long())
    assert len(torch.cat([level.flatten() for level in codes.levels]).unique()) > 15
    pixels = (torch.from_numpy(expected["reconstruction"]) + 1) / 2
    torch.testing.assert_close(loaded.decode(codes), pixels, atol=1e-4, rtol=0)


def test_an_index_is_chosen_by_both_halves_alike() -> None:
    quantiser = TokenFlow.random(**FORMS["clip"])._network.quantize
    latents = torch.randn(1, 40, 2, 2, generator=torch.Generator().manual_seed(0))
    means, looks = (torch.nn.functional.normalize(half, dim=1) for half in latents.split((32, 8), dim=1))
    with torch.inference_mode():
        found = quantiser.codes(latents)
        far = sum(
            (half.movedim(1, -1)[..., None, :] - table.weight).square().sum(-1)
            for half, table in ((means, quantiser.embedding_vqkd), (looks, quantiser.embedding_vqgan))
        )
        assert torch.equal(found, far.argmin(-1))
        assert torch.equal(quantiser.entries(found)[:, :32].movedim(1, -1), quantiser.embedding_vqkd(found))


def test_places_of_the_trained_grid_stay() -> None:
    clip = Clip((32, 1, 2, 128), patch=4, positions=3)
    assert clip._places(3) is clip.positional_embedding
    resampled = clip._places(4)
    assert resampled.shape == (17, 32) and torch.equal(resampled[0], clip.positional_embedding[0])


def test_faults_are_told() -> None:
    with pytest.raises(UsageError, match="teacher=vitamin") as caught:
        TokenFlow.random(**{**TokenFlow.shrunken, "teacher": "vitamin"})
    assert "clip, siglip" in str(caught.value.hint)
    with pytest.raises(UsageError, match="has no size 'huge'"):
        TokenFlow.random(**{**TokenFlow.shrunken, "decoder": "huge"})


# Card, tensors and millions of elements of the published networks, without what training left.
PUBLISHED = [
    ("tokenflow-clipb-32k", 599, 354.145),
    ("tokenflow-siglip-32k", 767, 472.174),
]


@pytest.mark.parametrize(("card", "tensors", "millions"), PUBLISHED)
def test_the_published_network(card: str, tensors: int, millions: float, without_memory: None) -> None:
    state = TokenFlow.random(card=card, **load_cards()[card].args)._network.state_dict()
    assert len(state) == tensors
    assert sum(tensor.numel() for tensor in state.values()) / 1e6 == pytest.approx(millions, abs=0.001)
