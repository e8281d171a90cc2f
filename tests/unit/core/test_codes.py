"""``Codes``: the four forms, what is refused, and the arithmetic of tokens and bits."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from vtbench.core.codes import Codes
from vtbench.core.info import TokenizerInfo

VAR_SIDES = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16)
INFINITY_SIDES = (1, 2, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64)


def indices(*shape: int) -> torch.Tensor:
    return torch.zeros(shape, dtype=torch.int64)


def flags(*shape: int) -> torch.Tensor:
    return torch.zeros(shape, dtype=torch.bool)


def info(kind: str = "discrete", **more: object) -> TokenizerInfo:
    return TokenizerInfo(name="t", kind=kind, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("codes", "form", "grids", "tokens"),
    [
        (Codes(levels=(indices(2, 4, 5),)), "levels", ((4, 5),), 20),
        (Codes(levels=(indices(2, 7),)), "levels", ((7,),), 7),
        (Codes(levels=(indices(2, 1, 1), indices(2, 2, 3))), "levels", ((1, 1), (2, 3)), 7),
        (Codes(bits=(flags(2, 4, 5, 18),)), "bits", ((4, 5),), 20),
        (Codes(bits=(flags(2, 1, 1, 32), flags(2, 2, 2, 32))), "bits", ((1, 1), (2, 2)), 5),
        (Codes(latents=torch.zeros(2, 16, 4, 5)), "latents", ((4, 5),), 20),
        (Codes(latents=torch.zeros(2, 8, 32, dtype=torch.bfloat16)), "latents", ((32,),), 32),
    ],
)
def test_forms(codes: Codes, form: str, grids: tuple[tuple[int, ...], ...], tokens: int) -> None:
    assert codes.form == form
    assert codes.batch_size == 2
    assert codes.grids == grids
    assert codes.tokens_per_image().dtype == torch.float64
    assert codes.tokens_per_image().tolist() == [tokens, tokens]


def test_payload_counts_bytes_an_image() -> None:
    codes = Codes(payload=(b"abc", b""))
    assert (codes.form, codes.batch_size, codes.grids) == ("payload", 2, ())
    assert codes.tokens_per_image().tolist() == [3, 0]
    assert codes.total_bits(info("codec")).tolist() == [24, 0]


def test_codes_are_frozen() -> None:
    codes = Codes(levels=(indices(1, 2, 2),))
    with pytest.raises(dataclasses.FrozenInstanceError):
        codes.levels = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "exactly one"),
        ({"levels": (indices(1, 2, 2),), "payload": (b"x",)}, "exactly one"),
        ({"levels": (indices(1, 2, 2),), "latents": torch.zeros(1, 4, 2, 2)}, "exactly one"),
        ({"levels": (indices(1, 2, 2).int(),)}, "int64"),
        ({"levels": (indices(3),)}, r"\[B,\*grid\]"),
        ({"levels": (torch.zeros(1, 2, 2),)}, "int64"),
        ({"bits": (indices(1, 2, 2, 8),)}, "bool"),
        ({"bits": (flags(1, 8),)}, r"\[B,\*grid,nbits\]"),
        ({"latents": indices(1, 4, 2, 2)}, "float"),
        ({"latents": torch.zeros(1, 4)}, r"\[B,C,\*grid\]"),
        ({"levels": (indices(1, 2), indices(2, 2))}, "batch sizes"),
        ({"payload": (b"x", b"y"), "bits_per_image": torch.zeros(3)}, "batch sizes"),
        ({"levels": (indices(1, 2),), "bits_per_image": torch.tensor(8.0)}, "bits_per_image"),
        ({"levels": indices(1, 2, 2)}, "tuple"),
        ({"bits": flags(2, 2, 2, 8)}, "tuple"),
        ({"payload": b"one string for the batch"}, "tuple"),
        ({"payload": ("text",)}, "bytes"),
    ],
)
def test_refusals(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Codes(**fields)  # type: ignore[arg-type]


def test_one_level_costs_log2_of_the_codebook_a_token() -> None:
    codes = Codes(levels=(indices(3, 16, 16),))
    assert codes.total_bits(info(codebook_sizes=(16384,))).tolist() == [256 * 14] * 3
    odd = codes.total_bits(info(codebook_sizes=(1000,)))
    assert odd[0].item() == pytest.approx(256 * math.log2(1000), rel=1e-15)


def test_var_has_680_tokens_of_12_bits() -> None:
    codes = Codes(levels=tuple(indices(1, side, side) for side in VAR_SIDES))
    tokenizer = info(codebook_sizes=(4096,) * len(VAR_SIDES), shared_codebook=True)
    assert codes.tokens_per_image().item() == 680
    assert codes.total_bits(tokenizer).item() == 680 * 12
    assert codes.total_bits(tokenizer).item() / 256**2 == pytest.approx(0.1245, abs=1e-4)


def test_infinity_bits_cannot_be_enumerated_but_are_counted() -> None:
    codes = Codes(bits=tuple(flags(1, side, side, 32) for side in INFINITY_SIDES))
    tokenizer = info(codebook_sizes=(2**32,) * len(INFINITY_SIDES), shared_codebook=True)
    assert codes.tokens_per_image().item() == 10_521
    assert codes.total_bits(tokenizer).item() == 10_521 * 32
    assert sum(tokenizer.bits_per_token) == 32 * len(INFINITY_SIDES)


def test_f8c16_latents_in_half_precision_are_four_bits_a_pixel() -> None:
    codes = Codes(latents=torch.zeros(2, 16, 128, 128))
    assert (codes.total_bits(info("continuous")) / 1024**2).tolist() == [4, 4]
    assert (codes.total_bits(info("continuous", latent_bits=8.0)) / 1024**2).tolist() == [2, 2]


def test_exact_bits_win_over_the_form() -> None:
    known = torch.tensor([100, 7], dtype=torch.int32)
    codes = Codes(payload=(b"xxx", b"y"), bits_per_image=known)
    assert codes.total_bits(info("codec")).tolist() == [100, 7]
    assert codes.total_bits(info("codec")).dtype == torch.float64


def test_a_level_without_a_codebook_size_is_told() -> None:
    codes = Codes(levels=(indices(1, 2, 2), indices(1, 4, 4)))
    with pytest.raises(ValueError, match=r"2 levels.*1 codebook"):
        codes.total_bits(info(codebook_sizes=(16,)))


@pytest.mark.parametrize(
    "codes",
    [
        Codes(levels=(torch.arange(12).view(3, 4), torch.arange(3).view(3, 1))),
        Codes(bits=(torch.arange(12).view(3, 2, 2) % 2 == 0,), image_size=(8, 9)),
        Codes(latents=torch.arange(24.0).view(3, 2, 4)),
        Codes(payload=(b"a", b"bc", b""), bits_per_image=torch.tensor([8.0, 16.0, 0.0], dtype=torch.float64)),
    ],
    ids=lambda codes: codes.form,
)
def test_codes_of_single_images_join_to_those_of_the_batch(codes: Codes) -> None:
    joined = Codes.joined([codes.select([at]) for at in range(3)])
    for field in ("levels", "bits", "payload", "image_size"):
        assert str(getattr(joined, field)) == str(getattr(codes, field))
    for field in ("latents", "bits_per_image"):
        one, other = getattr(joined, field), getattr(codes, field)
        assert (one is None and other is None) or torch.equal(one, other)
