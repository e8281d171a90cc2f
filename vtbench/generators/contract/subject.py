"""A generator under examination: what it is asked for, and one way to call whatever it is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition, SampleFailure
from vtbench.core.foreign.guard import foreign
from vtbench.core.foreign.returned import in_words
from vtbench.core.seeds import sample_seed
from vtbench.generators.contract.drawn_images import drawn_images
from vtbench.generators.protocols import PerSampleGenerator

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.info import GeneratorInfo

_PROMPTS = ("a red apple on a white table", "a blue bicycle beside a brick wall")


@dataclass(frozen=True, eq=False)
class Subject:
    """The generator on its device."""

    generator: Any
    info: GeneratorInfo
    _calls: Iterator[int] = field(default_factory=itertools.count)

    @property
    def has_codes(self) -> bool:
        """Whether its codes and their tokenizer are within reach."""
        return hasattr(self.generator, "sample_codes")

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        """``float32 [B,3,H,W]`` on the CPU.

        Raises:
            TypeError: what came back are no float images, or no ``uint8`` images one by one.
            ValueError: another number of them, or a failure.
        """
        import torch

        from vtbench.core.pixels import to_unit

        if not isinstance(self.generator, PerSampleGenerator):
            images: Any = self._call("sample", conditions, seeds.clone())
            if not isinstance(images, torch.Tensor) or not images.is_floating_point():
                raise TypeError(f"sample returned {in_words(images)}, not float images")
            return images.float().cpu()
        names = [f"{seed:x}" for seed in seeds.tolist()]
        results = self._call("sample_each", conditions, seeds.clone(), names)
        if len(results) != len(conditions):
            raise ValueError(f"sample_each returned {len(results)} results for {len(conditions)} conditions")
        return torch.stack([_unit(result, to_unit) for result in results]).cpu()

    def codes(self, conditions: Sequence[Condition], seeds: Tensor) -> Codes:
        """Of a generator that has them."""
        codes = self._call("sample_codes", conditions, seeds.clone())
        if not isinstance(codes, Codes):
            raise TypeError(f"sample_codes returned {in_words(codes)}, not Codes")
        return codes

    def _call(self, method: str, *given: Any) -> Any:
        """One call as a run makes it, except that random streams go on from call to call: a generator that draws
        without the seeds it was given must show."""
        import torch

        with foreign(f"{self.info.name}: {method}", seed=next(self._calls)), torch.inference_mode():
            return getattr(self.generator, method)(*given)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What most checks look at: images 0 and 2 share a condition, and differ in their seeds.

    Attributes:
        images: ``float32 [3,3,H,W]`` on the CPU.
        codes: those of the images, where the generator has codes.
    """

    conditions: tuple[Condition, Condition, Condition]
    seeds: Tensor
    images: Tensor
    codes: Codes | None


def collect(subject: Subject) -> Evidence:
    """Three samples, of seeds as large as those of a run: 63 bits."""
    import torch

    first, second = _two_conditions(subject.info)
    conditions = (first, second, first)
    seeds = torch.tensor([sample_seed(0, f"doctor {index}") | 1 << 62 for index in range(3)], dtype=torch.int64)
    images = subject.sample(conditions, seeds)
    return Evidence(conditions, seeds, images, subject.codes(conditions, seeds) if subject.has_codes else None)


def _two_conditions(info: GeneratorInfo) -> tuple[Condition, Condition]:
    """The first and the last class, or two prompts, beside the same images; two sets of images, or nothing twice."""
    images = drawn_images(info.images, info.native_size, 0)
    if info.conditions == "prompt":
        return Condition(prompt=_PROMPTS[0], images=images), Condition(prompt=_PROMPTS[1], images=images)
    if info.conditions == "none":
        return Condition(images=images), Condition(images=drawn_images(info.images, info.native_size, 1))
    return Condition(label=0, images=images), Condition(label=(info.classes or 2) - 1, images=images)


def _unit(result: Any, to_unit: Any) -> Tensor:
    import torch

    if isinstance(result, SampleFailure):
        raise ValueError(f"sample {result.id} failed: {result.message}")
    if not isinstance(result, torch.Tensor) or not (result.is_floating_point() or result.dtype == torch.uint8):
        raise TypeError(f"sample_each returned {getattr(result, 'dtype', type(result).__name__)}, not uint8 or float")
    image: Tensor = result.float() if result.is_floating_point() else to_unit(result)
    return image
