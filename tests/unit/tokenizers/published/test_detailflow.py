"""``detailflow``: golden arrays of the published code, who sees whom, places on other grids, published sizes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from seeded_weights import golden, noise_images, seeded_array
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.checkpoints.conversion import convert_checkpoint
from vtbench.core.errors import AdapterError, UsageError
from vtbench.tokenizers.contract import check_tokenizer
from vtbench.tokenizers.published.detailflow.adapter import DetailFlow
from vtbench.tokenizers.published.detailflow.network import SIZES, reach, to_image, to_patches, visible
from vtbench.tokenizers.published.detailflow.siglip2 import VisionModel, spread

SMALL: dict[str, Any] = {**DetailFlow.shrunken, "positions": 6}  # places of a finer grid: they have to be resized
STEEPER = {"latent_tokens": 20.0, "latent_pos_embed": 20.0, "q_proj.weight": 3.0}  # so that tokens differ
pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")


def seeded_state() -> dict[str, Tensor]:
    state = {}
    for name, tensor in DetailFlow.random(**SMALL)._network.state_dict().items():
        gain = next((gain for end, gain in STEEPER.items() if name.endswith(end)), 1.0)
        state[name] = torch.from_numpy(seeded_array(name, tuple(tensor.shape))) * gain
    return state


def published(state: dict[str, Tensor]) -> dict[str, Any]:
    """As the training script writes it, its settings left out: averages are there only where training kept some."""
    unused = {
        "encoder.refined_tokens": torch.zeros(1, 16, 32),
        "refine_conv.weight": torch.zeros(32, 8),
        "global_token_proj.0.bias": torch.zeros(4),
        "repa_model.visual_model.post_layernorm.bias": torch.zeros(4),
        "quantize.codebook_used": torch.zeros(8),
    }
    averages = {name: tensor + 1 for name, tensor in state.items()}
    return {"model": {**state, **unused}, "ema": averages, "optimizer": {"state": {}}, "discriminator": {}, "steps": 3}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> DetailFlow:
    path = tmp_path_factory.mktemp("detailflow") / "128.pt"
    torch.save(published(seeded_state()), path)
    return DetailFlow(**SMALL, checkpoint=str(path))


def test_codes_and_pixels_are_those_of_the_published_code(small: DetailFlow) -> None:
    expected = golden("detailflow")
    images = noise_images(4, 16)
    with torch.no_grad():
        latents = small._network.encode(images * 2 - 1).transpose(1, 2)
    torch.testing.assert_close(latents, torch.from_numpy(expected["latents"]), atol=1e-5, rtol=0)
    codes = small.encode(images)
    assert torch.equal(codes.levels[0], torch.from_numpy(expected["codes"]).long())
    assert len(codes.levels[0].unique()) > 20
    pixels = (torch.from_numpy(expected["reconstruction"]) + 1) / 2
    torch.testing.assert_close(small.decode(codes), pixels, atol=1e-5, rtol=0)


def test_an_image_does_not_depend_on_its_batch(small: DetailFlow) -> None:
    images = noise_images(3, 16, seed=1)
    together, alone = small.encode(images), small.encode(images[1:2])
    assert torch.equal(together.levels[0][1:2], alone.levels[0])
    torch.testing.assert_close(small.decode(together)[1:2], small.decode(alone), atol=1e-5, rtol=0)


def test_a_file_that_does_not_fit_is_told(tmp_path: Path) -> None:
    state = seeded_state()
    first = next(iter(state))
    torch.save(published({**state, first: state[first][..., :1].clone()}), tmp_path / "narrow.pt")
    torch.save({"encoder.layer.weight": torch.zeros(2)}, tmp_path / "other.pt")
    torch.save(published({**state, "decoder.latent_tokens": torch.zeros(1)}), tmp_path / "more.pt")
    for name, told in (("narrow.pt", "another shape"), ("other.pt", "missing"), ("more.pt", "decoder.latent_tokens")):
        with pytest.raises(AdapterError, match=rf"detailflow: .*{told}"):
            DetailFlow(**SMALL, checkpoint=str(tmp_path / name))


def test_a_file_with_the_settings_of_the_training_script_can_be_converted(tmp_path: Path, small: DetailFlow) -> None:
    content = {**published(seeded_state()), "args": argparse.Namespace(epochs=250)}
    del content["ema"]  # the published configuration keeps no averages
    torch.save(content, tmp_path / "full.pt")
    with pytest.raises(AdapterError, match="detailflow: ") as refused:
        DetailFlow(**SMALL, checkpoint=str(tmp_path / "full.pt"))
    assert "--convert" in str(refused.value.hint)
    convert_checkpoint(tmp_path / "full.pt", tmp_path / "full.safetensors", "model")
    converted = DetailFlow(**SMALL, checkpoint=str(tmp_path / "full.safetensors"))
    images = noise_images(2, 16)
    assert torch.equal(converted.encode(images).levels[0], small.encode(images).levels[0])


# Tokens, and elements of the 403 tensors that scoring uses; the whole published module has 850, of which 437 are a
# teacher's, and 685,488,696 elements with 128 tokens.
PUBLISHED = {"detailflow-16": (128, 270376008), "detailflow-32": (256, 270769224), "detailflow-64": (512, 271555656)}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_card_has_the_published_sizes(name: str, without_memory: None) -> None:
    tokens, elements = PUBLISHED[name]
    card = load_cards()[name]
    tokenizer = DetailFlow.random(card=name, **card.args)
    state = tokenizer._network.state_dict()
    assert card.geometry is not None and card.geometry.tokens == (tokens,)
    assert (len(state), sum(tensor.numel() for tensor in state.values())) == (403, elements)
    assert state["encoder.latent_tokens"].shape == (1, tokens, 1152)


def test_codes_are_of_the_nearest_direction_whatever_the_length() -> None:
    tokenizer = DetailFlow.random(**SMALL)
    tokenizer._network.load_state_dict(seeded_state())
    tokenizer._finish(tokenizer._network)
    tokenizer._network.quant_conv.weight.data *= 1e-8
    tokenizer._network.quant_conv.bias.data *= 1e-8
    images = noise_images(4, 16)
    with torch.no_grad():
        latents = tokenizer._network.encode(images * 2 - 1).double().transpose(1, 2)
    entries = seeded_state()["quantize.embedding.weight"].double()
    wanted = F.cosine_similarity(latents[:, :, None], entries, dim=-1).argmax(-1)
    assert torch.equal(tokenizer.encode(images).levels[0], wanted)
    assert not torch.equal(wanted, torch.cdist(latents, entries).argmin(-1))


def test_whom_a_token_sees() -> None:
    assert reach(12, 4).tolist() == [0, 1, 2, 3, 7, 7, 7, 7, 11, 11, 11, 11]
    assert reach(3, 1).tolist() == [0, 1, 2]
    seen = ["".join("x" if sees else "." for sees in row) for row in visible(2, 4, 2)]
    assert seen == ["xx....", "xx....", "xxx...", "xxxx..", "xxxxxx", "xxxxxx"]


@pytest.mark.parametrize(("changed", "first"), [(0, 0), (2, 2), (3, 3), (4, 4), (6, 4), (15, 12)])
def test_a_token_changes_itself_its_group_and_what_follows(small: DetailFlow, changed: int, first: int) -> None:
    images = noise_images(2, 16) * 2 - 1
    queries = small._network.encoder.latent_tokens
    with torch.no_grad():
        before = small._network.encode(images)
        queries[:, changed] *= -1
        after = small._network.encode(images)
        queries[:, changed] *= -1
    moved = (after - before).abs().amax(dim=(0, 1)) > 1e-6
    assert moved.tolist() == [token >= first for token in range(16)]


def test_a_part_of_the_image_changes_every_token_and_a_token_every_part(small: DetailFlow) -> None:
    images = noise_images(1, 16) * 2 - 1
    other = images.clone()
    other[..., 12:, 12:] *= -1
    entries = small._network.quantize.embedding.weight[:16][None].clone()
    with torch.no_grad():
        moved = (small._network.encode(images) - small._network.encode(other)).abs().amax(dim=(0, 1))
        first = small._network.decode(entries)
        entries[:, -1] *= -1
        pixels = (first - small._network.decode(entries)).abs()
    assert bool((moved > 1e-5).all())
    assert bool((F.max_pool2d(pixels.amax(1), 4) > 1e-5).all())


def test_layers_are_those_of_transformers() -> None:
    from transformers import Siglip2VisionConfig, Siglip2VisionModel

    width, layers, heads, hidden = SIZES["nano"]
    config = Siglip2VisionConfig(
        **{"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads},
        **{"intermediate_size": hidden, "patch_size": 4, "num_patches": 16, "vision_use_head": False},
    )
    theirs = Siglip2VisionModel(config).eval()
    theirs = getattr(theirs, "vision_model", theirs)
    ours = VisionModel(SIZES["nano"], 48, 4)
    ours.load_state_dict(theirs.state_dict())
    patches = torch.randn(2, 9, 48, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = theirs(patches, torch.ones(2, 9), torch.tensor([[3, 3]] * 2)).last_hidden_state
        found = ours(ours.embeddings["patch_embedding"](patches) + ours.places(3))
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_places_are_kept_on_their_own_grid_and_resized_as_by_siglip() -> None:
    from transformers.models.siglip2.modeling_siglip2 import Siglip2VisionEmbeddings

    table = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
    assert spread(table, 16) is table
    for grid in (4, 12, 24):
        resize = Siglip2VisionEmbeddings.resize_positional_embeddings
        wanted = resize(table.reshape(16, 16, 8), torch.tensor([[grid, grid]]), max_length=grid**2)[0]
        torch.testing.assert_close(spread(table, grid), wanted, atol=1e-5, rtol=0)


def test_patches_are_rows_of_pixels_with_colours_innermost() -> None:
    images = torch.arange(2 * 3 * 8 * 8).float().reshape(2, 3, 8, 8)
    patches = to_patches(images, 4)
    assert torch.equal(patches[1, 1].reshape(4, 4, 3), images[1, :, :4, 4:].permute(1, 2, 0))
    assert torch.equal(to_image(patches, 4), images)


@pytest.mark.parametrize("wrong", [{"tokens": 15}, {"patch": 5}, {"encoder": "huge"}])
def test_faulty_sizes_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="detailflow"):
        DetailFlow.random(**{**SMALL, **wrong})


def test_the_contract_and_other_sizes() -> None:
    tokenizer = DetailFlow.random(**DetailFlow.shrunken)
    failed = {result.name for result in check_tokenizer(tokenizer) if not result.passed}
    assert failed <= {"range", "alignment"}
    with pytest.raises(AdapterError, match="takes 16 pixels"):
        tokenizer.encode(noise_images(1, 20))
