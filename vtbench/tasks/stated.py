"""How a task's protocol names what it asks for: by what decides the value, not by how somebody spelled it.

``./mine.py:Metric``, ``mine:Metric`` and its entry point are one metric: its name and version, and the digest of its
code, since nothing else tells when it changes. vtbench's own metrics and readers need none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vtbench.core.code_identity import registered_code
from vtbench.core.naming.reference import Reference, parse_reference
from vtbench.core.registry import Registry
from vtbench.features import EXTRACTORS
from vtbench.metrics.catalog.lookup import ESTIMATORS, is_own, metric_info, metric_registry, set_metric
from vtbench.tasks.sections import MetricRequest

CODE_DIGITS = 16


def measured_code(name: str) -> str | None:
    """Digest of the code that made a metric's rows, or the features it is taken of; ``None`` for vtbench's own."""
    if is_own(name):
        return None
    entry = set_metric(name)
    return _short(metric_registry(name), name) if entry is None else _short(EXTRACTORS, entry.extractor)


def scoring_code(name: str) -> str | None:
    """Digest of the code that makes a set metric of stored features; ``None`` for vtbench's own."""
    entry = set_metric(name)
    return None if entry is None else _short(ESTIMATORS, entry.estimator)


def stated_metric(request: MetricRequest, measured: Mapping[str, str | None]) -> list[Any]:
    """Name, version and parameters, and the code where it is somebody else's.

    Args:
        request: as the task asks for it.
        measured: :func:`measured_code` by public name as it was when that was measured, where it is known.
    """
    info = metric_info(request.name)
    code = measured[info.name] if info.name in measured else measured_code(request.name)
    codes = [found for found in (code, scoring_code(request.name)) if found is not None]
    return [info.name, info.version, request.params, *codes]


def _short(registry: Registry, target: str) -> str | None:
    code = registered_code(registry, target)
    return None if code is None else code[:CODE_DIGITS]


def stated_reference(text: str, registry: Registry) -> str:
    """A reader or recogniser as it is named; somebody else's by its class, arguments and code."""
    reference = parse_reference(text)
    if reference.target in registry.builtin:
        return text
    code = registered_code(registry, reference.target)
    if code is None:
        return text
    name = getattr(registry.load(reference.target), "__qualname__", reference.target)
    return f"{Reference(name, reference.args)}+{code[:CODE_DIGITS]}"


def public_name(name: str) -> str:
    """The name of a metric's results: what a file or plug-in calls itself, and any other name as it is."""
    return name if is_own(name) or not (":" in name or name in metric_registry(name)) else metric_info(name).name
