"""Every check of the adapter contract fails on a tokenizer broken in that one way, and only there where it can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.info import TokenizerInfo
from vtbench.tokenizers.contract import CheckResult, check_tokenizer
from vtbench.tokenizers.contract.subject import photographs

LEVELS = 16
INFO = TokenizerInfo(name="sound", kind="discrete", codebook_sizes=(LEVELS,) * 3, downsample_factor=1)


class Sound:
    """One level a colour channel, sixteen shades each: nothing is wrong with it."""

    info = INFO

    def encode(self, images: Tensor) -> Codes:
        shades = (images * (LEVELS - 1)).round().long().clamp(0, LEVELS - 1)
        return Codes(levels=tuple(shades.unbind(1)), image_size=(images.shape[-2], images.shape[-1]))

    def decode(self, codes: Codes) -> Tensor:
        return torch.stack(codes.levels, 1).float() / (LEVELS - 1)


def after_decode(change: Callable[[Tensor], Tensor]) -> type[Sound]:
    class Broken(Sound):
        def decode(self, codes: Codes) -> Tensor:
            return change(super().decode(codes))

    return Broken


def after_encode(change: Callable[[Codes], Codes]) -> type[Sound]:
    class Broken(Sound):
        def encode(self, images: Tensor) -> Codes:
            return change(super().encode(images))

        def decode(self, codes: Codes) -> Tensor:
            return super().decode(codes) if codes.levels else torch.full((codes.batch_size, 3, *codes.image_size), 0.4)

    return Broken


def declared(**changes: Any) -> type[Sound]:
    class Broken(Sound):
        info = replace(INFO, **changes)

    return Broken


def one_nan(images: Tensor) -> Tensor:
    images[0, 0, 0, 0] = torch.nan
    return images


def only_multiples_of_8(images: Tensor) -> Tensor:
    return images[..., : images.shape[-2] // 8 * 8, : images.shape[-1] // 8 * 8]


def out_of_bounds(codes: Codes) -> Codes:
    first = codes.levels[0].clone()
    first[0, 0, 0] = LEVELS
    return replace(codes, levels=(first, *codes.levels[1:]))


class Noisy(Sound):
    def decode(self, codes: Codes) -> Tensor:
        return super().decode(codes) + 0.01 * torch.rand(1)


class NoisyCodes(Sound):
    """Its pixels repeat, its codes do not."""

    info = replace(INFO, codebook_sizes=(LEVELS,) * 4)

    def encode(self, images: Tensor) -> Codes:
        codes = super().encode(images)
        return replace(codes, levels=(*codes.levels, torch.randint(0, LEVELS, codes.levels[0].shape)))

    def decode(self, codes: Codes) -> Tensor:
        return super().decode(replace(codes, levels=codes.levels[:3]))


class BatchNormalised(Sound):
    def decode(self, codes: Codes) -> Tensor:
        images = super().decode(codes)
        return images - 0.1 * images.mean()


class BatchStretched(Sound):
    """Codes use the full range of the batch."""

    def encode(self, images: Tensor) -> Codes:
        return super().encode(images / images.max() * 0.5 + 0.5 * images.mean())


class InPlace(Sound):
    def encode(self, images: Tensor) -> Codes:
        codes = super().encode(images)
        images.mul_(2).sub_(1)
        return codes


class Bits(Sound):
    info = replace(INFO, codebook_sizes=(2**8,))

    def encode(self, images: Tensor) -> Codes:
        shades = torch.stack(super().encode(images).levels, -1)
        planes = torch.stack([shades >> bit & 1 for bit in range(4)], -1).flatten(-2).bool()
        return Codes(bits=(planes,), image_size=(images.shape[-2], images.shape[-1]))

    def decode(self, codes: Codes) -> Tensor:
        weights = torch.tensor([1, 2, 4, 8])
        shades = (codes.bits[0].unflatten(-1, (3, 4)) * weights).sum(-1)
        return shades.permute(0, 3, 1, 2).float() / (LEVELS - 1)


def showing(rows: Tensor) -> type[Sound]:
    class Open(Sound):
        def codebook(self, level: int) -> Tensor:
            return rows

    return Open


SHADES = torch.linspace(0, 1, LEVELS)[:, None]
SHUFFLED = torch.tensor([2.0, 8, 13, 11, 4, 0, 15, 10, 5, 6, 14, 7, 9, 12, 1, 3])[:, None]
"""Of another order than the shades: the nearest other row is 9.2 shades away on average (RMS), the farthest 5.0."""


def latents(codes: Codes) -> Codes:
    return Codes(latents=torch.zeros(codes.batch_size, 1, *codes.image_size), image_size=codes.image_size)


def too_many_bits(codes: Codes) -> Codes:
    return replace(codes, bits_per_image=torch.full((codes.batch_size,), 1e9, dtype=torch.float64))


def no_bits(codes: Codes) -> Codes:
    return replace(codes, bits_per_image=torch.zeros(codes.batch_size, dtype=torch.float64))


BROKEN: list[tuple[str, type, str]] = [
    ("info", declared(kind="continuous"), "continuous, codebook sizes [16, 16, 16]"),
    ("info", declared(codebook_sizes=()), "discrete, codebook sizes []"),
    ("round_trip", after_decode(lambda images: images[:, :1]), "came back as"),
    ("round_trip", after_encode(lambda codes: codes.levels), "not Codes"),
    ("shape", after_decode(only_multiples_of_8), "61x69 came back as torch.float32 [1, 3, 56, 64]"),
    ("shape", after_decode(lambda images: (images * 255).byte()), "torch.uint8"),
    ("finite", after_decode(one_nan), "1 of"),
    ("range", after_decode(lambda images: images * 2 - 1), "images are [0, 1] on both sides"),
    ("range", after_decode(lambda images: images * 255), "within [-0.5, 1.5]"),
    ("alignment", after_decode(lambda images: images.flip(1)), "red and blue swapped"),
    ("alignment", after_decode(lambda images: images.flip(-1)), "mirrored"),
    ("alignment", after_decode(lambda images: images.flip(-2)), "upside down"),
    ("alignment", after_decode(lambda images: images.transpose(-1, -2).reshape(images.shape)), "transposed"),
    ("determinism", Noisy, "largest pixel difference"),
    ("determinism", NoisyCodes, "difference 0; codes differ"),
    ("batch", BatchNormalised, "pixels within 0."),
    ("batch", BatchStretched, "of codes equal"),
    ("input", InPlace, "changed in place"),
    ("form", after_encode(latents), "latents from a discrete tokenizer"),
    ("levels", declared(codebook_sizes=(LEVELS,)), "3 levels, 1 codebook sizes declared"),
    ("bounds", after_encode(out_of_bounds), "level 0: indices 0 to 16, codebook of 16"),
    ("bounds", Bits, "12 bits, codebook of 256"),
    ("grid", declared(downsample_factor=2), "(32, 32) due"),
    ("bits", after_encode(too_many_bits), "1000000000 to"),
    ("bits", after_encode(no_bits), "0 to 0 bits"),
    ("codebook", showing(SHADES[1:]), "shapes [[15, 1], [15, 1], [15, 1]]"),
    ("codebook", showing(SHADES.clone().fill_(float("nan"))), "finite: False"),
    ("codebook", showing(SHUFFLED), "the farthest"),
]


def failures(results: list[CheckResult]) -> dict[str, str]:
    return {result.name: result.detail for result in results if not result.passed}


def test_a_sound_tokenizer_passes_every_check_that_can_fail() -> None:
    assert failures(check_tokenizer(showing(SHADES)())) == {}
    results = check_tokenizer(Sound())
    assert failures(results) == {}
    assert {name for name, _, _ in BROKEN} == {result.name for result in results}
    assert all(result.detail and "\n" not in result.detail for result in results)


@pytest.mark.parametrize(("check", "broken", "told"), BROKEN)
def test_a_broken_tokenizer_is_found(check: str, broken: type, told: str) -> None:
    failed = failures(check_tokenizer(broken()))
    assert check in failed
    assert told in failed[check]


def test_what_random_weights_return_is_not_held_against_the_photographs() -> None:
    class Untrained(Sound):
        info = replace(INFO, revision="random-0")

        def decode(self, codes: Codes) -> Tensor:
            return super().decode(codes).flip(-1) * 2 - 1

    results = {result.name: result for result in check_tokenizer(Untrained())}
    assert failures(list(results.values())) == {}
    assert all("not judged" in results[name].detail for name in ("range", "alignment"))
    Untrained.info = replace(INFO, revision="1")
    assert {"range", "alignment"} <= set(failures(check_tokenizer(Untrained())))


def test_a_bit_code_passes_when_it_is_declared_right() -> None:
    class Right(Bits):
        info = replace(Bits.info, codebook_sizes=(2**12,))

    assert failures(check_tokenizer(Right())) == {}


class Copy:
    """A reconstructor."""

    info = TokenizerInfo(name="copy", kind="continuous")

    def reconstruct(self, images: Tensor) -> Tensor:
        return images


def test_a_reconstructor_gets_the_checks_that_apply() -> None:
    results = check_tokenizer(Copy())
    assert failures(results) == {}
    names = {result.name for result in results}
    assert {"shape", "range", "determinism", "batch", "input"} <= names
    assert not names & {"form", "levels", "bounds", "grid", "bits"}


def test_a_broken_reconstructor_is_found() -> None:
    class Broken(Copy):
        def reconstruct(self, images: Tensor) -> Tensor:
            return images * 2 - images.mean()

    assert "batch" in failures(check_tokenizer(Broken()))


def test_a_fixed_size_model_is_only_run_at_its_size() -> None:
    class Fixed(Sound):
        info = replace(INFO, native_size=48, fixed_size=True)

        def encode(self, images: Tensor) -> Codes:
            if images.shape[-2:] != (48, 48):
                raise ValueError(f"got {list(images.shape)}")
            return super().encode(images)

    assert failures(check_tokenizer(Fixed())) == {}


class Seeded(Sound):
    info = replace(INFO, stochastic=True)

    def encode(self, images: Tensor, *, seeds: Tensor) -> Codes:
        return super().encode(images)

    def decode(self, codes: Codes, *, seeds: Tensor) -> Tensor:
        noise = [torch.rand(3, *codes.image_size, generator=self.generator(int(seed))) for seed in seeds]
        return super().decode(codes) + 0.1 * torch.stack(noise)

    def generator(self, seed: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed)


def test_a_stochastic_tokenizer_is_judged_with_equal_seeds() -> None:
    assert failures(check_tokenizer(Seeded())) == {}


def test_randomness_that_ignores_the_seed_is_found() -> None:
    class Careless(Seeded):
        shared = torch.Generator().manual_seed(0)

        def generator(self, seed: int) -> torch.Generator:
            return self.shared

    assert {"determinism", "batch"} <= set(failures(check_tokenizer(Careless())))


def test_any_exception_becomes_one_line() -> None:
    class Raises(Sound):
        def encode(self, images: Tensor) -> Codes:
            raise KeyError("weights\nsecond line")

    class OddSizesRaise(Sound):
        def encode(self, images: Tensor) -> Codes:
            if images.shape[-1] % 2:
                raise RuntimeError("sides must be even")
            return super().encode(images)

    assert failures(check_tokenizer(Raises()))["round_trip"].startswith("KeyError: ")
    assert failures(check_tokenizer(OddSizesRaise())) == {"shape": "RuntimeError: sides must be even"}


def test_no_info() -> None:
    assert failures(check_tokenizer(object())) == {"info": "info is NoneType, not TokenizerInfo"}


def test_it_is_moved_to_the_device_in_float32() -> None:
    class Moving(Sound):
        moved: tuple[Any, ...] = ()

        def to(self, *, device: torch.device, dtype: torch.dtype) -> Moving:
            self.moved = (device.type, dtype)
            return self

    tokenizer = Moving()
    check_tokenizer(tokenizer)
    assert tokenizer.moved == ("cpu", torch.float32)


@pytest.mark.parametrize("size", [(64, 64), (61, 90), (300, 300)])
def test_photographs_have_the_size_asked_for(size: tuple[int, int]) -> None:
    images = photographs(3, *size)
    assert images.shape == (3, 3, *size)
    assert float(images.min()) >= 0 and float(images.max()) <= 1
    assert float(images.std()) > 0.1 and not torch.equal(images[0], images[1])
