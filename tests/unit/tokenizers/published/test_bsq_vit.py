"""BSQ-ViT: which weights of a file are read, what its bits and patches are, and the sizes of every card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from seeded_weights import seed_weights, seeded_images
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError, UsageError
from vtbench.tokenizers.published.bsq_vit.adapter import BsqVit

TINY = BsqVit.shrunken
NAME = "encoder.ln_pre.weight"
pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")


def tiny(**changes: Any) -> BsqVit:
    tokenizer = BsqVit.random(**{**TINY, **changes})
    seed_weights(tokenizer._network)
    return tokenizer


@pytest.fixture
def state() -> dict[str, Tensor]:
    return dict(tiny()._network.state_dict())


def wrapped(state: dict[str, Tensor], times: int, offset: float = 0.0) -> dict[str, Tensor]:
    return {"module." * times + name: tensor + offset for name, tensor in state.items()}


@pytest.mark.parametrize(("weights", "offset"), [("ema", 0.0), ("raw", 1.0)])
def test_a_published_file_holds_both_weights(
    weights: str, offset: float, state: dict[str, Tensor], tmp_path: Path
) -> None:
    torch.save(
        {"iter": 1, "ema_state_dict": wrapped(state, 2), "state_dict": wrapped(state, 1, 1.0)}, tmp_path / "w.pt"
    )
    tokenizer = BsqVit(**TINY, weights=weights, checkpoint=str(tmp_path / "w.pt"))
    assert torch.equal(tokenizer._network.state_dict()[NAME], state[NAME] + offset)


def test_weights_that_a_file_lacks_are_told_not_replaced(state: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save({"ema_state_dict": None, "state_dict": wrapped(state, 1)}, tmp_path / "raw.pt")
    torch.save(wrapped(state, 2), tmp_path / "averaged.pt")
    with pytest.raises(AdapterError, match="holds raw weights, averaged"):
        BsqVit(**TINY, checkpoint=str(tmp_path / "raw.pt"))
    with pytest.raises(AdapterError, match="holds averaged weights, raw"):
        BsqVit(**TINY, weights="raw", checkpoint=str(tmp_path / "averaged.pt"))
    for name, weights in (("raw", "raw"), ("averaged", "ema")):
        BsqVit(**TINY, weights=weights, checkpoint=str(tmp_path / f"{name}.pt"))


@pytest.mark.parametrize("weights", ["ema", "raw"])
def test_bare_names_are_taken_for_what_is_asked(weights: str, state: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(state, tmp_path / "w.pt")
    tokenizer = BsqVit(**TINY, weights=weights, checkpoint=str(tmp_path / "w.pt"))
    assert torch.equal(tokenizer._network.state_dict()[NAME], state[NAME])


def test_there_are_two_sorts_of_weights() -> None:
    with pytest.raises(UsageError, match="no weights 'best'"):
        BsqVit.random(**TINY, weights="best")


def test_bits_are_signs_and_the_first_channel_is_the_highest() -> None:
    tokenizer = tiny()
    images = seeded_images(2, 32)
    with torch.no_grad():
        latents = tokenizer._network.quant_embed(tokenizer._network.encoder(images * 2 - 1))
    published = ((latents > 0).long() * 2 ** torch.arange(5, -1, -1)).sum(-1)
    bits = tokenizer.encode(images).bits[0]
    assert bits.shape == (2, 4, 4, 6)
    assert torch.equal((bits.long() * 2 ** torch.arange(6)).sum(-1).flatten(1), published)


def test_the_decoder_is_given_points_on_the_unit_sphere() -> None:
    tokenizer = tiny()
    codes = tokenizer.encode(seeded_images(2, 32))
    given: list[Tensor] = []
    tokenizer._network.post_quant_embed.register_forward_pre_hook(lambda _, arguments: given.append(arguments[0]))
    tokenizer.decode(codes)
    signs = codes.bits[0].flip(-1).flatten(1, 2).float() * 2 - 1
    torch.testing.assert_close(given[0], signs / 6**0.5)
    torch.testing.assert_close(given[0].norm(dim=-1), torch.ones(2, 16))


def test_patches_go_row_by_row_colour_by_colour_and_back() -> None:
    network = tiny()._network
    images = seeded_images(1, 32)
    given: list[Tensor] = []
    network.encoder.conv1.register_forward_pre_hook(lambda _, arguments: given.append(arguments[0]))
    with torch.no_grad():
        network.encoder(images)
        assert torch.equal(given[0][0, 6], images[0, :, 8:16, 16:24].flatten())
        network.decoder.conv_out.register_forward_hook(lambda *_: given[0])
        assert torch.equal(network.decoder(torch.zeros(1, 16, 32)), images)


def test_pixels_stay_in_range() -> None:
    tokenizer = tiny()
    tokenizer._network.decoder.conv_out.weight.data *= 20
    pixels = tokenizer.decode(tokenizer.encode(seeded_images(2, 32)))
    assert float(pixels.min()) == 0.0 and float(pixels.max()) == 1.0


def test_36_bits_are_kept_without_an_index() -> None:
    tokenizer = tiny(bits=36)
    assert tokenizer.info.codebook_sizes == (2**36,)
    bits = torch.rand(2, 4, 4, 36, generator=torch.Generator().manual_seed(0)) > 0.5
    pixels = tokenizer.decode(Codes(bits=(bits,)))
    for index in (0, 35):
        changed = bits.clone()
        changed[..., index] ^= True
        assert float((tokenizer.decode(Codes(bits=(changed,))) - pixels).abs().max()) > 1e-3


def test_other_sizes_are_refused() -> None:
    with pytest.raises(AdapterError, match="takes 32 pixels"):
        tiny().encode(seeded_images(1, 40))


# Tensors (two of them buffers that are no weights) and millions of elements of the published modules.
@pytest.mark.parametrize(
    ("name", "millions"), [("bsq-vit-18bit", 174.816), ("bsq-vit-18bit-grouped", 174.816), ("bsq-vit-36bit", 174.844)]
)
def test_every_card_has_the_published_sizes(name: str, millions: float, without_memory: None) -> None:
    state = BsqVit.random(card=name, **load_cards()[name].args)._network.state_dict()
    assert len(state) == 309 - 2
    assert sum(tensor.numel() for tensor in state.values()) / 1e6 == pytest.approx(millions, abs=0.0006)
