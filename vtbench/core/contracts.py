"""The contracts: structural types, so that an adapter needs no base class of ours.

Images at rest are ``uint8 [B,3,H,W]`` RGB; images in models are ``float32 [B,3,H,W]`` in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from vtbench.core.condition_images import NO_IMAGES, ConditionImages
from vtbench.core.costs import ModelCost as ModelCost
from vtbench.core.costs import SamplingCost as SamplingCost
from vtbench.core.errors import SampleError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

    from vtbench.core.codes import Codes
    from vtbench.core.info import GeneratorInfo, MetricInfo, TokenizerInfo


@runtime_checkable
class Tokenizer(Protocol):
    """Images to codes and back.

    A tokenizer with ``info.stochastic`` takes one more keyword in both methods, ``seeds: int64 [B]``, and its output
    for an image may depend on that image's seed only. Optional: ``to(device=, dtype=)``, called once before use;
    without it the tokenizer is taken to follow its input's device and runs in float32 only. ``concurrent = True`` where
    several threads may call it at once: on a CPU it is then given an image at a time.

    One of video says so by ``info.video``. It is given clips, ``float32 [B,T,3,H,W]``, and gives clips of the same
    shape; its grids of codes may have an axis of time in front. What is said of an image holds for a clip.
    """

    info: TokenizerInfo

    def encode(self, images: Tensor) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to codes."""

    def decode(self, codes: Codes) -> Tensor:
        """Codes to ``float32 [B,3,H,W]`` of the size that was encoded; may leave [0, 1]."""


@runtime_checkable
class CodebookTokenizer(Tokenizer, Protocol):
    """A tokenizer of indices that shows its codebooks: which entries are near one another is then known."""

    def codebook(self, level: int) -> Tensor | None:
        """``float [K,D]``: the entries of a level as its quantiser compares them, of unit length where it compares
        directions; ``None`` where there is none to enumerate (bits, latents)."""


@runtime_checkable
class Reconstructor(Protocol):
    """Images to images, where codes are out of reach (a closed API, a folder of results)."""

    info: TokenizerInfo

    def reconstruct(self, images: Tensor) -> Tensor:
        """``float32 [B,3,H,W]`` in [0, 1] to the same shape; may leave [0, 1]."""


@dataclass(frozen=True)
class Condition:
    """What one image is generated from: a class label, a prompt, images, or nothing.

    Attributes:
        label: class index, from 0.
        prompt: text, as it was given.
        metadata: what a prompt list says about the prompt beside its text (GenEval's ``tag``, ``include`` …).
        images: from a role (``source``, ``mask``, ``control``, ``subject`` …) to a tuple of ``uint8 [3,H,W]``. Any
            mapping from a role to a tensor, or to several, is taken, and becomes a frozen
            :class:`~vtbench.core.condition_images.ConditionImages`.
    """

    label: int | None = None
    prompt: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, compare=False)
    images: Mapping[str, Any] = NO_IMAGES

    def __post_init__(self) -> None:
        if not isinstance(self.images, ConditionImages):
            object.__setattr__(self, "images", ConditionImages(self.images))

    @property
    def image_digests(self) -> dict[str, tuple[str, ...]]:
        """Of its images, by role; empty without images."""
        assert isinstance(self.images, ConditionImages)
        return self.images.digests

    def image(self, role: str) -> Tensor:
        """``uint8 [3,H,W]``: the one image of a role.

        Raises:
            SampleError: none or several have it, or it cannot be read.
        """
        found: tuple[Tensor, ...] = self.images.get(role, ())
        if len(found) != 1:
            raise SampleError(f"a condition has {len(found) or 'no'} images as {role}, where one is needed")
        return found[0]

    def of_roles(self, roles: Collection[str]) -> Condition:
        """The same with the images of some roles only; this one where it has no others."""
        assert isinstance(self.images, ConditionImages)
        images = self.images.of_roles(roles)
        return self if images is self.images else replace(self, images=images)

    def opened(self) -> Condition:
        """An equal condition whose images are in memory; this one where they are.

        Raises:
            SampleError: one cannot be read.
        """
        assert isinstance(self.images, ConditionImages)
        images = self.images.opened()
        return self if images is self.images else replace(self, images=images)


@runtime_checkable
class Generator(Protocol):
    """Conditions and seeds to images.

    An image depends on its own condition and seed and on the sampler settings in ``info.sampler``, never on the
    images sampled beside it. Optional: ``to(device=, dtype=)``, as for a tokenizer; ``sampling_cost() ->``
    :class:`SamplingCost` ``| None`` of the call of ``sample`` or ``sample_codes`` made last. One of video says so by
    ``info.video`` and samples clips, ``float32 [B,T,3,H,W]``.
    """

    info: GeneratorInfo

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        """``B`` conditions and ``int64 [B]`` seeds to ``float32 [B,3,H,W]`` around [0, 1]; may leave the range."""


@runtime_checkable
class CodeGenerator(Generator, Protocol):
    """A generator of codes, whose tokenizer turns them into images: the error of the two can be told apart.

    ``sample`` must equal ``tokenizer.decode(sample_codes(…))``. Where more follows than decoding, a resize or numbers
    drawn by the decoder, the generator has ``images(codes, seeds)``, and ``sample`` must equal that instead.
    """

    tokenizer: Tokenizer

    def sample_codes(self, conditions: Sequence[Condition], seeds: Tensor) -> Codes:
        """``B`` conditions and ``int64 [B]`` seeds to codes of :attr:`tokenizer`."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One image of a data set: a stable unique id, ``uint8 [3,H,W]`` RGB, and whatever truth belongs to it.

    Of a data set of videos the image is a clip, ``uint8 [T,3,H,W]``, with the same T for all.
    """

    id: str
    image: Tensor
    target: Any = None


class ImageDataset(Protocol):
    """Random access to images. ``ids`` is known without decoding anything; an image that cannot be decoded raises
    :class:`~vtbench.core.errors.SampleError` from ``__getitem__``. One of videos has ``frames``, T of its clips."""

    @property
    def ids(self) -> Sequence[str]:
        """Stable, unique names of the samples, in order."""

    @property
    def fingerprint(self) -> str:
        """Digest of the content, equal on every machine that holds the same data."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...


@dataclass(frozen=True, eq=False)
class Prepared:
    """One sample after preprocessing. Of a clip every tensor and rule has one more axis in front, T: ``[T,3,h,w]``.

    Attributes:
        model_input: ``uint8 [3,h,w]``, what the model is given.
        reference: ``uint8 [3,H,W]``, what its output is scored against.
        restore: ``uint8 [3,h,w] -> uint8 [3,H,W]``: undoes the preprocessing on the model's output, or ``None``
            where input and reference are the same pixels. Must be picklable.
        quantise: ``float32 [3,h,w] -> uint8 [3,h,w]``: how the model's output becomes pixels, or ``None`` for the one
            rounding rule of all but the compat tasks. Must be picklable.
    """

    id: str
    model_input: Tensor
    reference: Tensor
    restore: Callable[[Tensor], Tensor] | None = None
    target: Any = None
    quantise: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class SampleFailure:
    """A sample that could not be measured.

    Attributes:
        stage: ``decode``, ``preprocess``, ``model`` or ``metric``.
        message: why.
        of_model: whether it says anything of the model: an image that was made elsewhere and is missing or damaged
            does not.
    """

    id: str
    stage: str
    message: str
    of_model: bool = True


class ImageMetric(Protocol):
    """A full-reference score of image pairs; stateless. ``required_assets`` (a tuple of asset names) is optional."""

    info: MetricInfo

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any]) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``; NaN marks an image the metric does not apply to."""


class VideoMetric(Protocol):
    """A full-reference score of video pairs; stateless. ``required_assets`` (a tuple of asset names) is optional."""

    info: MetricInfo

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any]) -> Tensor:
        """``uint8 [B,T,3,H,W]`` twice to ``float64 [B]``; NaN marks a video the metric does not apply to."""


class PromptMetric(Protocol):
    """A score of an image against the prompt it was made from; stateless. ``required_assets`` is optional.

    Optional: ``cut(prompts) -> list[bool]``, the prompts that it does not read to their end; they are counted and told.
    """

    info: MetricInfo

    def __call__(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        """``uint8 [B,3,H,W]`` and ``B`` prompts to ``float64 [B]``."""


class ConditionMetric(Protocol):
    """A score of a generated image against what it was made from, or was to become: label, prompt, metadata, images.

    Images of a condition have been brought to the size of the samples by the task's preset. NaN marks an image that the
    metric does not apply to. ``required_assets`` is optional, and so are

    - ``roles: tuple[str, ...]``: of the images that it compares with; a task that asks for it names them;
    - ``aligned = True``: those are compared place by place; a sample of another size than they have fails, told;
    - ``any_role = True``: a parameter ``role`` of the constructor names another image than ``roles`` does;
    - ``of_groups = True``: a call is given all images that were made from one line of the list (several of one prompt),
      whatever the batch size;
    - ``columns: tuple[str, ...]``: what it leaves in ``samples.parquet`` where that is not one column of its own name;
      a call then gives ``float64 [B]`` by column, and ``fold(columns, groups)`` makes of the columns ``float64 [N]`` of
      the whole set, and of the numbers ``int64 [N]`` of the lines that they are of, one value a line, ``float64 [G]``;
      without it, it is the mean over the images of a line;
    - ``of_means(means)`` in place of ``fold``, where the value is no mean over lines: of the means of the columns over
      lines, ``float64 [R]`` by column (each line's columns are summed before), it makes ``float64 [R]`` values; it is
      asked for the value itself and for the resampled ones;
    - ``fields: tuple[str, ...]``: of the metadata of conditions, which the task names among its strata, and
      ``estimates(columns, lines, fields, params) -> {(metric, stratum): Estimate}`` where its values are no means over
      lines: of its columns, ``int64 [N]`` lines, the fields' values, and the parameters that the task gives;
    - ``check(condition)``, which raises ``UsageError`` of one that it can make nothing of, before anything is sampled,
      and ``check_available(params)``, which raises ``AssetMissingError`` where weights cannot be had.

    Functions of columns are static: scoring builds no network.

    The interval is over lines: images of one prompt are no independent draws.
    """

    info: MetricInfo

    def __call__(self, images: Tensor, conditions: Sequence[Condition]) -> Tensor | Mapping[str, Tensor]:
        """``uint8 [B,3,H,W]`` and ``B`` conditions to ``float64 [B]``."""


class BlockMetric(Protocol):
    """A score whose rows depend on the images beside them, or that folds several columns into one value.

    It is given all scored images of a block at once, whatever the batch size of the model.

    Attributes:
        columns: what it leaves in ``samples.parquet``.
    """

    info: MetricInfo
    columns: tuple[str, ...]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any]) -> Mapping[str, Tensor]:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]`` by column."""

    def rows(
        self, columns: Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The columns of the whole set to ``float64 [N]``, which ``info.aggregation`` makes one value of."""


@runtime_checkable
class PartedMetric(Protocol):
    """A block metric that also yields a value for each part of a whole, such as a band of frequencies."""

    def parts(
        self, columns: Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]
    ) -> Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]:
        """The columns of the whole set to ``float64 [N]`` by stratum, aggregated as ``info`` says."""


class FeatureExtractor(Protocol):
    """Images to feature vectors; owns its own resize. ``id`` = name + resize + weights fingerprint + dtype."""

    id: str

    def __call__(self, images: Tensor) -> Mapping[str, Tensor]:
        """``uint8 [B,3,H,W]`` to named ``float32 [B,D]``."""

    def to(self, *, device: torch.device) -> FeatureExtractor:
        """Move the network; returns itself."""


class Features(Protocol):
    """A matrix ``float32 [N,D]`` that may live on disk: walked in blocks, or picked by row."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(N, D)``."""

    def blocks(self) -> Iterator[np.ndarray[Any, np.dtype[np.float32]]]:
        """Consecutive row blocks, in order."""

    def rows(self, indices: Sequence[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The named rows, in the order asked for."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One value with its uncertainty: ``ci_method`` says how the 95 % interval was made (empty if there is none)."""

    value: float
    n: int
    ci_low: float | None = None
    ci_high: float | None = None
    ci_method: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


class FeatureMoments(Protocol):
    """All that some reference statistics keep of their features: number (0 where not known), mean and scatter."""

    @property
    def n(self) -> int:
        """Images behind them."""

    @property
    def mean(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """``[D]``."""

    @property
    def scatter(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """``[D,D]``: sum of outer products of deviations."""


class SetMetric(Protocol):
    """A score of two sets of features, in float64. One that looks at the predictions alone says so by a class
    attribute ``uses_references = False``; one that moments of the references do not suffice for, by
    ``needs_rows = True``, so that a reference without features is refused before anything is measured."""

    def __call__(self, predictions: Features, references: Features | FeatureMoments) -> Mapping[str, Estimate]:
        """Named estimates, e.g. ``{"precision": …, "recall": …}``.

        Raises:
            UsageError: sets too small, or moments where rows are needed.
        """
