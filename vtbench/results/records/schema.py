"""The sections of a record: frozen pydantic models with a line a field. No section knows how it came to be."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from vtbench.core.info import ConditionKind, TokenizerKind
from vtbench.results.records.strict_json import plain

Status = Literal["complete", "partial", "limited"]
ModelKind = Literal[TokenizerKind, "generator"]
FreeForm = Annotated[dict[str, Any], BeforeValidator(plain)]
Number = Annotated[float, BeforeValidator(plain)]
Count = Annotated[int, BeforeValidator(plain), Field(ge=0)]
Numbers = Annotated[dict[str, float], BeforeValidator(plain)]
Texts = Annotated[dict[str, str], BeforeValidator(lambda texts: dict(sorted(dict(texts).items())))]
Size = tuple[int, int]


class Section(BaseModel):
    """Base of every section: frozen, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MetricResult(Section):
    """One metric over one stratum of the samples."""

    metric: str = Field(description="fixed public name of the metric")
    stratum: str = Field(default="all", description="'all', or a named part of the samples, or of the spectrum")
    value: Number = Field(description="the value; inf where that is the truth (PSNR of a perfect copy)")
    n: Count = Field(description="samples that entered the value")
    ci_low: Number | None = Field(default=None, description="lower end of the interval; none if there is none")
    ci_high: Number | None = Field(default=None, description="upper end of the interval; none if there is none")
    ci_method: str = Field(default="", description="how the interval was made, with its level; empty if there is none")
    unit: str = Field(default="", description="unit; empty for a plain ratio")
    higher_is_better: bool | None = Field(default=None, description="direction; none where neither is better")
    version: int = Field(
        default=1, ge=1, description="version of the metric; raised when its value for one input changes"
    )
    details: FreeForm = Field(default_factory=dict, description="parameters and counts behind the value")

    @model_validator(mode="before")
    @classmethod
    def _take_an_undefined_interval_as_none(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        ends = [plain(content.get("ci_low")), plain(content.get("ci_high"))]
        if all(isinstance(end, float) and math.isnan(end) for end in ends):
            return {**content, "ci_low": None, "ci_high": None, "ci_method": ""}
        return content

    @model_validator(mode="after")
    def _interval_is_whole_and_ordered(self) -> MetricResult:
        if (self.ci_low is None) != (self.ci_high is None):
            raise ValueError(f"{self.metric}: an interval needs both ends")
        if self.ci_low is not None and self.ci_high is not None and not self.ci_low <= self.ci_high:
            raise ValueError(f"{self.metric}: interval [{self.ci_low}, {self.ci_high}] is not ordered")
        return self


class ConfigSection(Section):
    """What was asked for, and what it came to after defaults."""

    given: FreeForm = Field(default_factory=dict, description="options as given")
    resolved: FreeForm = Field(default_factory=dict, description="every option as used")
    run: FreeForm = Field(default_factory=dict, description="the whole invocation, as a file of vtbench run --config")


class WeightSection(Section):
    """One file of weights."""

    name: str = Field(description="file or tensor-set name")
    sha256: str = Field(description="SHA-256, in hexadecimal")
    source: str = Field(default="", description="path, URL or hub id it came from")


class ModelSection(Section):
    """The model, as precisely as it can be named."""

    reference: str = Field(description="how the model was named, arguments included: 'jpeg,quality=10'")
    label: str = Field(description="how tables call it")
    name: str = Field(description="name the adapter gives itself")
    revision: str = Field(default="", description="version of the weights or code")
    kind: ModelKind = Field(description="discrete, continuous or codec; or generator")
    family: str = Field(default="", description="architecture family")
    import_path: str = Field(default="", description="package.module:Class that was called")
    args: FreeForm = Field(default_factory=dict, description="keyword arguments of the adapter")
    dtype: str = Field(default="float32", description="arithmetic the model ran in")
    weights: tuple[WeightSection, ...] = Field(default=(), description="every weight file in use")
    codebook_sizes: tuple[int, ...] = Field(default=(), description="entries a level; empty without codebooks")
    downsample_factor: int = Field(default=0, ge=0, description="pixels a code along one side; 0 without a grid")
    native_size: int | None = Field(default=None, description="side the model was trained at, pixels")
    input_size: Size | None = Field(
        default=None, description="height, width the model was given; none where images differ"
    )
    resized_in_out: str | None = Field(
        default=None, description="how images were resized in and back; none if they were not"
    )
    stochastic: bool = Field(default=False, description="whether the model draws random numbers")
    conditions: ConditionKind | None = Field(default=None, description="what a generator is conditioned on")
    sampler: FreeForm = Field(default_factory=dict, description="every setting a generator samples with")
    tokenizer: str = Field(default="", description="tokenizer whose codes a generator samples; empty without one")
    parameters: Count = Field(default=0, description="parameters of a generator; 0 where not known")
    tokens_per_image: Number | None = Field(
        default=None, description="mean tokens an image, or a clip; bytes for a codec"
    )
    bits_per_image: Number | None = Field(default=None, description="mean bits an image")
    licence: str = Field(default="", description="licence of the weights")
    citation: str = Field(default="", description="paper or page to cite")


class TaskSection(Section):
    """The task, whole, so that a record explains itself without the package that made it."""

    name: str = Field(description="task name")
    version: int = Field(ge=1, description="task version")
    protocol_id: str = Field(description="name@version+hash; numbers compare only where it is equal")
    spec: FreeForm = Field(default_factory=dict, description="the whole task as its file states it")


class ReferenceSection(Section):
    """What set metrics compared the predictions with."""

    description: str = Field(description="the task's own preprocessed images, or named reference statistics")
    n: Count = Field(description="images in the reference")
    digest: str = Field(default="", description="digest of the reference's content")


class DataSection(Section):
    """The images that were scored; of a generator, what they were sampled from."""

    source: str = Field(description="data set reference as resolved")
    fingerprint: str = Field(description="digest of the content; numbers compare only where it is equal")
    n_expected: Count = Field(description="samples the run was to score")
    n_scored: Count = Field(description="samples scored")
    limited_from: Count | None = Field(
        default=None, description="samples of the whole set where --limit cut it; none where it was scored whole"
    )
    n_failed: Count = Field(default=0, description="samples that could not be scored; listed under failures")
    scored_size: Size | None = Field(
        default=None, description="height, width at which scores were taken; none where they differ"
    )
    reference: ReferenceSection | None = Field(default=None, description="reference of the set metrics, if any ran")
    training: ReferenceSection | None = Field(
        default=None, description="images that the generator was trained on, where samples were compared with them"
    )
    conditions: FreeForm = Field(default_factory=dict, description="what images were generated from; empty elsewhere")

    @model_validator(mode="after")
    def _counts_add_up(self) -> DataSection:
        if self.n_scored + self.n_failed > self.n_expected:
            raise ValueError(f"{self.n_scored} scored and {self.n_failed} failed of {self.n_expected} samples")
        return self


class DeterminismSection(Section):
    """Seeds, and the switches that decide whether a number repeats."""

    seed: int = Field(default=0, description="the run's seed; every sample's seed follows from it and the sample's id")
    flags: FreeForm = Field(default_factory=dict, description="switches in force, e.g. TF32, cuDNN autotuning")


class EnvironmentSection(Section):
    """Where the run took place."""

    python: str = Field(description="Python version")
    platform: str = Field(description="operating system and architecture")
    cpu: str = Field(default="", description="processor model")
    device: str = Field(default="cpu", description="device the model ran on")
    device_name: str = Field(default="", description="the device's own name")
    threads: int | None = Field(default=None, description="CPU threads a process")
    packages: Texts = Field(default_factory=dict, description="version of each package that can move a number")

    @property
    def hardware(self) -> str:
        """What times are of: the GPU by its name, or the processor with the threads that were used."""
        return self.device_name or f"{self.cpu}, {self.threads} threads"


class CodeSection(Section):
    """Which vtbench measured."""

    vtbench_version: str = Field(description="package version")
    git_commit: str | None = Field(default=None, description="commit of the checkout; none outside one")
    git_dirty: bool | None = Field(default=None, description="whether the checkout had uncommitted changes")


class ModelCostSection(Section):
    """One network of a generator that samples with several in turn."""

    forward_passes_per_image: Number | None = Field(
        default=None, description="passes through it, each over a batch, divided by all images"
    )
    tokens_computed_per_image: Number | None = Field(default=None, description="positions through it an image")
    kv_cache_bytes: Count | None = Field(default=None, description="largest key-value cache of its own, bytes")
    kv_cache_bytes_at_end: Count | None = Field(
        default=None, description="the same when it was through, in the largest batch"
    )
    weight_bytes: Count | None = Field(default=None, description="bytes of its parameters and buffers")


class PerformanceSection(Section):
    """How long it took. Never compared bitwise: two runs of one job differ here."""

    wall_s: Number | None = Field(default=None, description="seconds spent measuring blocks, added up over workers")
    images_per_s: Number | None = Field(default=None, description="images a second, everything included")
    encode_images_per_s: Number | None = Field(default=None, description="images a second in encode alone")
    decode_images_per_s: Number | None = Field(default=None, description="images a second in decode alone")
    sample_images_per_s: Number | None = Field(
        default=None, description="images a second in a generator's sampling alone, decoding left out"
    )
    forward_passes_per_image: Number | None = Field(
        default=None, description="passes through a generator's network, each over a batch, divided by its images"
    )
    head_passes_per_image: Number | None = Field(
        default=None, description="the same through a head of its own that denoises tokens"
    )
    sample_s_per_image: Number | None = Field(
        default=None, description="seconds of a generator's sampling an image, decoding left out"
    )
    sample_decode_s_per_image: Number | None = Field(default=None, description="the same with its tokenizer's decoding")
    steps_per_image: Number | None = Field(
        default=None, description="decoding steps an image takes until it is done, the mean"
    )
    tokens_sampled_per_image: Number | None = Field(default=None, description="tokens of an image")
    tokens_computed_per_image: Number | None = Field(
        default=None,
        description="positions through a generator's network an image, those of guidance and conditions included",
    )
    drafts_proposed: Count | None = Field(
        default=None, description="tokens that a speculative strategy put before the network to be verified"
    )
    drafts_accepted: Count | None = Field(default=None, description="those of them that stayed")
    tokens_per_s: Number | None = Field(default=None, description="tokens a second in a generator's sampling alone")
    kv_cache_bytes: Count | None = Field(default=None, description="largest key-value cache of a batch, bytes")
    kv_cache_bytes_at_end: Count | None = Field(
        default=None, description="the cache when the last token of a batch was drawn, bytes; of the largest batch"
    )
    weight_bytes: Count | None = Field(
        default=None,
        description="bytes of the networks that a generator draws tokens with, without tokenizer and text encoder",
    )
    models: dict[str, ModelCostSection] = Field(
        default_factory=dict, description="where a generator's networks take turns, the share of each by its name"
    )
    shares: Numbers = Field(default_factory=dict, description="share of the time a part took: model, metrics, io …")
    peak_memory_mb: Number | None = Field(
        default=None, description="peak memory of the device (of the process on CPU), MB"
    )
    events: tuple[str, ...] = Field(default=(), description="what slowed the run, e.g. halvings of the batch")


class IntegritySection(Section):
    """Digests of the files that a record was made of; empty in records of earlier versions."""

    samples: str = Field(default="", description="SHA-256 of the rows in samples.parquet")
    blocks: str = Field(default="", description="SHA-256 over the rows and arrays of all blocks, in order")


class FailureSection(Section):
    """One sample that could not be scored."""

    id: str = Field(description="sample id")
    stage: str = Field(description="decode, preprocess, model or metric")
    message: str = Field(description="why")
