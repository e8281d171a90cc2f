"""Every metric's public name, meaning and version, without importing torch."""

from __future__ import annotations

import difflib

from vtbench.core.errors import UsageError
from vtbench.core.info import MetricInfo
from vtbench.core.registry import Registry
from vtbench.features import EXTRACTORS, OF_VIDEOS
from vtbench.metrics.catalog.conditioned import CONDITION_INFOS, CONDITION_REGISTRY
from vtbench.metrics.catalog.costs import COST_INFOS
from vtbench.metrics.catalog.images import (
    BLOCK_INFOS,
    BLOCK_REGISTRY,
    IMAGE_INFOS,
    IMAGE_REGISTRY,
    PROMPT_INFOS,
    PROMPT_REGISTRY,
)
from vtbench.metrics.catalog.judged import JUDGED, judged_metric
from vtbench.metrics.catalog.learnability import LEARNABILITY_INFOS
from vtbench.metrics.catalog.maps import MAP_INFOS, best_of_info
from vtbench.metrics.catalog.means import FDR6, mean_info
from vtbench.metrics.catalog.probing import PROBING_INFOS
from vtbench.metrics.catalog.rates import (
    CODE_INFOS,
    INSTANCE_INFOS,
    INSTANCE_METRICS,
    LIKELIHOOD_INFOS,
    PIXEL_LIKELIHOOD,
    ROW_CODE_METRICS,
    TEXT_INFOS,
)
from vtbench.metrics.catalog.robustness import ROBUSTNESS_INFOS, perturbed_base, perturbed_info
from vtbench.metrics.catalog.sets import (
    ESTIMATOR_TARGETS,
    ESTIMATORS,
    FIXED_SETS,
    INCEPTION,
    INCEPTION_CLEAN,
    INCEPTIONS,
    SECOND_HABITS,
    SetMetricEntry,
    extractor_names,
    plugin_estimators,
    set_metric,
    stated_info,
)
from vtbench.metrics.catalog.shapes import SHAPE_INFOS
from vtbench.metrics.catalog.videos import VIDEO_INFOS, VIDEO_REGISTRY

__all__ = [
    "BLOCK_INFOS",
    "BLOCK_REGISTRY",
    "CODE_INFOS",
    "COST_INFOS",
    "ESTIMATORS",
    "ESTIMATOR_TARGETS",
    "IMAGE_INFOS",
    "IMAGE_REGISTRY",
    "INCEPTION",
    "INCEPTIONS",
    "INCEPTION_CLEAN",
    "INSTANCE_INFOS",
    "INSTANCE_METRICS",
    "LEARNABILITY_INFOS",
    "LIKELIHOOD_INFOS",
    "MAP_INFOS",
    "PIXEL_LIKELIHOOD",
    "PROBING_INFOS",
    "PROMPT_INFOS",
    "PROMPT_REGISTRY",
    "ROBUSTNESS_INFOS",
    "ROW_CODE_METRICS",
    "SHAPE_INFOS",
    "TEXT_INFOS",
    "VIDEO_INFOS",
    "VIDEO_REGISTRY",
    "SetMetricEntry",
    "is_own",
    "metric_info",
    "metric_names",
    "metric_registry",
    "set_metric",
]

_OF_CODES = {**CODE_INFOS, **LIKELIHOOD_INFOS, **ROBUSTNESS_INFOS, **LEARNABILITY_INFOS, **PROBING_INFOS}
_OF_PERTURBED = ("psnr_perturbed", "lpips_alex_perturbed", "kid_efflite0_perturbed", "fid_perturbed")
"""Those of the literature; any metric of image pairs or sets has its own."""
_OF_READINGS = {**TEXT_INFOS, **INSTANCE_INFOS}
_OF_PIXELS = {**IMAGE_INFOS, **BLOCK_INFOS, **PROMPT_INFOS, **CONDITION_INFOS, **VIDEO_INFOS}
_REGISTRIES = (IMAGE_REGISTRY, BLOCK_REGISTRY, PROMPT_REGISTRY, CONDITION_REGISTRY, VIDEO_REGISTRY)
_OF_JUDGES = {name: metric.info for name, metric in JUDGED.items()}
_APART = {**COST_INFOS, **SHAPE_INFOS, **MAP_INFOS, **_OF_JUDGES}
SHIPPED = {**_OF_PIXELS, **_OF_CODES, **_OF_READINGS, **_APART}
"""Metrics that come with vtbench, set metrics apart."""


def metric_names() -> list[str]:
    """Every name that can be listed: fixed names, and estimators on the extractors that have their own suffix."""
    own = [name for name in extractor_names() if name not in (*INCEPTIONS, *OF_VIDEOS)]
    derived = [f"{prefix}_{name}" for prefix in ("fd", "kid", "is") for name in own]
    derived = [name for name in derived if set_metric(name) is not None]
    of_plugins = [f"{prefix}_{name}" for prefix in plugin_estimators() for name in own]
    registered = [name for registry in _REGISTRIES for name in registry.names()]
    of_codes = (*_OF_CODES, *_OF_PERTURBED)
    derived += [f"{prefix}_efflite0" for prefix in ("mind", "fdr", "authenticity", "ct_score", "copy_rate")]
    of_sets = (*FIXED_SETS, *SECOND_HABITS, FDR6, *derived, *of_plugins)
    return sorted({*registered, *of_codes, *_OF_READINGS, *_APART, *of_sets})


def is_own(name: str) -> bool:
    """Whether a metric is vtbench's own, network included."""
    entry = set_metric(name)
    if entry is None:
        derived = (perturbed_base(name), _derived(name), mean_info(name))
        return name in SHIPPED or any(found is not None for found in derived)
    return entry.extractor in EXTRACTORS.builtin and entry.estimator in ESTIMATORS.builtin


def metric_registry(name: str) -> Registry:
    """Where the code of a plug-in's or file's metric is looked up."""
    return next((one for one in _REGISTRIES if name in one), IMAGE_REGISTRY)


def metric_info(name: str) -> MetricInfo:
    """What ``name`` means. A metric of a plug-in or file is imported for its ``info``.

    Raises:
        UsageError: unknown metric, with a suggestion, or one that says nothing of itself.
    """
    if name in SHIPPED:
        return SHIPPED[name]
    entry = set_metric(name)
    if entry is not None:
        return entry.info
    derived = perturbed_info(name) or _derived(name) or mean_info(name)
    if derived is not None:
        return derived
    registry = metric_registry(name)
    if name in registry or ":" in name:  # a path says its kind itself
        return _foreign_info(registry.load(name), name)
    close = difflib.get_close_matches(name, metric_names(), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(metric_names())}"
    raise UsageError(f"unknown metric {name!r}", hint)


def _derived(name: str) -> MetricInfo | None:
    """``X_best_of_K``, or ``X[JUDGE]``."""
    judged = judged_metric(name)
    return best_of_info(name) if judged is None else judged.info


def _foreign_info(target: object, name: str) -> MetricInfo:
    """What a metric that is not ours says of itself.

    Raises:
        UsageError: it says nothing, or takes a name under which readers expect a number of ours.
    """
    info = stated_info(target, name)
    if info.name != name and (info.name in SHIPPED or set_metric(info.name) is not None):
        raise UsageError(f"metric {name} calls itself {info.name}, which is vtbench's own", "give it another name")
    return info
