"""Set metrics: an estimator on a feature of an extractor. Names, meanings, versions. No torch.

``kid_efflite0`` needs no entry of its own: it is the ``kid`` estimator on the extractor ``efflite0``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.core.info import MetricInfo
from vtbench.core.registry import Registry
from vtbench.features import OF_PIXELS

INCEPTION = "inception_tf"
INCEPTION_CLEAN = "inception_clean"
INCEPTION_PYTORCH = "inception_pytorch"
INCEPTIONS = (INCEPTION, INCEPTION_CLEAN, INCEPTION_PYTORCH)
"""One network behind three resizes: what is taken of its features has names of its own."""
I3D = "i3d_kinetics400"
"""The network of FVD, whose logits are compared."""


@dataclass(frozen=True, kw_only=True)
class SetMetricEntry:
    """How a set metric is computed: ``estimator`` on ``feature`` of ``extractor``; its value is ``output``.

    Attributes:
        params: of the estimator that the name itself states.
        of_videos: the extractor takes videos, ``uint8 [B,T,3,H,W]``.
    """

    info: MetricInfo
    estimator: str
    extractor: str
    feature: str
    output: str
    params: Mapping[str, Any] = field(default_factory=dict)
    of_videos: bool = False

    @property
    def of_training(self) -> bool:
        """Whether samples are compared with the images that a generator was trained on, too."""
        return self.estimator in OF_TRAINING

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of the estimator: those of the name and those that a task gives.

        Raises:
            UsageError: a task gives one that the name states.
        """
        stated = sorted(self.params.keys() & given.keys())
        if stated:
            raise UsageError(f"{self.info.name} sets {', '.join(stated)} by its name", "take the name without it")
        return {**self.params, **given}


_ESTIMATORS: dict[str, tuple[str, str, str, str, bool | None, str]] = {
    # prefix: (estimator, feature, output, unit, higher is better, summary)
    "fd": ("frechet", "pool", "fd", "", False, "Fréchet distance between Gaussians fitted to the features."),
    "kid": ("kernel", "pool", "kid", "", False, "Unbiased squared MMD, cubic polynomial kernel, over subsets."),
    "is": ("inception_score", "logits", "is_mean", "", True, "exp of the mean KL to the marginal, over splits."),
    "precision": ("manifold", "pool", "precision", "", True, "Share of predictions inside the reference manifold."),
    "recall": ("manifold", "pool", "recall", "", True, "Share of references inside the prediction manifold."),
    "density": ("manifold", "pool", "density", "", True, "Mean number of reference balls around a prediction, over k."),
    "coverage": ("manifold", "pool", "coverage", "", True, "Share of references with a prediction in their ball."),
    "sfd": ("frechet", "spatial", "fd", "", False, "Fréchet distance of features that keep their position."),
    "fd_infinity": ("frechet_infinity", "pool", "fd_infinity", "", False, "Fréchet distance extrapolated to N = ∞."),
    "cmmd": ("cmmd", "pool", "cmmd", "", False, "1000 × biased squared MMD, Gaussian kernel, σ = 10."),
    "fvd": ("frechet", "pool", "fd", "", False, "Fréchet distance of features of videos."),
    "kvd": ("kernel", "pool", "kid", "", False, "Unbiased squared MMD of features of videos, over subsets."),
    "mind": (
        *("mind", "pool", "mind", "", False),
        "Squared distance of optimal transport along 1,000 random directions, times 3 D.",
    ),
    "fdr": (
        *("frechet_ratio", "pool", "fdr", "", False),
        "Fréchet distance to training images over that of held-out images, which have 1.",
    ),
    "authenticity": (
        *("training_distance", "pool", "authenticity", "", True),
        "Share of samples farther from their nearest training image than that is from its own nearest.",
    ),
    "ct_score": (
        *("training_distance", "pool", "ct_score", "", None),
        "z of the samples' distances to training images against held-out images'; far below 0: copies.",
    ),
    "copy_rate": (
        *("copy_rate", "pool", "copy_rate", "", False),
        "Share of samples more like a training image than 99.9 % of held-out images are.",
    ),
}
_OF_VIDEOS = ("fvd", "kvd")
"""Estimators named by what they compare: these take extractors of videos, and the others those of images."""
OF_TRAINING = ("training_distance", "copy_rate", "frechet_ratio")
"""Estimators that are given the features of training images, too."""
# Estimators whose numbers moved since their first version; see Values in CHANGELOG.md.
_VERSIONS = {"manifold": 2}
FIXED_SETS: dict[str, tuple[str, str, str]] = {
    # public name: (prefix, extractor, output)
    "fid": ("fd", INCEPTION, "fd"),
    "fid_clean": ("fd", INCEPTION_CLEAN, "fd"),
    "fid_pytorch": ("fd", INCEPTION_PYTORCH, "fd"),
    "sfid": ("sfd", INCEPTION, "fd"),
    "fid_infinity": ("fd_infinity", INCEPTION, "fd_infinity"),
    "cmmd": ("cmmd", "clip_336", "cmmd"),
    "kid": ("kid", INCEPTION, "kid"),
    "mind": ("mind", INCEPTION, "mind"),
    "is_mean": ("is", INCEPTION, "is_mean"),
    "is_std": ("is", INCEPTION, "is_std"),
    "precision": ("precision", INCEPTION, "precision"),
    "recall": ("recall", INCEPTION, "recall"),
    "density": ("density", INCEPTION, "density"),
    "coverage": ("coverage", INCEPTION, "coverage"),
    "fvd": ("fvd", I3D, "fd"),
    "kvd": ("kvd", I3D, "kid"),
}
SECOND_HABITS: dict[str, tuple[str, dict[str, Any]]] = {
    # Naeem et al. 2020 and dgm-eval count five neighbours, Kynkäänniemi et al. 2019 and ADM three
    "precision_k5": ("precision", {"k": 5}),
    "recall_k5": ("recall", {"k": 5}),
    "density_k5": ("density", {"k": 5}),
    "coverage_k5": ("coverage", {"k": 5}),
    # Chong and Forsyth's code begins at 5000 whatever N is, dgm-eval at N/10 where that is less
    "fid_infinity_from_5000": ("fid_infinity", {"first": 5000}),
}
"""Metrics that the literature computes in two ways: a name of its own, and what sets it apart from the other."""
ESTIMATOR_TARGETS = {
    "frechet": "vtbench.metrics.sets.frechet:FrechetDistance",
    "frechet_infinity": "vtbench.metrics.sets.frechet_infinity:FrechetInfinity",
    "cmmd": "vtbench.metrics.sets.cmmd:Cmmd",
    "kernel": "vtbench.metrics.sets.kernel:KernelDistance",
    "manifold": "vtbench.metrics.sets.manifold:Manifold",
    "inception_score": "vtbench.metrics.sets.inception_score:InceptionScore",
    "mind": "vtbench.metrics.sets.sliced:Mind",
    "frechet_ratio": "vtbench.metrics.sets.frechet_ratio:FrechetRatio",
    "training_distance": "vtbench.metrics.sets.memorisation:TrainingDistance",
    "copy_rate": "vtbench.metrics.sets.memorisation:CopyRate",
}
ESTIMATORS = Registry("set metric estimator", "vtbench.estimators", ESTIMATOR_TARGETS)


def set_metric(name: str) -> SetMetricEntry | None:
    """The set metric of that name, or ``None``. ``fd_X``, ``kid_X``, ``precision_X`` … take any extractor X."""
    if name in SECOND_HABITS:
        return _second_habit(name)
    if name in FIXED_SETS:
        prefix, extractor, output = FIXED_SETS[name]
    else:
        prefix, extractor = _split(name, _ESTIMATORS)
        if prefix not in _ESTIMATORS or not _offers(extractor, _feature(prefix, extractor), prefix in _OF_VIDEOS):
            return _of_plugin(name)
        output = _ESTIMATORS[prefix][2]
    estimator, _, _, unit, higher, summary = _ESTIMATORS[prefix]
    feature = _feature(prefix, extractor)
    info = MetricInfo(
        name=name,
        version=_VERSIONS.get(estimator, 1),
        kind="set",
        unit=unit,
        higher_is_better=higher,
        summary=f"{summary} Network: {extractor}.",
    )
    if output == "is_std":
        info = replace(info, higher_is_better=None, summary="Standard deviation of IS over the splits.")
    stated = {"similarity": "distance"} if estimator == "copy_rate" and extractor in OF_PIXELS else {}
    return SetMetricEntry(
        info=info,
        estimator=estimator,
        extractor=extractor,
        feature=feature,
        output=output,
        params=stated,
        of_videos=prefix in _OF_VIDEOS,
    )


def _feature(prefix: str, extractor: str) -> str:
    """What an estimator reads of an extractor: FVD is of logits, which is all that its network gives."""
    return "logits" if extractor == I3D else _ESTIMATORS[prefix][1]


def _second_habit(name: str) -> SetMetricEntry:
    first, params = SECOND_HABITS[name]
    entry = set_metric(first)
    assert entry is not None, f"{name} names no metric"
    stated = ", ".join(f"{key} = {value}" for key, value in params.items())
    info = replace(entry.info, name=name, summary=f"{entry.info.summary} With {stated}.")
    return replace(entry, info=info, params=params)


def stated_info(target: object, name: str) -> MetricInfo:
    """What a metric that is not ours says of itself, on its class: nothing is built to learn it.

    Raises:
        UsageError: it says nothing.
    """
    info = getattr(target, "info", None)
    if not isinstance(info, MetricInfo):
        raise UsageError(f"metric {name} has no info", "on its class: info = MetricInfo(name=…, version=1, kind=…)")
    return info


def plugin_estimators() -> list[str]:
    """Prefixes that plug-ins offer (entry points ``vtbench.estimators``), sorted; nothing is imported."""
    return sorted(set(ESTIMATORS.plugins()) - set(_ESTIMATORS))


def _of_plugin(name: str) -> SetMetricEntry | None:
    """An estimator of a plug-in on any extractor: its class says ``info``, and ``feature`` if that is not ``pool``."""
    prefix, extractor = _split(name, plugin_estimators())
    if not prefix or not _offers(extractor, "pool"):
        return None
    target = ESTIMATORS.load(prefix)
    stated = stated_info(target, prefix)
    feature = str(getattr(target, "feature", "pool"))
    if not _offers(extractor, feature):
        return None
    info = replace(stated, name=name, kind="set", summary=f"{stated.summary} Network: {extractor}.".strip())
    return SetMetricEntry(info=info, estimator=prefix, extractor=extractor, feature=feature, output=stated.name)


def _split(name: str, prefixes: Iterable[str]) -> tuple[str, str]:
    """The longest prefix that is an estimator's, and the rest: ``fd_infinity_clip`` is not ``fd`` of a network."""
    fitting = [prefix for prefix in prefixes if name.startswith(f"{prefix}_")]
    prefix = max(fitting, key=len, default="")
    return prefix, name[len(prefix) + 1 :]


def _offers(extractor: str, feature: str, of_videos: bool = False) -> bool:
    """Whether there is such an extractor, and, where it is known without importing it, whether it takes images, or
    videos, and has the feature."""
    from vtbench.features import EXTRACTORS, OF_VIDEOS, WITH_LOGITS, WITH_SPATIAL

    if extractor in EXTRACTORS.builtin and (extractor in OF_VIDEOS) != of_videos:
        return False
    if extractor in EXTRACTORS.builtin and feature in ("logits", "spatial"):
        return extractor in (WITH_LOGITS if feature == "logits" else WITH_SPATIAL)
    return extractor in EXTRACTORS


def extractor_names() -> list[str]:
    """Every extractor there is."""
    from vtbench.features import EXTRACTORS

    return EXTRACTORS.names()
