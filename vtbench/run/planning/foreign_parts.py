"""What decides a job's values beside its model, where it is not vtbench's own: metrics, extractors, data sets."""

from __future__ import annotations

from typing import Any

from vtbench.core.code_identity import code_files, id_with_code
from vtbench.core.contracts import FeatureExtractor, ImageDataset
from vtbench.core.naming.reference import Reference
from vtbench.core.sources.reached_objects import reached_from
from vtbench.features import EXTRACTORS
from vtbench.metrics.catalog.conditioned import CONDITION_REGISTRY, condition_entry
from vtbench.metrics.catalog.lookup import is_own, metric_registry, set_metric
from vtbench.tasks import TaskSpec


def foreign_parts(task: TaskSpec, dataset: str | None) -> dict[str, Any]:
    """All of it, for the job key; empty where all is vtbench's own.

    Args:
        dataset: see :func:`dataset_code`.
    """
    return {**({"data": dataset} if dataset else {}), **evaluators_identity(task)}


def evaluators_identity(task: TaskSpec) -> dict[str, Any]:
    """Numbers that somebody else's metrics hold, and the identity of somebody else's extractors, by name.

    They are made for it: weights that lie beside the code are told by no version. So are own metrics whose parameters
    choose who judges, a network of a hub or a folder. Empty where all is vtbench's own.
    """
    found: dict[str, Any] = {}
    for request in (request for request in task.metrics if not is_own(request.name)):
        entry = set_metric(request.name)
        if entry is not None and entry.extractor in EXTRACTORS.builtin:
            continue
        if entry is not None:
            found[entry.extractor] = extractor_identity(entry.extractor, EXTRACTORS.create(Reference(entry.extractor)))
        else:
            metric = metric_registry(request.name).create(Reference(request.name, dict(request.params)))
            found[metric.info.name] = reached_from(metric).digest()
    for request in task.condition_metrics:
        if is_own(request.name) and condition_entry(request.name).by_estimator:
            metric = CONDITION_REGISTRY.create(Reference(request.name, dict(request.params)))
            found[metric.info.name] = metric.estimator_id
    return found


def evaluators_code(task: TaskSpec) -> frozenset[str]:
    """Sources of somebody else's metrics and extractors: what they read while they run decides their values too."""
    found: frozenset[str] = frozenset()
    for request in (request for request in task.metrics if not is_own(request.name)):
        entry = set_metric(request.name)
        registry = metric_registry(request.name) if entry is None else EXTRACTORS
        target = request.name if entry is None else entry.extractor
        location = registry.location(target)
        if location is not None:
            found |= code_files(location, registry.load(target))
    return found


def extractor_identity(name: str, extractor: FeatureExtractor) -> str:
    """Its id; of somebody else's with its code and numbers."""
    return extractor.id if name in EXTRACTORS.builtin else id_with_code(extractor, extractor.id)


def dataset_code(dataset: ImageDataset) -> str | None:
    """Of somebody else's data set its code and numbers: its fingerprint tells what it stores, not how it is read."""
    if type(dataset).__module__.partition(".")[0] == "vtbench":
        return None
    return id_with_code(dataset, "") or None
