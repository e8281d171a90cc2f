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
from vtbench.metrics.catalog.conditioned import CONDITION_REGISTRY, condition_entry
from vtbench.metrics.catalog.lookup import INSTANCE_METRICS, PIXEL_LIKELIHOOD, metric_info
from vtbench.metrics.catalog.maps import MAP_METRICS
from vtbench.metrics.catalog.probing import probe_of
from vtbench.metrics.catalog.rates import CODE_COPIES, truth_of
from vtbench.metrics.catalog.robustness import perturbed_base, robustness_rule
from vtbench.readers import READERS
from vtbench.tasks.clips import check_clips
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
from vtbench.tasks.trained import check_training, of_training

TRUTH = "truth"
"""Role of the image that image metrics of a generation task compare with."""
_FIRST, _THEN = "video image set code text instance block", "prompt likelihood condition shape map robustness"
_KINDS = (*_FIRST.split(), *_THEN.split(), "learnability", "probing", "cost", "judged")
"""Of metrics, in the order in which a protocol states them: a list each, as ``image_metrics``."""
WITHOUT_IMAGES = ("shapes", "maps")
"""Kinds of task whose samples are no images."""
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
        return tuple(request for kind in _KINDS for request in self._listed(kind))

    def _listed(self, kind: str) -> tuple[MetricRequest, ...]:
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
    def _metrics_are_known_and_in_place(self) -> TaskSpec:
        for expected in _KINDS:
            for request in self._listed(expected):
                kind = metric_info(request.name).kind
                measured_too = expected == "condition" and request.name in CONDITION_REGISTRY  # as geneval, also judged
                if kind != expected and not measured_too:
                    raise ValueError(f"{request.name} is a metric of kind {kind}, listed under {expected}_metrics")
        if bool(self.text_metrics) != (self.reader is not None):
            raise ValueError("text_metrics need a reader, and a reader needs text_metrics")
        self._check_instances()
        self._check_generation()
        check_training(self.kind, self.training is not None, self.of_training)
        self._check_sections_of_kinds()
        self._check_likelihood()
        self._check_robustness()
        self._check_without_images()
        check_clips(self)
        if self.fits_a_probe and self.preprocess.size is None and not self.data.source:
            raise ValueError("a probe is fitted on images of one size: preprocess.size states it")
        for request in self.probing_metrics:
            probe_of(request.name, request.params)
        derived = [m.name for m in self.text_metrics if m.name.endswith(("_floor", "_excess"))]
        if derived:
            raise ValueError(f"{', '.join(derived)}: ask for the metric itself; floor and excess come with it")
        if len({truth_of(metric.name) for metric in self.text_metrics}) > 1:
            raise ValueError("text metrics of one task share a truth: cer, reread_… and compat_… are of three")
        names = [metric_info(request.name).name for request in self.metrics]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"metrics listed twice: {', '.join(repeated)}")
        return self

    def _check_instances(self) -> None:
        if bool(self.instance_metrics) != (self.instances is not None):
            raise ValueError("instance_metrics need instances, and instances need instance_metrics")
        if self.instances is not None:
            if self.reader is not None:
                raise ValueError("a task has a reader or instances, not both: a record names one of them")
            known = INSTANCE_METRICS[self.instances.of]
            strange = [request.name for request in self.instance_metrics if request.name not in known]
            if strange:
                raise ValueError(f"{strange[0]} is no metric of {self.instances.of}; known: {', '.join(known)}")

    def _check_generation(self) -> None:
        if (self.kind == "generation") != (self.conditions is not None):
            raise ValueError("a generation task has conditions, and no other task has")
        if self.kind != "generation":
            if self.prompt_metrics or self.condition_metrics or (self.reference is not None and not self.of_samples):
                raise ValueError("prompt_metrics, condition_metrics and a reference belong to generation tasks")
            if self.kind != "tokens" and not [one for one in self.metrics if one not in self.code_metrics]:
                raise ValueError("name at least one metric beside code_metrics, as image_metrics or set_metrics")
            return
        assert self.conditions is not None
        paired = self.text_metrics + self.instance_metrics + self.block_metrics
        if TRUTH not in self.conditions.roles:
            paired += self.image_metrics
        if paired:
            raise ValueError(f"{paired[0].name} compares with an original, which a generated image does not have")
        if self.prompt_metrics and self.conditions.of in ("classes", "none", "images"):
            raise ValueError(f"{self.prompt_metrics[0].name} needs prompts")
        if self.condition_metrics:
            self._check_conditioned(self.conditions)
        if self.set_metrics and self.reference is None:
            raise ValueError("set_metrics of a generation task need a reference (which may be left to --reference: {})")

    def _check_conditioned(self, conditions: ConditionSpec) -> None:
        for request in self.condition_metrics:
            entry = condition_entry(request.name)
            lacking = [role for role in entry.roles_with(request.params) if role not in conditions.roles]
            if lacking:
                raise ValueError(f"{request.name} compares with images as {lacking[0]}: name them under conditions")
            unnamed = [field for field in entry.fields if field not in self.strata]
            if unnamed:
                raise ValueError(f"{request.name} is made of values by {unnamed[0]}: add it to strata, [{unnamed[0]}]")
            if entry.of_groups and self.block_size % conditions.per_prompt:
                raise ValueError(
                    f"{request.name} is given all {conditions.per_prompt} images of a prompt: block_size must be a "
                    f"multiple of that, {self.block_size} is not"
                )

    def _check_sections_of_kinds(self) -> None:
        """What one kind of task has, and no other."""
        for kind, metrics, section, what in (
            ("tokens", "likelihood_metrics", "likelihood", "what is given"),
            ("robustness", "robustness_metrics", "", ""),
            ("learnability", "learnability_metrics", "learnability", "what is fitted"),
            ("probing", "probing_metrics", "probing", "what is told and held out"),
            ("cost", "cost_metrics", "timing", "how calls are timed"),
            ("shapes", "shape_metrics", "shapes", "which clouds are compared"),
            ("maps", "map_metrics", "maps", "what maps are of"),
            ("judged", "judged_metrics", "judged", "whose results it is of"),
        ):
            of = f"kind {kind}" if kind in ("cost", "judged") else kind
            if section and (self.kind == kind) != (getattr(self, section) is not None):
                raise ValueError(f"a task of {of} says under {section} {what}, and no other task does")
            if bool(getattr(self, metrics)) != (self.kind == kind):
                raise ValueError(f"{metrics} belong to tasks of {of}, which name at least one")

    def _check_likelihood(self) -> None:
        if self.kind != "tokens":
            return
        others = [r for r in self.metrics if r not in (*self.likelihood_metrics, *self.code_metrics)]
        if others:
            raise ValueError(f"{others[0].name} needs a model's images, and nothing is decoded here")
        if any(request.name == "code_js_divergence" for request in self.code_metrics):
            raise ValueError("code_js_divergence compares codes that were sampled, and nothing is sampled here")
        if self.of_pixels and len(self.metrics) > 1:
            raise ValueError(f"{PIXEL_LIKELIHOOD} is of pixels, the others are of codes: give it a task of its own")

    def _check_without_images(self) -> None:
        if self.kind == "judged" and self.metrics != self.judged_metrics:
            raise ValueError("what judges found is all there is of a judged task: judged_metrics alone")
        if self.kind not in WITHOUT_IMAGES:
            return
        if self.reference is None or self.reference.statistics is not None:
            raise ValueError("the reference is data, or left to --reference: reference: {}")
        others = [request for request in self.metrics if request not in (*self.shape_metrics, *self.map_metrics)]
        if others:
            raise ValueError(f"{others[0].name} needs images, and there are none here")
        if self.maps is None:
            return
        strange = [one.name for one in self.map_metrics if one.name not in MAP_METRICS[self.maps.of]]
        if strange:
            raise ValueError(f"{strange[0]} is no metric of {self.maps.of}: {', '.join(MAP_METRICS[self.maps.of])}")
        if any(one.name == "mo_miou" for one in self.map_metrics) != bool(self.maps.moving):
            raise ValueError("mo_miou is over the classes under moving, and nothing else is")

    def _check_robustness(self) -> None:
        plain = {request.name for request in (*self.image_metrics, *self.set_metrics)}
        for request in self.robustness_metrics:
            robustness_rule(request.name, request.params)
            base = perturbed_base(request.name)
            if base is not None and base not in plain:
                raise ValueError(f"{request.name} is read beside {base}: ask for that too, with its parameters")
