"""Optional contracts of generators, beside :class:`~vtbench.core.contracts.Generator`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from vtbench.core.errors import SampleError

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.codes import Codes
    from vtbench.core.contracts import CodeGenerator, Condition, ImageDataset, SampleFailure
    from vtbench.core.info import GeneratorInfo, TokenizerInfo
    from vtbench.data.clouds.contract import CloudSet
    from vtbench.data.conditions import ConditionSet
    from vtbench.data.maps.folder import MapFolder


@runtime_checkable
class PerSampleGenerator(Protocol):
    """A generator of which some samples may fail, or differ in size. Used instead of ``sample`` where it is there.

    Optional: ``batched = True`` asks for batches as large as the run's; without it, a block comes at once, as suits a
    program that is slow to start.
    """

    info: GeneratorInfo

    def sample_each(
        self, conditions: Sequence[Condition], seeds: Tensor, ids: Sequence[str]
    ) -> Sequence[Tensor | SampleFailure]:
        """``B`` conditions, ``int64 [B]`` seeds and ``B`` ids to one result each, in order.

        A result is ``float32 [3,H,W]`` around [0, 1], ``uint8 [3,H,W]`` (an image at rest, taken as it is), or a
        failure of stage ``model``.
        """


def sampled_together(generator: PerSampleGenerator, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
    """What ``sample`` of such a generator is: ``float32 [B,3,H,W]``, where every sample was made.

    Raises:
        SampleError: a sample failed, or sizes differ; ``sample_each`` keeps the others.
    """
    import torch

    from vtbench.core.contracts import SampleFailure
    from vtbench.core.pixels import to_unit

    name, images = generator.info.name, []
    for result in generator.sample_each(conditions, seeds, [f"{index:06d}" for index in range(len(conditions))]):
        if isinstance(result, SampleFailure):
            raise SampleError(f"{name}: sample {result.id}: {result.message}")
        images.append(result if result.is_floating_point() else to_unit(result))
    if len({image.shape for image in images}) > 1:
        raise SampleError(f"{name}: images of one batch differ in size")
    return torch.stack(images)


@runtime_checkable
class FinishingGenerator(Protocol):
    """A generator of codes that does more than decode them: its images are resized, or its decoder draws numbers."""

    def images(self, codes: Codes, seeds: Tensor) -> Tensor:
        """Codes and the seeds ``int64 [B]`` that they were sampled with to what ``sample`` returns."""


def images_of(generator: CodeGenerator, codes: Codes, seeds: Tensor) -> Tensor:
    """Codes of a generator, and the seeds ``int64 [B]`` that they were sampled with, to its images ``[B,3,H,W]``."""
    if isinstance(generator, FinishingGenerator):
        return generator.images(codes, seeds)
    return generator.tokenizer.decode(codes)


def drawn_levels(generator: CodeGenerator) -> TokenizerInfo:
    """What a generator's codes are of: its tokenizer's levels, or as many of the first ones as its optional
    ``levels_drawn`` says."""
    info = generator.tokenizer.info
    drawn: int | None = getattr(generator, "levels_drawn", None)
    return info if drawn is None else replace(info, codebook_sizes=info.codebook_sizes[:drawn])


@runtime_checkable
class LikelihoodGenerator(Protocol):
    """A generator of codes that tells how likely given codes are.

    Images are encoded by its ``tokenizer``, at the side that its optional ``encoded_size`` (pixels) names: else at
    that of a tokenizer of fixed size, else at ``info.native_size``, else as they are. A class-conditional one with
    ``null_condition = True`` takes conditions that hold nothing too: its network without a class.
    """

    def log_likelihood(self, conditions: Sequence[Condition], codes: Codes) -> Tensor:
        """``B`` conditions and codes of ``B`` images to ``float64 [B,N]``: the natural logarithm of the probability of
        each token, given its condition and the tokens before it, without the sampler's guidance and filters.

        ``N`` is the tokens of an image over all levels, sub-codes of one position being one token. Of byte strings of
        several lengths it is the longest; behind the end of a shorter one stand zeros."""


@runtime_checkable
class PixelLikelihoodGenerator(Protocol):
    """A generator that tells the exact probability of an image's 8-bit RGB values. One of codes, of a palette or of
    continuous values has none: a bound or a density is no such probability."""

    def pixel_log_likelihood(self, conditions: Sequence[Condition], images: Tensor) -> Tensor:
        """``B`` conditions and ``uint8 [B,3,H,W]`` to ``float64 [B]``: the natural logarithm of each image's
        probability, over all images of its size."""


@runtime_checkable
class PremadeSamples(Protocol):
    """Samples that are there already. A run scores exactly these, and asks for nothing else.

    Attributes:
        images: the samples.
        conditions: what each was made from; ``conditions.ids`` equals ``images.ids``.
    """

    info: GeneratorInfo
    images: ImageDataset
    conditions: ConditionSet


@runtime_checkable
class PremadeClouds(Protocol):
    """Point clouds that are there already, of tasks of shapes.

    Attributes:
        clouds: the samples.
    """

    info: GeneratorInfo
    clouds: CloudSet


@runtime_checkable
class PremadeMaps(Protocol):
    """Maps that are there already, of tasks of maps.

    Attributes:
        maps: the predictions.
    """

    info: GeneratorInfo
    maps: MapFolder
