"""Tokenizers whose first tokens are a code of their own: One-D-Piece and DetailFlow with ``tokens=N``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_model
from seeded_weights import seed_weights, seeded_images

from vtbench.checkpoints.cards import load_cards
from vtbench.core.errors import UsageError
from vtbench.tokenizers.published.base import OfficialTokenizer
from vtbench.tokenizers.published.detailflow.adapter import DetailFlow
from vtbench.tokenizers.published.detailflow.network import Geometry
from vtbench.tokenizers.published.titok.adapter import TiTok
from vtbench.tokenizers.published.titok.one_d_piece import OneDPiece
from vtbench.tokenizers.resolve import resolve_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
FAMILIES = {"one-d-piece": (OneDPiece, 8, 64), "detailflow": (DetailFlow, 16, 16)}


@pytest.fixture(scope="module", params=FAMILIES)
def nested(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A family's small network in a file, and how it is loaded with so many tokens."""
    family, capacity, side = FAMILIES[request.param]
    whole = family.random(**{**family.shrunken, "tokens": capacity, "capacity": capacity})
    path = tmp_path_factory.mktemp(request.param) / "weights.safetensors"
    save_model(seed_weights(whole._network), str(path))

    def load(tokens: int) -> OfficialTokenizer:
        sizes: dict[str, Any] = {**family.shrunken, "tokens": tokens, "capacity": capacity}
        return family(**sizes, checkpoint=str(path))

    return load, capacity, side


@pytest.mark.parametrize("kept", [1, 3, 4])
def test_fewer_tokens_are_the_first_of_all_and_cost_as_much_less(nested: Any, kept: int) -> None:
    load, capacity, side = nested
    images = seeded_images(3, side)
    few, every = load(kept), load(capacity)
    codes, whole = few.encode(images), every.encode(images)
    assert torch.equal(codes.levels[0], whole.levels[0][:, :kept])
    (each,) = few.info.bits_per_token
    assert codes.total_bits(few.info).tolist() == [kept * each] * 3
    pixels = few.decode(codes)
    assert pixels.shape == images.shape
    assert not torch.allclose(pixels, every.decode(whole), atol=1e-3)


def test_what_is_left_out_moves_no_pixel(nested: Any) -> None:
    load, _, side = nested
    tokenizer = load(4)
    images = seeded_images(1, side)
    before = tokenizer.decode(tokenizer.encode(images))
    for name, parameter in tokenizer._network.decoder.named_parameters():
        if name in ("latent_token_positional_embedding", "latent_pos_embed"):
            parameter.data[..., 4:, :] += 1.0
    assert torch.equal(tokenizer.decode(tokenizer.encode(images)), before)


@pytest.mark.parametrize("tokens", [0, -1, 9])
def test_tokens_out_of_range_are_refused(tokens: int) -> None:
    with pytest.raises(UsageError, match=f"tokens={tokens}") as refused:
        OneDPiece.random(**{**OneDPiece.shrunken, "tokens": tokens})
    assert "1 to 8" in str(refused.value.hint)


def test_detailflow_keeps_whole_groups_behind_the_first() -> None:
    for kept in (1, 2, 3, 4, 8, 12, 16):
        DetailFlow.random(**{**DetailFlow.shrunken, "capacity": 16, "tokens": kept})
    with pytest.raises(UsageError, match="tokens=6") as refused:
        DetailFlow.random(**{**DetailFlow.shrunken, "capacity": 16, "tokens": 6})
    assert "multiple of 4" in str(refused.value.hint)


def test_the_side_that_detailflow_draws_grows_with_the_tokens() -> None:
    geometry = Geometry("base", "base", 128, 8, 8192, 8, 256, 16, 16)
    # int(256 - 255 (127 / 127) ** 1.5), int(256 - 255 (120 / 127) ** 1.5) …; then up to whole patches
    assert [geometry.detail_of(kept) for kept in (1, 8, 64, 120, 128)] == [1, 21, 164, 251, 256]
    assert [geometry.drawn_at(kept) for kept in (1, 8, 64, 120, 128)] == [16, 32, 176, 256, 256]
    assert all(geometry.drawn_at(kept) <= geometry.drawn_at(kept + 1) for kept in range(1, 128))


def test_a_smaller_image_is_resized_by_a_bicubic_filter() -> None:
    tokenizer = DetailFlow.random(**{**DetailFlow.shrunken, "capacity": 16, "tokens": 4})
    codes = tokenizer.encode(seeded_images(2, 16))
    with torch.no_grad():
        drawn = tokenizer._network.decode(tokenizer._network.quantize.embedding(codes.levels[0]))
    assert drawn.shape[-1] == 8
    wanted = (F.interpolate(drawn, size=(16, 16), mode="bicubic") + 1) / 2
    torch.testing.assert_close(tokenizer.decode(codes), wanted)


def test_one_d_piece_with_all_tokens_is_titok_of_two_stages(tmp_path: Path) -> None:
    sizes = {**OneDPiece.shrunken, "tokens": 8}
    network = seed_weights(OneDPiece.random(**sizes)._network)
    save_model(network, str(tmp_path / "w.safetensors"))
    where: Any = {"checkpoint": str(tmp_path / "w.safetensors")}
    titok_sizes: Any = {name: value for name, value in sizes.items() if name != "capacity"}
    images = seeded_images(2, 64)
    own, titok = OneDPiece(**sizes, **where), TiTok(**titok_sizes, two_stage=True, **where)
    codes = own.encode(images)
    assert torch.equal(codes.levels[0], titok.encode(images).levels[0])
    assert torch.equal(own.decode(codes), titok.decode(codes))


# Tensors and millions of elements of the published modules, built from their configurations.
PUBLISHED = {"one-d-piece-s": (308, 83.871), "one-d-piece-b": (404, 205.256), "one-d-piece-l": (692, 641.743)}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_card_has_the_published_sizes(name: str, without_memory: None) -> None:
    tensors, millions = PUBLISHED[name]
    tokenizer: Any = resolve_tokenizer(f"{name},random_weights_seed=0,tokens=16")
    state = tokenizer._network.state_dict()
    assert len(state) == tensors and load_cards()[name].geometry is not None
    assert sum(tensor.numel() for tensor in state.values()) / 1e6 == pytest.approx(millions, abs=0.0006)
    assert tokenizer.tokens == 16
