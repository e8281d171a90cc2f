"""The parts of a task file: frozen, and closed to unknown fields."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from typing_extensions import Self

from vtbench.core.info import role_problem
from vtbench.data.preparing.tokbench_buckets import FACE_EDGES, TEXT_EDGES, Edges

TaskKind = Literal[
    "reconstruction",
    "detail",
    "text",
    "video",
    "generation",
    "tokens",
    "robustness",
    "learnability",
    "probing",
    "cost",
    "shapes",
    "maps",
    "judged",
]
"""What is measured of what, in the order in which tasks are listed."""


class Frozen(BaseModel):
    """Base of every part of a task: frozen, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MetricRequest(Frozen):
    """A metric by name, with the parameters in which it departs from its defaults."""

    name: str
    params: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _accept_a_bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class DataSpec(Frozen):
    """Where the images come from, unless ``--data`` says otherwise."""

    source: str | None = Field(None, description="data set reference, e.g. 'photos-mini' or 'hub,path=…'; none: --data")
    folder_as: str | None = Field(
        None, description="data set that opens a folder given by --data; none: by its content"
    )
    expected_count: int | None = Field(None, description="images in the full set; another number is warned of")
    licence: str = ""
    citation: str = ""
    note: str = ""


class PreprocessSpec(Frozen):
    """A named, versioned preset and the side it yields, in pixels (none for native sizes)."""

    preset: str = Field(pattern=r"^[a-z0-9-]+@\d+$")
    size: int | None = Field(None, ge=8)


class ReaderSpec(Frozen):
    """What reads the images of a text task, and how texts are compared."""

    name: str = Field(description="reader reference, e.g. 'rapidocr' or 'tesseract,lang=jpn'")
    case: Literal["keep", "fold"] = "keep"


class InstanceSpec(Frozen):
    """The parts of an image that are scored by themselves, what judges them, and whose size buckets they fall in."""

    of: Literal["words", "faces"]
    by: str = Field(description="box reader ('parseq', 'boxes,reader=tesseract') or face recogniser ('dlib') reference")
    size: Literal[256, 512, 1024] = Field(description="the resolution whose size buckets are used")

    @property
    def edges(self) -> Edges:
        """Edges of the three half-open buckets of relative size."""
        return (TEXT_EDGES if self.of == "words" else FACE_EDGES)[self.size]


class PreviewSpec(Frozen):
    """Which samples are kept as pictures: evenly spaced ones, and the worst by an image metric."""

    fixed: int = Field(default=4, ge=0)
    worst: int = Field(default=4, ge=0)
    by: str = "psnr"


class ConditionSpec(Frozen):
    """What a generation task asks a generator for."""

    of: Literal["classes", "prompts", "none", "given", "images"] = Field(
        description="class labels, prompts, nothing, whatever the samples at hand were made from, or images alone"
    )
    count: int | None = Field(None, ge=1, description="images in all; of prompts and given samples it follows")
    classes: int | None = Field(None, ge=1, description="class labels run from 0 to below this")
    balance: Literal["balanced", "uniform"] = Field(
        "balanced", description="as many images of every class, or labels drawn uniformly at random, seeded"
    )
    seed: int = Field(0, description="of uniform labels")
    prompts: str | None = Field(
        None, description="file of prompts, one a line or GenEval's jsonl, or a source of conditions; none: --data"
    )
    per_prompt: int = Field(1, ge=1, description="images a prompt, or a line of images")
    images: tuple[str, ...] = Field((), description="roles of the images that each line of the list names beside")

    judged: tuple[str, ...] = Field((), description="roles of images beside those, which metrics see and no generator")

    quantiles: tuple[float, ...] = Field(
        (), description="shares of the worst lines whose bound each image metric is reported at, too: [0.05]"
    )

    @property
    def roles(self) -> tuple[str, ...]:
        """Of all images that a line of the list names."""
        return (*self.images, *self.judged)

    @model_serializer(mode="wrap")
    def _without_images_as_ever(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Where no images are named there are no such keys: protocol ids are those of before."""
        told: dict[str, Any] = dump(self)
        return {key: value for key, value in told.items() if value or key not in ("images", "judged", "quantiles")}

    @field_validator("images", "judged")
    @classmethod
    def _are_roles(cls, images: tuple[str, ...]) -> tuple[str, ...]:
        if problem := next(filter(None, map(role_problem, images)), ""):
            raise ValueError(problem)
        if len(set(images)) < len(images):
            raise ValueError(f"a role is named twice: {', '.join(images)}")
        return images

    @model_validator(mode="after")
    def _states_what_it_needs(self) -> ConditionSpec:
        if self.of == "classes" and (self.classes is None or self.count is None):
            raise ValueError("conditions of classes need classes and count")
        if shared := sorted({*self.images} & {*self.judged}):
            raise ValueError(f"a generator is shown images as {shared[0]}, or it is not: name it under one of the two")
        if self.roles and self.of not in ("prompts", "images", "given"):
            raise ValueError(f"conditions of {self.of} come from no list that could name images")
        if self.of == "images" and not self.images:
            raise ValueError("conditions of images name their roles: images: [source]")
        if any(not 0.0 < share < 1.0 for share in self.quantiles):
            raise ValueError("quantiles are shares between 0 and 1")
        if self.of == "none" and self.count is None:
            raise ValueError("conditions of nothing need a count")
        if self.of == "classes" and self.balance == "balanced" and (self.count or 0) % (self.classes or 1):
            raise ValueError(f"{self.count} images cannot be balanced over {self.classes} classes")
        return self


class LikelihoodSpec(Frozen):
    """What a generator is told of an image whose likelihood it gives."""

    given: Literal["label", "text", "nothing"] = Field(
        description="the image's class label, its text, or nothing, of unconditional generators"
    )

    @property
    def conditions(self) -> str:
        """What a generator must be conditioned on: ``class``, ``prompt`` or ``none``."""
        return {"label": "class", "text": "prompt", "nothing": "none"}[self.given]


class JudgedSpec(Frozen):
    """Whose results were brought, and of which prompts."""

    format: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="of the files: vtbench list formats")
    prompts: Literal["original", "rewritten"] = Field(description="as the benchmark has them, or by somebody's rule")
    prompt_set: str = Field("", description="which of a benchmark's lists: en, zh …")
    mean_over: str = Field("", description="field whose values weigh the same, of somebody's own judge")
    lower_is_better: bool = Field(False, description="of somebody's own judge")


class TimingSpec(Frozen):
    """How calls are timed: one image a call, after so many calls that are not."""

    warm_up: int = Field(ge=1, description="calls with the first image of each shape before any is timed")


class ShapesSpec(Frozen):
    """Which clouds of two sets are compared, by how many points, at which scale."""

    points: int = Field(ge=4, description="points a cloud; of one with more, as many are drawn, seeded")
    count: int | None = Field(None, ge=2, description="clouds a side, drawn, seeded; none: as many as the smaller has")
    normalise: Literal["none", "unit-sphere", "set"] = Field(
        "none",
        description="none; each cloud about its mean into a sphere of radius 1; or all by mean and deviation of the "
        "references",
    )
    seed: int = Field(0, ge=0, description="of points and of clouds that are drawn")


class MapsSpec(Frozen):
    """What maps are of, and which of their pixels count."""

    of: Literal["segmentation", "depth", "normals"]
    classes: int | None = Field(None, ge=2, le=1024, description="segmentation: labels run from 0 to below this")
    ignore: int = Field(255, description="segmentation: label of pixels that do not count")
    moving: tuple[int, ...] = Field((), description="segmentation: classes of mo_miou")
    png_scale: float = Field(256.0, gt=0, description="depth: what values of a PNG are divided by")
    horizon: Literal["short", "medium", "long"] | None = Field(
        None, description="of a forecast: how far ahead the maps are predicted; none: not stated"
    )

    @model_validator(mode="after")
    def _states_its_classes(self) -> MapsSpec:
        if (self.of == "segmentation") != (self.classes is not None):
            raise ValueError("maps of segmentation state their classes, and no others do")
        if self.classes is not None and 0 <= self.ignore < self.classes:
            raise ValueError(f"ignore is {self.ignore}, which is a class")
        if any(not 0 <= one < (self.classes or 0) for one in self.moving):
            raise ValueError("moving names classes, of maps of segmentation")
        return self


class ReferenceSpec(Frozen):
    """What the images of a generation task are compared with; with neither, ``--reference`` must say it."""

    statistics: str | None = Field(None, description="reference statistics, by name or path")
    data: str | None = Field(None, description="data set, preprocessed like the samples, whose features are taken")

    @model_validator(mode="after")
    def _is_one_thing(self) -> ReferenceSpec:
        if self.statistics is not None and self.data is not None:
            raise ValueError("a reference is statistics or data, not both")
        return self


class TrainingSpec(Frozen):
    """The images that a generator was trained on; where it names none, ``--training`` must say it."""

    data: str | None = Field(None, description="data set, preprocessed like the samples")


class ProbeSpec(Frozen):
    """The network fitted on codes, and how: all of it decides what codes are said to cost."""

    name: Literal["causal-transformer@1"] = "causal-transformer@1"
    width: int = Field(ge=8, le=4096)
    blocks: int = Field(ge=1, le=64)
    heads: int = Field(ge=1, le=64)
    steps: int = Field(ge=1)
    batch: int = Field(ge=1, description="images a step")
    warmup: int = Field(ge=0, description="steps over which the learning rate rises")
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    seeds: int = Field(3, ge=1, le=16, description="fits, from seeds 0, 1 …; intervals are over them")

    @model_validator(mode="after")
    def _divides_and_ends(self) -> ProbeSpec:
        if self.width % self.heads:
            raise ValueError(f"a width of {self.width} does not divide among {self.heads} heads")
        if self.warmup >= self.steps:
            raise ValueError(f"{self.warmup} steps of warm-up leave none of {self.steps}")
        return self


class HoldingOut(Frozen):
    """Which images are kept from a fit, and tried."""

    held_out: float | tuple[str, ...] = Field(0.25, description="share held out, or which groups")
    group: str | None = Field(None, description="field of a sample's target; its images are held out together")
    split_seed: int = Field(0, description="of a share")

    @model_validator(mode="after")
    def _holds_some_out(self) -> Self:
        if isinstance(self.held_out, float) and not 0.0 < self.held_out < 1.0:
            raise ValueError(f"held_out is a share between 0 and 1, or names; got {self.held_out}")
        if not isinstance(self.held_out, float) and (self.group is None or not self.held_out):
            raise ValueError("held_out names values of a group, which must be stated: group: photograph")
        return self


class LearnabilitySpec(HoldingOut):
    """What is fitted on a tokenizer's codes, and which images are held out."""

    probe: ProbeSpec


class ProbingSpec(HoldingOut):
    """What is asked of features and codes, and which images are held out; a share of each label, in whole groups."""

    label: str = Field("label", description="field of a sample's target that is to be told")
    validation: float = Field(
        0.2, gt=0, lt=1, description="share of the images fitted, of each label, by which the regularisation is chosen"
    )
