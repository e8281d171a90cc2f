"""Networks written here against arrays that the published code made with the same weights and images.

Weights follow a rule of their names, so equal codes also show that the names are the published ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from seeded_weights import golden, noise_images, seeded_array, seeded_images
from torch import Tensor

from vtbench.checkpoints.cards import load_cards
from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError, UsageError
from vtbench.tokenizers.published.base import OfficialTokenizer
from vtbench.tokenizers.published.bsq_vit.adapter import BsqVit
from vtbench.tokenizers.published.elm_bae.adapter import ElmBae
from vtbench.tokenizers.published.flowmo.adapter import FlowMo
from vtbench.tokenizers.published.gigatok.adapter import GigaTok
from vtbench.tokenizers.published.infinity_bsq import InfinityBsq
from vtbench.tokenizers.published.maskbit import MaskBit
from vtbench.tokenizers.published.maskgit_vq import MaskGitVQ
from vtbench.tokenizers.published.open_magvit2 import OpenMagvit2
from vtbench.tokenizers.published.titok.adapter import TiTok
from vtbench.tokenizers.published.var_vq.adapter import VarVQ

State = dict[str, Tensor]
ONE_STAGE = {"encoder": "tiny", "decoder": "tiny", "tokens": 8, "codebook_dim": 6, "size": 32, "pixel_channels": 32}


def averaged(state: State) -> Any:
    """As Lightning writes it: raw weights that are others, and averages under names without dots."""
    raw = {name: tensor + 1 for name, tensor in state.items()}
    averages = {f"model_ema.{name.replace('.', '')}": tensor for name, tensor in state.items()}
    more = {"model_ema.decay": torch.tensor(0.999), "loss.discriminator.main.0.weight": torch.zeros(1)}
    return {"state_dict": {**raw, **averages, **more}, "epoch": 3}


def in_parallel(state: State) -> Any:
    wrapped = {f"module.module.{name}": tensor for name, tensor in state.items()}
    raw = {f"module.{name}": tensor + 1 for name, tensor in state.items()}
    return {
        "ema_state_dict": {**wrapped, "module.module.quantize.basis": torch.zeros(6)},
        "state_dict": raw,
        "epoch": 3,
    }


def infinity_name(name: str) -> str:
    """Every convolution and norm is wrapped once more."""
    name = re.sub(r"\.(downsample|upsample)\.conv\.", r".\1.conv.conv.", name)
    name = re.sub(r"\.(conv_in|conv_out|conv1|conv2|nin_shortcut)\.", r".\1.conv.", name)
    return re.sub(r"\.(norm1|norm2|norm_out)\.", r".\1.norm.", name)


def with_discriminator(state: State) -> Any:
    published = {f"ae.{name}": tensor for name, tensor in state.items()}
    return {**published, "ae.generator.logsigma.0.bias": torch.zeros(2), "disc.main.0.bias": torch.zeros(2)}


@dataclass(frozen=True)
class Case:
    """One family at a small size, and the file its authors would publish."""

    golden: str
    family: type[OfficialTokenizer]
    arguments: dict[str, Any]
    size: int
    distinct: int
    gains: dict[str, float] = field(default_factory=dict)
    publish: Callable[[State], Any] = lambda state: state
    published_name: Callable[[str], str] = lambda name: name
    images: Callable[..., Tensor] = seeded_images


CASES = [
    Case(
        "var-vq",
        VarVQ,
        {"scales": (1, 2, 4, 8), "channels": 32, "multipliers": (1, 2), "codebook_size": 64, "codebook_dim": 8},
        size=16,
        distinct=40,
        gains={"quant_conv.weight": 4.0},
        publish=lambda state: {**state, "quantize.ema_vocab_hit_SV": torch.zeros(4, 64)},
    ),
    Case(
        "open-magvit2",
        OpenMagvit2,
        {"bits": 6, "channels": 32, "multipliers": (1, 2), "blocks": 1},
        size=16,
        distinct=40,
        publish=averaged,
    ),
    Case(
        "maskbit",
        MaskBit,
        {"bits": 6, "channels": 32, "multipliers": (1, 2), "blocks": 1},
        size=16,
        distinct=40,
        publish=lambda state: {
            **state,
            "quantize.bits_to_indices": torch.zeros(6),
            "quantize.codebook": torch.zeros(1),
        },
    ),
    Case(
        "maskgit-vq",
        MaskGitVQ,
        {"channels": 32, "multipliers": (1, 2), "codebook_dim": 8, "codebook_size": 64, "blocks": 1},
        size=16,
        distinct=20,
        gains={"quantize.embedding.weight": 3.0},
    ),
    Case(
        "bsq-vit",
        BsqVit,
        {"bits": 6, "size": 32, "patch": 8, "width": 32, "layers": 1, "heads": 2, "hidden": 64},
        size=32,
        distinct=15,
        publish=in_parallel,
    ),
    Case(
        "infinity-bsq",
        InfinityBsq,
        {"bits": 6, "size": 16, "channels": 32, "multipliers": (1, 2), "blocks": 1},
        size=16,
        distinct=60,
        publish=lambda state: {
            "vae": {**state, "quantizer.lfq.mask": torch.zeros(6), "quantize.lfq.mask": torch.zeros(6)}
        },
        published_name=infinity_name,
    ),
    Case(
        "elm-bae",
        ElmBae,
        {"bits": 6, "sampled": False, "channels": 32, "multipliers": (1, 2), "latents": 32, "blocks": 1},
        size=16,
        distinct=40,
        gains={"quantize.proj.0.weight": 3.0},
        publish=with_discriminator,
    ),
    Case(
        "flowmo",
        FlowMo,
        {**FlowMo.shrunken, "steps": 6},
        size=16,
        distinct=7,
        gains={
            f"{side}.double_blocks.0.{stream}_attn.norm.{part}_norm.scale": 15.0
            for side in ("encoder", "decoder")
            for stream in ("img", "txt")
            for part in ("query", "key")
        },
        images=noise_images,
        publish=lambda state: {"model_ema_state_dict": state, "model_state_dict": {}},
    ),
    Case(
        "gigatok",
        GigaTok,
        GigaTok.shrunken,
        size=32,
        distinct=20,
        publish=lambda state: {
            "ema": {
                **state,
                "quantize.codebook_used": torch.zeros(8),
                "s1to2decoder.distill_mlp.0.bias": torch.zeros(2),
            },
            "model": {},
        },
    ),
    Case("titok-two", TiTok, {**ONE_STAGE, "codebook_size": 32, "two_stage": True}, size=32, distinct=5),
    Case("titok-vq", TiTok, {**ONE_STAGE, "codebook_size": 32, "two_stage": False}, size=32, distinct=5),
    Case("titok-vae", TiTok, {**ONE_STAGE, "codebook_size": 0, "two_stage": False}, size=32, distinct=2),
]
cases = pytest.mark.parametrize("case", CASES, ids=[case.golden for case in CASES])
pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")


def state_of(case: Case) -> State:
    """Seeded weights under the published names."""
    network = case.family.random(**case.arguments)._network
    state = {}
    for own, tensor in network.state_dict().items():
        name = case.published_name(own)
        state[name] = torch.from_numpy(seeded_array(name, tuple(tensor.shape))) * case.gains.get(name, 1.0)
    return state


@pytest.fixture
def loaded(case: Case, tmp_path: Path) -> Any:
    """The adapter, with the file its authors would publish."""
    torch.save(case.publish(state_of(case)), tmp_path / "published.pth")
    return case.family(**case.arguments, checkpoint=str(tmp_path / "published.pth"))  # type: ignore[call-arg]


def with_seeds(tokenizer: Any, *seeds: int) -> dict[str, Tensor]:
    return {"seeds": torch.tensor(seeds)} if tokenizer.info.stochastic else {}


def indices(codes: Codes) -> list[Tensor]:
    """Indices a level; of bits, the number they write; of latents, their signs."""
    if codes.bits:
        return [(plane.long() * 2 ** torch.arange(plane.shape[-1])).sum(-1) for plane in codes.bits]
    return [(codes.latents > 0).long()] if codes.latents is not None else list(codes.levels)


@cases
def test_codes_and_pixels_are_those_of_the_published_code(case: Case, loaded: Any) -> None:
    expected = golden(case.golden)
    seeds = with_seeds(loaded, 11, 12)
    codes = loaded.encode(case.images(2, case.size), **seeds)
    levels = [expected[name] for name in sorted(expected) if name != "reconstruction"]
    assert len(levels) == len(codes.grids)
    for found, wanted in zip(indices(codes), levels, strict=True):
        assert torch.equal(found, torch.from_numpy(wanted).long())
    assert len(torch.cat([found.flatten() for found in indices(codes)]).unique()) >= case.distinct
    pixels = torch.from_numpy(expected["reconstruction"])
    if loaded.value_range == "signed":
        pixels = (pixels + 1) / 2
    torch.testing.assert_close(loaded.decode(codes, **seeds), pixels, atol=1e-4, rtol=0)


@cases
def test_an_image_does_not_depend_on_its_batch(case: Case, loaded: Any) -> None:
    images = case.images(3, case.size, seed=1)
    every, one_seed = with_seeds(loaded, 4, 5, 6), with_seeds(loaded, 5)
    together, alone = loaded.encode(images, **every), loaded.encode(images[1:2], **one_seed)
    for many, one in zip(indices(together), indices(alone), strict=True):
        assert torch.equal(many[1:2], one)
    pixels = loaded.decode(together, **every)[1:2]
    torch.testing.assert_close(pixels, loaded.decode(alone, **one_seed), atol=1e-4, rtol=0)


@cases
def test_a_file_that_does_not_fit_is_told(case: Case, tmp_path: Path) -> None:
    state = state_of(case)
    first = next(iter(state))
    torch.save(case.publish({**state, first: state[first][..., :1].clone()}), tmp_path / "narrow.pth")
    torch.save({"encoder.layer.weight": torch.zeros(2)}, tmp_path / "other.pth")
    for name, told in (("narrow.pth", "another shape"), ("other.pth", "missing|averaged")):
        with pytest.raises(AdapterError, match=rf"{case.family.family}: .*({told})"):
            case.family(**case.arguments, checkpoint=str(tmp_path / name))  # type: ignore[call-arg]


# Card, tensors and millions of elements of the published state dict, and how many of both are not weights.
PUBLISHED = [
    ("var-256", 324, 108.989, 1, 0.04096),
    ("open-magvit2-256", 159 + 180, 49.751 + 65.376, 0, 0.0),
    ("maskgit-vqgan", 168, 54.516, 0, 0.0),
    ("maskbit-14bit", 177, 54.719, 2, 0.22939),
    ("bsq-vit-18bit", 309, 174.816, 2, 0.0),
    ("infinity-d32", 270, 110.118, 2, 0.000064),
    ("infinity-d56-f8", 226, 81.624, 2, 0.000028),
    ("elm-bae-16", 337, 65.527, 4, 0.147971),
    ("flowmo-lo", 608, 945.374, 0, 0.0),
    ("gigatok-ss", 538, 136.14, 7, 6.886144),
    ("titok-l32", 692, 641.055, 0, 0.0),
    ("titok-bl64", 459, 390.016, 0, 0.0),
    ("titok-bl64-vae", 458, 389.418, 0, 0.0),
]


@pytest.mark.parametrize(("card", "tensors", "millions", "buffers", "in_buffers"), PUBLISHED)
def test_the_published_network(
    card: str, tensors: int, millions: float, buffers: int, in_buffers: float, without_memory: None
) -> None:
    published = load_cards()[card]
    families = {case.family.family: case.family for case in CASES}
    state = families[published.target].random(card=card, **published.args)._network.state_dict()
    assert len(state) + buffers == tensors
    elements = sum(tensor.numel() for tensor in state.values()) / 1e6
    assert elements + in_buffers == pytest.approx(millions, abs=0.004)


def test_a_scale_between_two_smoothings_takes_the_one_that_training_took() -> None:
    from vtbench.networks.next_scale.residual_scales import Smoothing

    smoothing = Smoothing(8, 4)
    taken = []
    for index, convolution in enumerate(smoothing.qresi_ls):
        convolution.register_forward_hook(lambda *_, index=index: taken.append(index))
    for scale in range(10):
        smoothing(torch.zeros(1, 8, 2, 2), scale / 9)
    assert taken == [0, 0, 1, 1, 1, 2, 2, 3, 3, 3]


def test_the_sum_of_scales_closes_in_on_the_latents() -> None:
    tokenizer = VarVQ.random(**CASES[0].arguments)
    quantiser = tokenizer._network.quantize
    latents = torch.randn(2, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    levels = quantiser.encode(latents)
    rest = latents.clone()
    for index, level in enumerate(levels):
        rest = rest - quantiser.contribution(level, index)
    torch.testing.assert_close(latents - rest, quantiser.decode(levels), atol=1e-5, rtol=0)


def test_magvit2_without_averages() -> None:
    case = CASES[1]
    tokenizer = case.family.random(**case.arguments)
    assert isinstance(tokenizer, OpenMagvit2)
    with pytest.raises(AdapterError, match="no averaged weights"):
        tokenizer._convert(dict(tokenizer._network.state_dict()))


def test_magvit2s_raw_weights(tmp_path: Path) -> None:
    case = CASES[1]
    state = state_of(case)
    torch.save(case.publish(state), tmp_path / "w.ckpt")
    raw = OpenMagvit2(**case.arguments, weights="raw", checkpoint=str(tmp_path / "w.ckpt"))
    name = "encoder.conv_in.weight"
    assert torch.equal(raw._network.state_dict()[name], state[name] + 1)


@pytest.mark.parametrize("case", CASES[1:3], ids=["open-magvit2", "maskbit"])
def test_sides_that_are_no_multiple_are_padded_and_cropped(case: Case, loaded: Any) -> None:
    codes = loaded.encode(seeded_images(1, 32)[..., :21, :30])
    assert codes.grids == ((11, 15),) and loaded.decode(codes).shape == (1, 3, 21, 30)


def test_drawn_bits_follow_the_seed_of_the_image_and_the_chances() -> None:
    tokenizer = ElmBae.random(**{**ElmBae.shrunken, "sampled": True})
    images, seeds = seeded_images(3, 16), torch.tensor([4, 5, 6])
    bits = tokenizer.encode(images, seeds).bits[0]
    assert torch.equal(tokenizer.encode(images[1:2], seeds[1:2]).bits[0], bits[1:2])
    draws = torch.stack([tokenizer.encode(images[:1], torch.tensor([seed])).bits[0] for seed in range(200)])
    with torch.no_grad():
        chances = tokenizer._network.quantize.proj(tokenizer._network.encoder(images[:1])).movedim(1, -1).flip(-1)
    assert 0.1 < float(chances.min()) < float(chances.max()) < 0.9
    assert float((draws.double().mean(0) - chances).abs().max()) < 4.5 * 0.5 / 200**0.5


@pytest.mark.parametrize(("size", "tokens"), [(256, 521), (512, 521 + 400 + 576 + 1024), (1024, 10521)])
def test_infinitys_scales(size: int, tokens: int) -> None:
    with torch.device("meta"):
        tokenizer = InfinityBsq.random(bits=6, size=size, channels=32, multipliers=(1, 1, 1, 1, 1), blocks=1)
    assert sum(side**2 for side in tokenizer._scales) == tokens
    assert len(tokenizer.info.codebook_sizes) == len(tokenizer._scales)


def test_infinity_has_no_scales_for_some_sizes() -> None:
    with pytest.raises(UsageError, match="no scales for 300 pixels"):
        InfinityBsq.random(size=300)
    with pytest.raises(UsageError, match="14 bits cannot be shared by 2x2 latents"):
        InfinityBsq.random(bits=14, patch=2)


def test_a_token_of_infinity_holds_the_bits_of_a_patch_of_latents() -> None:
    arguments = {"channels": 32, "multipliers": (1, 1), "blocks": 1}
    patched = InfinityBsq.random(bits=24, patch=2, size=16, **arguments)
    assert patched.info.downsample_factor == 4 and patched._scales == (1, 2, 4)
    images = seeded_images(1, 16)
    found = patched.encode(images).bits[-1][0].flip(-1)  # channel 0 first
    assert found.shape == (4, 4, 24)
    latents = patched._network.encoder(images * 2 - 1)
    rest = latents.clone()
    for bits in patched.encode(images).bits[:-1]:
        rest = rest - torch.nn.functional.interpolate(patched._latents(bits), size=(8, 8), mode="bilinear")
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert torch.equal(found[..., 2 * row + column :: 4].movedim(-1, 0), rest[0, :, row::2, column::2] > 0)


def test_infinity_decodes_codes_of_any_aspect_ratio() -> None:
    tokenizer = InfinityBsq.random(bits=6, size=16, channels=32, multipliers=(1, 2), blocks=1)
    generator = torch.Generator().manual_seed(0)
    planes = tuple(torch.rand(2, *grid, 6, generator=generator) < 0.5 for grid in ((1, 1), (2, 2), (3, 2), (6, 4)))
    assert tokenizer.decode(Codes(bits=planes, image_size=(12, 8))).shape == (2, 3, 12, 8)


def test_bits_of_bsq_are_told_lowest_first() -> None:
    from vtbench.networks.binary import to_bits, to_signs

    latents = torch.tensor([1.0, -1.0, -1.0, 0.0])[None, :, None, None]
    assert to_bits(latents, first_is_highest=True).flatten().tolist() == [False, False, False, True]
    assert to_bits(latents).flatten().tolist() == [True, False, False, False]
    for order in (True, False):
        signs = to_signs(to_bits(latents, first_is_highest=order), torch.float32, first_is_highest=order)
        assert signs.flatten().tolist() == [1.0, -1.0, -1.0, -1.0]
