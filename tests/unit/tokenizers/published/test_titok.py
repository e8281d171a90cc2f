"""TiTok: what its quantiser and its two decoders compute, in closed form, and the sizes of every card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from seeded_weights import seed_weights, seeded_images

from vtbench.checkpoints.cards import load_cards
from vtbench.core.errors import AdapterError
from vtbench.tokenizers.published.titok.adapter import TiTok

TINY: dict[str, Any] = {
    **{"encoder": "tiny", "decoder": "tiny", "tokens": 8, "codebook_size": 32, "codebook_dim": 6},
    **{"size": 32, "pixel_channels": 32},
}
pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")


def tiny(**changes: Any) -> TiTok:
    tokenizer = TiTok.random(**{**TINY, **changes})
    tokenizer._finish(seed_weights(tokenizer._network)) if tokenizer._normalised else seed_weights(tokenizer._network)
    return tokenizer


# Tensors and millions of elements of the published modules, built from their inference configurations.
PUBLISHED = {
    "titok-b64": (404, 204.814),
    "titok-bl128": (459, 390.180),
    "titok-bl128-vae": (458, 389.582),
    "titok-bl64": (459, 390.016),
    "titok-bl64-vae": (458, 389.418),
    "titok-l32": (692, 641.055),
    "titok-ll32-vae": (602, 606.880),
    "titok-s128": (308, 83.675),
    "titok-sl256": (411, 330.261),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_card_has_the_published_sizes(name: str, without_memory: None) -> None:
    tensors, millions = PUBLISHED[name]
    card = load_cards()[name]
    state = TiTok.random(card=name, **card.args)._network.state_dict()
    assert len(state) == tensors
    assert sum(tensor.numel() for tensor in state.values()) / 1e6 == pytest.approx(millions, abs=0.0006)


@pytest.mark.parametrize("length", [1.0, 1e-4])
def test_the_first_models_compare_directions_whatever_the_length(length: float) -> None:
    tokenizer = tiny(two_stage=True)
    for parameter in tokenizer._network.encoder.conv_out.parameters():
        parameter.data *= length
    images = seeded_images(6, 32)
    with torch.no_grad():
        latents = tokenizer._network.encode(images).double().transpose(1, 2)
    entries = tokenizer._network.quantize.embedding.weight.double()
    wanted = F.cosine_similarity(latents[:, :, None], entries, dim=-1).argmax(-1)
    assert torch.equal(tokenizer.encode(images).levels[0], wanted) and len(wanted.unique()) > 4
    torch.testing.assert_close(entries.norm(dim=1), torch.ones(32).double())


def test_the_others_compare_distances() -> None:
    tokenizer = tiny(two_stage=False)
    images = seeded_images(6, 32)
    with torch.no_grad():
        latents = tokenizer._network.encode(images).double().transpose(1, 2)
    entries = tokenizer._network.quantize.embedding.weight.double()
    wanted = torch.cdist(latents, entries).argmin(-1)
    assert torch.equal(tokenizer.encode(images).levels[0], wanted)
    assert not torch.equal(wanted, F.cosine_similarity(latents[:, :, None], entries, dim=-1).argmax(-1))


@pytest.mark.parametrize(("sharpness", "whose"), [(0.0, "mean"), (200.0, "entry")])
def test_pixels_come_from_a_mixture_of_maskgits_entries(
    sharpness: float, whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = tiny(two_stage=True)._network
    given: list[torch.Tensor] = []
    network.pixel_decoder.register_forward_pre_hook(lambda _, arguments: given.append(arguments[0]))
    picked = torch.tensor([[7, 900], [0, 1023]])
    logits = sharpness * F.one_hot(picked, 1024).permute(2, 0, 1).float()[None]
    monkeypatch.setattr(network.decoder, "forward", lambda _: logits)
    with torch.no_grad():
        network.decode(torch.zeros(1, 6, 8))
    entries = network.pixel_quantize.embedding.weight.detach()
    mixed = entries[picked] if whose == "entry" else entries.mean(0).expand(2, 2, -1)
    torch.testing.assert_close(given[0][0].permute(1, 2, 0), mixed, atol=1e-6, rtol=0)


def test_continuous_tokens_are_the_mode_and_know_nothing_of_the_variance() -> None:
    tokenizer = tiny(codebook_size=0, two_stage=False)
    images = seeded_images(2, 32)
    before = tokenizer.encode(images).latents
    assert before is not None and before.shape == (2, 6, 8)
    tokenizer._network.encoder.conv_out.weight.data[6:] += 3
    after = tokenizer.encode(images).latents
    assert after is not None and torch.equal(before, after)
    tokenizer._network.encoder.conv_out.bias.data[:6] += 1
    moved = tokenizer.encode(images).latents
    assert moved is not None
    torch.testing.assert_close(moved, before + 1)


def test_a_safetensors_file_as_the_hub_has_it(tmp_path: Path) -> None:
    from safetensors.torch import save_model

    source = seed_weights(TiTok.random(**TINY)._network)
    save_model(source, str(tmp_path / "model.safetensors"))
    loaded = TiTok(**TINY, checkpoint=str(tmp_path / "model.safetensors"))
    codes = loaded.encode(seeded_images(2, 32))
    assert torch.equal(codes.levels[0], tiny().encode(seeded_images(2, 32)).levels[0])
    assert loaded.info.weights[0].name == "model.safetensors"
    with pytest.raises(AdapterError, match="pixel_decoder"):
        TiTok(**{**TINY, "two_stage": False}, checkpoint=str(tmp_path / "model.safetensors"))


def test_other_sizes_are_refused() -> None:
    with pytest.raises(AdapterError, match="takes 32 pixels"):
        tiny().encode(seeded_images(1, 48))
