"""The generator contract: it passes what is right, and each fault fails the check that is about it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition, SampleFailure, SamplingCost
from vtbench.core.info import GeneratorInfo, TokenizerInfo
from vtbench.generators.contract import check_generator
from vtbench.generators.elsewhere.command import CommandGenerator
from vtbench.generators.resolve import resolve_generator

SIDE = 8


class Tokens:
    """Eight by eight indices to gray pixels."""

    info = TokenizerInfo(name="gray", kind="discrete", codebook_sizes=(16,), downsample_factor=1)

    def encode(self, images: Tensor) -> Codes:
        return Codes(levels=((images.mean(1) * 15).round().long(),))

    def decode(self, codes: Codes) -> Tensor:
        return (codes.levels[0].float() / 15)[:, None].expand(-1, 3, -1, -1).clone()


class Right:
    """Indices drawn from the seed, and moved by the class."""

    tokenizer = Tokens()
    size = SIDE

    def __init__(self) -> None:
        self.info = GeneratorInfo(name="right", conditions="class", classes=5, native_size=self.size, sampler={"t": 1})

    def sample_codes(self, conditions: Sequence[Condition], seeds: Tensor) -> Codes:
        rows = [
            torch.randint(0, 16, (SIDE, SIDE), generator=torch.Generator().manual_seed(int(seed))) for seed in seeds
        ]
        labels = torch.tensor([condition.label for condition in conditions])
        return Codes(levels=((torch.stack(rows) + labels[:, None, None]) % 16,))

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        return self.tokenizer.decode(self.sample_codes(conditions, seeds))

    def sampling_cost(self) -> SamplingCost | None:
        return SamplingCost(forward_passes=1, tokens=64)


def failed(generator: Any) -> dict[str, str]:
    return {result.name: result.detail for result in check_generator(generator) if not result.passed}


def test_what_is_right_passes_every_check() -> None:
    results = check_generator(Right())
    assert [result.name for result in results] == [
        *("info", "sample", "shape", "finite", "range", "determinism", "seeds", "condition", "batch"),
        *("codes", "bounds", "cost"),
    ]
    assert all(result.passed for result in results), failed(Right())


def changed(**methods: Callable[..., Any]) -> Any:
    return type("Changed", (Right,), methods)()


def moved(change: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda self, conditions, seeds: change(Right().sample(conditions, seeds))


def other_class(self: Right, conditions: Sequence[Condition], seeds: Tensor) -> Codes:
    return Right().sample_codes([Condition(label=0)] * len(conditions), seeds)


def one_seed(self: Right, conditions: Sequence[Condition], seeds: Tensor) -> Codes:
    return Right().sample_codes(conditions, torch.zeros_like(seeds))


def one_stream(self: Right, conditions: Sequence[Condition], seeds: Tensor) -> Codes:
    """The usual mistake: one generator for the batch."""
    stream = torch.Generator().manual_seed(int(seeds[0]))
    labels = torch.tensor([condition.label for condition in conditions])
    indices = torch.randint(0, 16, (len(seeds), SIDE, SIDE), generator=stream)
    return Codes(levels=((indices + labels[:, None, None]) % 16,))


def unseeded(self: Right, conditions: Sequence[Condition], seeds: Tensor) -> Codes:
    return Codes(levels=(torch.randint(0, 16, (len(seeds), SIDE, SIDE)),))


def out_of_bounds(self: Right, conditions: Sequence[Condition], seeds: Tensor) -> Codes:
    (level,) = Right().sample_codes(conditions, seeds).levels
    return Codes(levels=(level + 1,))


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        ({"sample": moved(lambda images: images * 2 - 1)}, {"range", "codes"}),
        ({"sample": moved(lambda images: images * 255)}, {"range", "codes"}),
        ({"sample": moved(lambda images: images[..., :4])}, {"shape", "codes"}),
        ({"sample": moved(lambda images: images.flip(0))}, {"batch", "codes"}),
        ({"sample_codes": other_class}, {"condition"}),
        ({"sample_codes": one_seed}, {"seeds"}),
        ({"sample_codes": one_stream}, {"batch", "codes"}),
        ({"sample_codes": unseeded}, {"determinism", "batch", "codes"}),
        ({"sample_codes": out_of_bounds}, {"bounds"}),
        ({"tokenizer": None, "sample": moved(lambda images: images)}, {"codes", "bounds"}),
        ({"sampling_cost": lambda self: 3}, {"cost"}),
    ],
)
def test_a_fault_fails_the_check_that_is_about_it(fault: dict[str, Any], names: set[str]) -> None:
    assert failed(changed(**fault)).keys() == names


def test_nothing_can_be_said_of_nan_but_that_it_is_there() -> None:
    found = failed(changed(sample=moved(lambda images: images / 0)))
    assert {"finite", "range"} <= found.keys()


def test_two_requests_of_determinism_are_told_apart_from_the_global_state() -> None:
    """It is deterministic for as long as nobody touches the global state between two calls."""

    def from_global(self: Right, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        state = torch.get_rng_state()
        noise = torch.rand(len(seeds), 3, SIDE, SIDE)
        torch.set_rng_state(state)
        return noise

    assert "determinism" in failed(changed(sample=from_global))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"sample": lambda self, conditions, seeds: np.zeros((3, 3, 8, 8))}, "not float images"),
        ({"sample": lambda self, conditions, seeds: torch.zeros(3, 3, 8, 8, dtype=torch.uint8)}, "not float images"),
        ({"sample": lambda self, conditions, seeds: 1 / 0}, "ZeroDivisionError"),
        ({"sample_codes": lambda self, conditions, seeds: None}, "attribute"),
    ],
)
def test_one_that_cannot_sample(fault: dict[str, Any], message: str) -> None:
    found = failed(changed(**fault))
    assert list(found) == ["sample"] and message in found["sample"]


def test_info_is_looked_at_first() -> None:
    assert [result.name for result in check_generator(object())] == ["info"]
    wrong = Right()
    wrong.info = GeneratorInfo(name="wrong", conditions="class", classes=5, sampler={"t": {1, 2}})
    assert "JSON" in failed(wrong)["info"]
    wrong.info = GeneratorInfo(name="wrong", conditions="none", classes=5)
    assert "conditioned on none" in check_generator(wrong)[0].detail


def test_the_last_class_is_asked_for() -> None:
    asked: list[int | None] = []

    def sample(self: Right, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        asked.extend(condition.label for condition in conditions)
        return Right().sample(conditions, seeds)

    failed(changed(sample=sample))
    assert set(asked) == {0, 4}


def test_a_program_passes(tmp_path: Path) -> None:
    program = tmp_path / "noise.py"
    program.write_text(
        "import json, random, sys\nfrom PIL import Image\n"
        "for line in sys.stdin:\n"
        "    r = json.loads(line)\n"
        "    data = random.Random(f\"{r['label']} {r['seed']}\").randbytes(8 * 8 * 3)\n"
        "    Image.frombytes('RGB', (8, 8), data).save(r['output'])\n"
    )
    generator = CommandGenerator(f"{sys.executable} {program}", native_size=8, work=str(tmp_path / "work"), keep=False)
    assert not failed(generator)
    results: list[Any] = [SampleFailure("x", "model", "no image")] * 3
    generator.sample_each = lambda conditions, seeds, ids: results  # type: ignore[method-assign]
    assert "no image" in failed(generator)["sample"]


def test_samples_made_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "samples.npz"
    np.savez(path, np.zeros((2, 4, 4, 3), np.uint8))
    generator = resolve_generator(f"npz,path={path}")
    assert [(result.name, result.passed) for result in check_generator(generator)] == [
        ("info", True),
        ("ids", True),
        ("images", True),
        ("fingerprint", True),
    ]
    generator.conditions = generator.conditions.subset(1)
    assert "other ids" in failed(generator)["ids"]


def test_the_embedded_generator_passes() -> None:
    assert not failed(resolve_generator("tiny-ar"))


def uniform(self: Right, conditions: Sequence[Condition], images: Tensor) -> Tensor:
    return torch.full((len(images),), -images[0].numel() * math.log(256), dtype=torch.float64)


def beside_others(self: Right, conditions: Sequence[Condition], images: Tensor) -> Tensor:
    return uniform(self, conditions, images) * len(images)


def density(self: Right, conditions: Sequence[Condition], images: Tensor) -> Tensor:
    return -uniform(self, conditions, images)


def test_a_likelihood_of_pixels_is_examined() -> None:
    found = {result.name: result for result in check_generator(changed(pixel_log_likelihood=uniform))}
    assert found["pixel_likelihood"].passed
    assert found["pixel_likelihood"].detail == "8.000 bits a dimension; alone within 0 of the batch"
    for fault in (beside_others, density):
        assert set(failed(changed(pixel_log_likelihood=fault))) == {"pixel_likelihood"}
