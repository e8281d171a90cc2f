"""``unitok``: golden arrays of the published code, its published layout, and what its two releases differ in."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from seeded_weights import golden, seeded_array, seeded_images
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError
from vtbench.tokenizers.contract import check_tokenizer
from vtbench.tokenizers.published.unitok.adapter import UniTok

RELEASES = {"full": False, "causal": True}
GAINS = {
    "quant_proj.proj.weight": 4.0,
    "quant_proj.attn.qkv.weight": 4.0,
    "encoder.patch_embed.backbone.pool.proj.weight": 5.0,
    "post_quant_proj.attn.qkv.weight": 4.0,
}
"""So that many entries are in use, and attention looks at some places more than at others."""
UNUSED = {
    "text_encoder.token_embedding.weight": (3, 2),
    "fc_norm.weight": (2,),
    "projection.weight": (2, 2),
    "logit_scale": (),
    "quantizer.codebooks.0.vocab_usage": (32,),
    "quant_proj.attn.zero_k_bias": (64,),
    "post_quant_proj.attn.zero_k_bias": (64,),
}
releases = pytest.mark.parametrize("release", RELEASES)


def seeded_state() -> dict[str, Tensor]:
    """Weights that follow the published names, and some of what the published file holds beside them."""
    with pytest.warns(UserWarning, match="random weights"):
        network = UniTok.random(**UniTok.shrunken)._network
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    state = {name: torch.from_numpy(seeded_array(name, shape)) for name, shape in shapes.items()}
    for name, gain in GAINS.items():
        state[name] *= gain
    return {**state, **{name: torch.ones(shape) for name, shape in UNUSED.items()}}


def write(path: Path, state: dict[str, Tensor]) -> str:
    """As the published training loop does, which puts its settings beside the weights; a precision is among them."""
    settings = {"model": "vitamin_large", "dtype": torch.bfloat16, "hflip": False, "drop_path": 0.1, "run_id": None}
    torch.save({"args": settings, "epoch": 1, "iter": 0, "trainer": {"config": {"bcr": 4.0}, "unitok": state}}, path)
    return str(path)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("unitok") / "unitok_tokenizer.pth", seeded_state())


@pytest.fixture(scope="module")
def both(checkpoint: str) -> dict[str, UniTok]:
    return {name: UniTok(**UniTok.shrunken, causal=way, checkpoint=checkpoint) for name, way in RELEASES.items()}


@releases
def test_codes_and_pixels_are_those_of_the_published_code(both: dict[str, UniTok], release: str) -> None:
    expected, tokenizer = golden("unitok"), both[release]
    codes = tokenizer.encode(seeded_images(2, 64))
    levels = torch.from_numpy(expected[f"codes_{release}"]).long()
    assert codes.grids == ((4, 4),) * 4
    assert torch.equal(torch.stack([level.flatten(1) for level in codes.levels], dim=1), levels)
    assert min(len(level.unique()) for level in codes.levels) >= 5
    pixels = (torch.from_numpy(expected[f"pixels_{release}"]) + 1) / 2
    found = tokenizer.decode(codes)[..., 1::3, ::3]
    torch.testing.assert_close(found, pixels, atol=1e-5, rtol=0)


@releases
def test_an_image_does_not_depend_on_its_batch(both: dict[str, UniTok], release: str) -> None:
    tokenizer, images = both[release], seeded_images(3, 32, seed=1)
    together, alone = tokenizer.encode(images), tokenizer.encode(images[1:2])
    for many, one in zip(together.levels, alone.levels, strict=True):
        assert torch.equal(many[1:2], one)
    torch.testing.assert_close(tokenizer.decode(together)[1:2], tokenizer.decode(alone), atol=1e-5, rtol=0)


def test_sides_that_are_no_multiple_are_padded_and_cropped(both: dict[str, UniTok]) -> None:
    codes = both["full"].encode(seeded_images(1, 64)[..., :33, :50])
    assert codes.grids == ((3, 4),) * 4 and both["full"].decode(codes).shape == (1, 3, 33, 50)


def test_places_are_told_apart_row_by_row(both: dict[str, UniTok]) -> None:
    """In a picture of 3x4 places: one other code alters the decoded pixels most where it lies."""
    levels = tuple(torch.zeros(1, 3, 4, dtype=torch.long) for _ in range(4))
    changed = tuple(level.clone() for level in levels)
    for level in changed:
        level[0, 1, 2] = 9
    before, after = (both["full"].decode(Codes(levels=part)) for part in (levels, changed))
    shift = (after - before).abs().mean(1).unfold(1, 16, 16).unfold(2, 16, 16).mean((-1, -2))
    assert int(shift.flatten().argmax()) == 1 * 4 + 2


def test_a_level_is_the_nearest_direction_of_its_own_channels(both: dict[str, UniTok]) -> None:
    tokenizer, images = both["full"], seeded_images(2, 64)
    with torch.no_grad():
        latents = tokenizer._network.encode(images * 2 - 1)
    state = seeded_state()
    for index, level in enumerate(tokenizer.encode(images).levels):
        part = latents[:, 8 * index : 8 * index + 8].movedim(1, -1)[..., None, :]
        cosines = torch.cosine_similarity(part, state[f"quantizer.codebooks.{index}.codebook.weight"], dim=-1)
        assert torch.equal(cosines.argmax(-1), level)


@pytest.mark.parametrize(("inputs", "outputs"), [(16, 4), (4, 16)])
@pytest.mark.parametrize("causal", [False, True])
def test_later_tokens_count_in_one_release_only(inputs: int, outputs: int, causal: bool) -> None:
    from vtbench.tokenizers.published.unitok.network import Projection

    generator = torch.Generator().manual_seed(0)
    projection = Projection(inputs, outputs, causal=causal)
    tokens = torch.randn(1, 6, inputs, generator=generator)
    other = torch.cat((tokens[:, :4], torch.randn(1, 2, inputs, generator=generator)), dim=1)
    with torch.no_grad():
        before, after = projection(tokens)[:, :4], projection(other)[:, :4]
    assert before.shape == (1, 4, outputs)
    assert (float((before - after).abs().max()) < 1e-6) is causal


def test_a_file_that_does_not_fit_is_told(tmp_path: Path) -> None:
    state = seeded_state()
    name = "encoder.blocks.0.attn.qkv.weight"
    files = {
        "another shape": {**state, name: state[name][..., :1].clone()},
        "missing": {key: value for key, value in state.items() if key != name},
        "unknown": {**state, "encoder.reg_token": torch.zeros(1, 4, 64)},
    }
    for told, wrong in files.items():
        with pytest.raises(AdapterError, match=rf"unitok-vq: .*{told}"):
            UniTok(**UniTok.shrunken, checkpoint=write(tmp_path / "wrong.pth", wrong))


def test_the_published_network(without_memory: None) -> None:
    card = load_cards()["unitok"]
    with pytest.warns(UserWarning, match="random weights"):
        tokenizer = UniTok.random(card=card.name, **card.args)
    state = tokenizer._network.state_dict()
    assert len(state) == 1171 and sum(tensor.numel() for tensor in state.values()) == 695_859_139
    assert state["encoder.blocks.30.mlp.w2.weight"].shape == (1024, 2048)
    assert state["quantizer.codebooks.7.codebook.weight"].shape == (4096, 8)
    assert card.geometry is not None and card.geometry.total_bits == 256 * sum(tokenizer.info.bits_per_token)


def test_the_contract() -> None:
    with pytest.warns(UserWarning, match="random weights"):
        tokenizer = UniTok.random(**UniTok.shrunken)
    failed = {result.name for result in check_tokenizer(tokenizer, size=48) if not result.passed}
    assert failed <= {"range", "alignment"}
