"""Tasks: one YAML file names the data, the preprocessing, the metrics and how they are aggregated.

A task is data, never code: it is read with ``yaml.safe_load``, checked field by field, and has no inheritance. Its
protocol id, ``name@version+hash``, changes whenever something changes that can move a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from vtbench.core.digests import digest_json
from vtbench.data.limits import MOST_FRAMES
from vtbench.features.faces import FACE_RECOGNISERS
from vtbench.metrics.catalog.lookup import PIXEL_LIKELIHOOD, metric_info
from vtbench.metrics.catalog.rates import CODE_COPIES
from vtbench.readers import READERS
from vtbench.tasks.checks import check_task
from vtbench.tasks.kinds import METRIC_KINDS, WITHOUT_IMAGES
from vtbench.tasks.sections import (
    ConditionSpec,
    DataSpec,
    Frozen,
    InstanceSpec,
    JudgedSpec,
    LearnabilitySpec,
    LikelihoodSpec,
    MapsSpec,
    MetricRequest,
    PreprocessSpec,
    PreviewSpec,
    ProbingSpec,
    ReaderSpec,
    ReferenceSpec,
    ShapesSpec,
    TaskKind,
    TimingSpec,
    TrainingSpec,
)
from vtbench.tasks.stated import measured_code, public_name, stated_metric, stated_reference
from vtbench.tasks.trained import of_training

_AS_THEY_ARE = {"preset": "native@1", "size": None}
PIXEL_RULE = "clamp, times 255, round half to even, uint8"
_PIXEL_RULES = {
    "vtbench-released": "clamp, times 255, truncate, uint8",
    "vtbench-released-signed": "float32 in [-1, 1], (x + 1) / 2 * 255, truncate, uint8; originals too",
}
"""Of presets that bring a rule of their own: compat tasks only."""


class TaskSpec(Frozen):
    """One task, as its YAML file states it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: int = Field(ge=1)
    kind: TaskKind
    summary: str
    data: DataSpec = DataSpec.model_validate({})
    preprocess: PreprocessSpec
    frames: int | None = Field(None, ge=1, le=MOST_FRAMES, description="of each clip, where samples are clips")
    video_metrics: tuple[MetricRequest, ...] = ()
    image_metrics: tuple[MetricRequest, ...] = ()
    set_metrics: tuple[MetricRequest, ...] = ()
    code_metrics: tuple[MetricRequest, ...] = ()
    text_metrics: tuple[MetricRequest, ...] = ()
    block_metrics: tuple[MetricRequest, ...] = ()
    reader: ReaderSpec | None = None
    instance_metrics: tuple[MetricRequest, ...] = ()
    instances: InstanceSpec | None = None
    prompt_metrics: tuple[MetricRequest, ...] = ()
    condition_metrics: tuple[MetricRequest, ...] = ()
    conditions: ConditionSpec | None = None
    likelihood_metrics: tuple[MetricRequest, ...] = ()
    likelihood: LikelihoodSpec | None = None
    robustness_metrics: tuple[MetricRequest, ...] = ()
    learnability_metrics: tuple[MetricRequest, ...] = ()
    learnability: LearnabilitySpec | None = None
    probing_metrics: tuple[MetricRequest, ...] = ()
    probing: ProbingSpec | None = None
    reference: ReferenceSpec | None = None
    training: TrainingSpec | None = None
    cost_metrics: tuple[MetricRequest, ...] = ()
    timing: TimingSpec | None = None
    shape_metrics: tuple[MetricRequest, ...] = ()
    shapes: ShapesSpec | None = None
    map_metrics: tuple[MetricRequest, ...] = ()
    maps: MapsSpec | None = None
    judged_metrics: tuple[MetricRequest, ...] = ()
    judged: JudgedSpec | None = None
    strata: tuple[str, ...] = Field((), description="fields of a sample's target to report each value of by itself")
    block_size: int = Field(16, ge=1, le=4096)
    keep_codes: bool = Field(False, description="every image's codes stay in the blocks")
    previews: PreviewSpec = PreviewSpec()
    table: tuple[str, ...] = ()
    tolerances: dict[str, float] = Field(default_factory=dict)
    quirks: tuple[str, ...] = Field((), description="what a compat task does wrong on purpose, a sentence each")

    @property
    def metrics(self) -> tuple[MetricRequest, ...]:
        """Every metric the task asks for, in order."""
        return tuple(request for kind in METRIC_KINDS for request in self.listed(kind))

    def listed(self, kind: str) -> tuple[MetricRequest, ...]:
        """What is asked for under a kind of metrics: of ``image``, ``image_metrics``."""
        found: tuple[MetricRequest, ...] = getattr(self, f"{kind}_metrics")
        return found

    @property
    def of_generators(self) -> bool:
        """Whether its models are generators: to sample, to say how likely real images are, or judged elsewhere."""
        return self.kind in ("tokens", "judged") or self.of_samples

    @property
    def of_samples(self) -> bool:
        """Whether its models give samples of their own, which are compared with a reference where one is named."""
        return self.kind in ("generation", *WITHOUT_IMAGES)

    @property
    def kept_fields(self) -> tuple[str, ...]:
        """Fields of a sample's target that its row keeps."""
        told = () if self.probing is None else (self.probing.label,)
        groups = (part.group for part in (self.learnability, self.probing) if part is not None and part.group)
        return tuple(dict.fromkeys((*self.strata, *told, *groups)))

    @property
    def keeps_codes(self) -> bool:
        """Whether the codes themselves stay in its blocks: something is fitted on them, or compared with them."""
        return self.fits_a_probe or self.keep_codes

    @property
    def fits_a_probe(self) -> bool:
        """Whether something is fitted on its codes."""
        return self.kind in ("learnability", "probing")

    @property
    def of_pixels(self) -> bool:
        """Whether it asks for the likelihood of pixels, not of codes."""
        return any(request.name == PIXEL_LIKELIHOOD for request in self.likelihood_metrics)

    @property
    def of_training(self) -> tuple[MetricRequest, ...]:
        """Metrics that compare with the images that a generator was trained on."""
        return of_training((*self.set_metrics, *self.code_metrics))

    @property
    def compares_codes(self) -> bool:
        """Whether codes of samples are compared with those of training images."""
        return any(request.name in CODE_COPIES for request in self.code_metrics)

    @property
    def protocol(self) -> dict[str, Any]:
        """Everything that can move a number; prose, previews and tolerances cannot, nor can the block size alone."""
        return self._protocol({})

    def _protocol(self, codes: Mapping[str, str | None]) -> dict[str, Any]:
        block = {"block_size": self.block_size} if self.block_metrics else {}
        clips = {} if self.frames is None else {"frames": self.frames}
        asked = {} if self.conditions is None else {"conditions": self.conditions.model_dump()}
        compared = {} if self.reference is None else {"reference": self.reference.model_dump()}
        told = {} if self.likelihood is None else {"likelihood": self.likelihood.model_dump()}
        trained = {} if self.training is None else {"training": self.training.model_dump()}
        kept = {"keep_codes": True} if self.keep_codes else {}
        timed = {} if self.timing is None else {"timing": self.timing.model_dump()}
        judged = {} if self.judged is None else {"judged": self.judged.model_dump()}
        learned = {} if self.learnability is None else {"learnability": self.learnability.model_dump()}
        probed = {} if self.probing is None else {"probing": self.probing.model_dump()}
        return {
            "kind": self.kind,
            **self._judges(),
            **clips,
            **block,
            **asked,
            **compared,
            **trained,
            **kept,
            **told,
            **timed,
            **learned,
            **probed,
            **self._given_images(),
            **judged,
            "metrics": [stated_metric(request, codes) for request in self.metrics],
        }

    def _given_images(self) -> dict[str, Any]:
        """How images are brought to what is scored; or clouds, or maps."""
        for name, section in (("shapes", self.shapes), ("maps", self.maps)):
            if section is not None:
                return {name: section.model_dump()}
        rule = _PIXEL_RULES.get(self.preprocess.preset.partition("@")[0], PIXEL_RULE)
        return {"preprocess": self.preprocess.model_dump(), "pixels": rule}

    def _judges(self) -> dict[str, Any]:
        """What reads texts or judges instances."""
        judges: dict[str, Any] = {}
        if self.reader is not None:
            judges["reader"] = {**self.reader.model_dump(), "name": stated_reference(self.reader.name, READERS)}
        if self.instances is not None:
            registry = READERS if self.instances.of == "words" else FACE_RECOGNISERS
            by = stated_reference(self.instances.by, registry)
            judges["instances"] = {**self.instances.model_dump(), "by": by, "edges": self.instances.edges}
        return judges

    @property
    def protocol_id(self) -> str:
        """``name@version+hash``: two numbers are comparable only where it and the data fingerprint are equal."""
        return self.protocol_id_with({})

    def protocol_id_with(self, codes: Mapping[str, str | None]) -> str:
        """The protocol id with the code of metrics as it was when they were measured.

        Args:
            codes: as :attr:`measured_codes` had them; of a metric that is not there its code at present counts.
        """
        return f"{self.name}@{self.version}+{digest_json(self._protocol(codes), length=8)}"

    @property
    def measured_codes(self) -> dict[str, str]:
        """Digests of the code that makes rows and features of metrics that are not vtbench's own, by public name."""
        codes = {metric_info(request.name).name: measured_code(request.name) for request in self.metrics}
        return {name: code for name, code in codes.items() if code is not None}

    @model_validator(mode="before")
    @classmethod
    def _no_images_no_preprocessing(cls, content: Any) -> Any:
        if isinstance(content, dict) and content.get("kind") in WITHOUT_IMAGES:
            stated = content.get("preprocess", {})
            if not isinstance(stated, dict) or {**_AS_THEY_ARE, **stated} != _AS_THEY_ARE:
                raise ValueError(f"a task of {content['kind']} has no images to preprocess: leave preprocess out")
            return {**content, "preprocess": _AS_THEY_ARE}
        return content

    @field_validator("table")
    @classmethod
    def _columns_are_public_names(cls, table: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(public_name(name) for name in table)

    @field_validator("tolerances")
    @classmethod
    def _tolerances_are_of_public_names(cls, tolerances: dict[str, float]) -> dict[str, float]:
        return {public_name(name): tolerance for name, tolerance in tolerances.items()}

    @model_validator(mode="after")
    def _all_fits(self) -> TaskSpec:
        check_task(self)
        return self
