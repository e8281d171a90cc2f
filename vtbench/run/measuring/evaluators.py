"""The metrics of one task as objects: image metrics, feature extractors, and set-metric estimators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from vtbench.core.contracts import BlockMetric, ConditionMetric, FeatureExtractor, ImageMetric, PromptMetric, SetMetric
from vtbench.core.digests import canonical_json
from vtbench.core.info import MetricInfo
from vtbench.core.naming.reference import Reference, parse_reference
from vtbench.core.registry import Registry
from vtbench.core.threads.steady import steady
from vtbench.features import EXTRACTORS
from vtbench.metrics.catalog.conditioned import CONDITION_REGISTRY
from vtbench.metrics.catalog.lookup import (
    BLOCK_REGISTRY,
    ESTIMATORS,
    IMAGE_REGISTRY,
    INCEPTIONS,
    PROMPT_REGISTRY,
    VIDEO_REGISTRY,
    SetMetricEntry,
    metric_info,
    set_metric,
)
from vtbench.metrics.catalog.means import mean_parts
from vtbench.run.measuring.instances import InstanceScorer, instance_scorer
from vtbench.run.measuring.reading_originals.chosen import AnyTextScorer, task_text_scorer
from vtbench.tasks import MetricRequest, TaskSpec


@dataclass(frozen=True, eq=False)
class Evaluators:
    """Networks and functions that ``measure`` applies to every image. Each network is built once and shared.

    Attributes:
        image_metrics: of pairs: of images, or of clips where the task is of those.
    """

    image_metrics: Mapping[str, ImageMetric]
    extractors: Mapping[str, FeatureExtractor]
    features: Mapping[str, frozenset[str]]
    text: AnyTextScorer | None = None
    instances: InstanceScorer | None = None
    block_metrics: tuple[BlockMetric, ...] = ()
    prompt_metrics: tuple[PromptMetric, ...] = ()
    condition_metrics: Mapping[str, ConditionMetric] = field(default_factory=dict)


class Networks:
    """The evaluators of tasks, loaded when first asked for.

    Args:
        all_stay: those of every task stay; else those of the task asked for last.
    """

    def __init__(self, all_stay: bool = False) -> None:
        self._all_stay = all_stay
        self._loaded: dict[tuple[str, torch.device], Evaluators] = {}

    def of(self, task: TaskSpec, device: torch.device) -> Evaluators:
        """Every network the task needs, on ``device``; see :func:`build_evaluators`."""
        key = (task.protocol_id, device)
        if key not in self._loaded:
            if not self._all_stay:
                self._loaded.clear()
            self._loaded[key] = build_evaluators(task, device)
        return self._loaded[key]

    def release(self) -> None:
        """Let all of them go."""
        self._loaded.clear()


@dataclass(frozen=True, eq=False)
class SetJob:
    """One estimator on one feature of one extractor, and the public names it answers for."""

    estimator: SetMetric
    extractor: str
    feature: str
    outputs: Mapping[str, MetricInfo]
    names: Mapping[str, str]

    @property
    def uses_training(self) -> bool:
        """Whether it is given the features of training images as a third set."""
        return bool(getattr(self.estimator, "uses_training", False))


def build_evaluators(task: TaskSpec, device: torch.device) -> Evaluators:
    """Load every network the task needs, on ``device``.

    Raises:
        AssetMissingError: weights that are neither here nor to be had.
    """
    metrics = {one.name: _placed(made_metric(IMAGE_REGISTRY, one), device) for one in task.image_metrics}
    metrics |= {one.name: _placed(made_metric(VIDEO_REGISTRY, one), device) for one in task.video_metrics}
    features = required_features(task.set_metrics)
    extractors = {name: made_extractor(name).to(device=device) for name in sorted(features)}
    return Evaluators(
        metrics,
        extractors,
        features,
        task_text_scorer(task),
        instance_scorer(task.instances),
        block_metrics(task.block_metrics),
        tuple(_placed(made_metric(PROMPT_REGISTRY, request), device) for request in task.prompt_metrics),
        {one.name: _placed(made_metric(CONDITION_REGISTRY, one), device) for one in task.condition_metrics},
    )


def training_features(evaluators: Evaluators, task: TaskSpec) -> Evaluators:
    """The extractors, and of each the features, that training images are compared by."""
    features = required_features(one for one in task.of_training if one in task.set_metrics)
    return replace(evaluators, extractors={name: evaluators.extractors[name] for name in features}, features=features)


def made_metric(registry: Registry, request: MetricRequest) -> Any:
    """A metric; somebody else's of images or prompts with its threads seen to."""
    made = registry.create(Reference(request.name, dict(request.params)))
    return made if registry in (BLOCK_REGISTRY, CONDITION_REGISTRY) else steady(made)


def made_extractor(name: str) -> Any:
    """An extractor on the CPU; somebody else's with its threads seen to.

    Raises:
        UsageError: no such extractor.
        AssetMissingError: its weights cannot be had.
    """
    return steady(EXTRACTORS.create(parse_reference(name)))


def block_metrics(requests: Iterable[MetricRequest]) -> tuple[BlockMetric, ...]:
    """Metrics that are given whole blocks."""
    return tuple(made_metric(BLOCK_REGISTRY, request) for request in requests)


def _placed(metric: Any, device: torch.device) -> Any:
    return metric.to(device=device) if hasattr(metric, "to") else metric


def required_features(requests: Iterable[MetricRequest]) -> dict[str, frozenset[str]]:
    """Extractor name to the features that the set metrics read."""
    needed: dict[str, set[str]] = {}
    for request in expanded(requests):
        entry = _entry(request)
        needed.setdefault(entry.extractor, set()).add(entry.feature)
    return {name: frozenset(features) for name, features in needed.items()}


def guards_small_sets(task: TaskSpec) -> bool:
    """Whether a metric of the task is refused on small sets, unless ``--allow-small-sets`` allows them."""
    return any(_entry(request).extractor in INCEPTIONS for request in expanded(task.set_metrics))


def expanded(requests: Iterable[MetricRequest]) -> list[MetricRequest]:
    """Set metrics with each mean over networks in its parts, which take its parameters; each once."""
    found: dict[str, MetricRequest] = {}
    for request in requests:
        for name in mean_parts(request.name) or (request.name,):
            found.setdefault(name, MetricRequest(name=name, params=request.params))
    return list(found.values())


def set_jobs(requests: Iterable[MetricRequest], allow_small_sets: bool) -> list[SetJob]:
    """Group requests so that an estimator which yields several names (precision and recall) runs once."""
    grouped: dict[str, list[tuple[str, SetMetricEntry, dict[str, Any]]]] = {}
    for request in expanded(requests):
        entry = _entry(request)
        settings = entry.settings(request.params)
        key = canonical_json([entry.estimator, entry.extractor, entry.feature, settings])
        grouped.setdefault(key, []).append((request.name, entry, settings))
    return [_set_job(members, allow_small_sets) for members in grouped.values()]


def _set_job(members: list[tuple[str, SetMetricEntry, dict[str, Any]]], allow_small_sets: bool) -> SetJob:
    _, entry, params = members[0]
    from vtbench.metrics.sets.frechet import INCEPTION_MIN_SAMPLES

    least = INCEPTION_MIN_SAMPLES if entry.extractor in INCEPTIONS and not allow_small_sets else 0
    estimator = ESTIMATORS.create(Reference(entry.estimator, dict(params)), min_samples=least)
    return SetJob(
        estimator=estimator,
        extractor=entry.extractor,
        feature=entry.feature,
        outputs={name: metric_info(name) for name, _, _ in members},
        names={name: member.output for name, member, _ in members},
    )


def _entry(request: MetricRequest) -> SetMetricEntry:
    entry = set_metric(request.name)
    assert entry is not None, f"{request.name} passed the task's checks but is no set metric"
    return entry
