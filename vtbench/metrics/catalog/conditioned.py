"""Metrics of a generated image against what it was made from, or was to become: names and meanings. No torch."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.core.info import MetricInfo
from vtbench.core.registry import Registry
from vtbench.detectors import DETECTORS
from vtbench.metrics.catalog.of_conditions.editing import EDITING_ENTRIES, EDITING_INFOS, EDITING_TARGETS
from vtbench.metrics.catalog.of_conditions.entries import ConditionEntry, Params
from vtbench.metrics.catalog.of_conditions.entries import condition_info as _info
from vtbench.metrics.catalog.of_conditions.geneval import GENEVAL_ENTRY, geneval_detector, geneval_info, geneval_name
from vtbench.metrics.catalog.of_conditions.rendered import RENDERED_ENTRIES, RENDERED_INFOS, RENDERED_TARGETS
from vtbench.metrics.catalog.of_conditions.subjects import SUBJECT_ENTRIES, SUBJECT_INFOS, SUBJECT_TARGETS

_MOST_CLASSES = 1024


def label_columns(params: Params) -> tuple[str, ...]:
    """Intersections and unions of each class of ``control_miou``.

    Raises:
        UsageError: how many classes there are is not stated.
    """
    classes = params.get("classes")
    if type(classes) is not int or not 1 <= classes <= _MOST_CLASSES:
        raise UsageError(f"control_miou of {classes!r} classes", f"state how many: classes: 1 to {_MOST_CLASSES}")
    return tuple(f"label_{what}_{number}" for number in range(classes) for what in ("hit", "union"))


_LEVELS = {"unit": "levels"}


CONDITION_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        _info("lpips_diversity", True, "Mean LPIPS, AlexNet, between the images made from one prompt.", least_side=31),
        _info("control_canny_f1", True, "F1 of Canny's edges against the map to follow, exact to the pixel, a prompt."),
        _info(
            "control_hed_bsds_ssim",
            True,
            "Multi-scale SSIM of soft edges, HED retrained on HED-BSDS, against the map to follow.",
            least_side=161,
        ),
        _info(
            "control_depth_rmse", False, "RMSE of depth against the map to follow, each from 0 to 255.", unit="levels"
        ),
        _info(
            "compat_controlnetpp_depth_rmse",
            False,
            "Quirk: RMSE of depth, the estimate divided by its greatest value, the map stretched.",
            **_LEVELS,
        ),
        _info("control_pose_movenet_oks", True, "Similarity of key points (OKS), MoveNet's of sample and photograph."),
        _info("control_miou", True, "Mean intersection over union of classes, sums over the set, against the labels."),
        *(geneval_info(detector) for detector in DETECTORS.builtin),
    )
}
CONDITION_INFOS |= EDITING_INFOS | SUBJECT_INFOS | RENDERED_INFOS
_ENTRIES: dict[str, ConditionEntry] = {
    "lpips_diversity": ConditionEntry(of_groups=True),
    "control_canny_f1": ConditionEntry(("control",), columns=("canny_hit", "canny_false", "canny_missed")),
    "control_hed_bsds_ssim": ConditionEntry(("control",), by_estimator=True),
    "control_depth_rmse": ConditionEntry(("control",), by_estimator=True),
    "compat_controlnetpp_depth_rmse": ConditionEntry(("control",), by_estimator=True),
    "control_pose_movenet_oks": ConditionEntry(("truth",)),
    "control_miou": ConditionEntry(("labels",), columns=label_columns, by_estimator=True),
    **EDITING_ENTRIES,
    **SUBJECT_ENTRIES,
    **RENDERED_ENTRIES,
}


class _ConditionRegistry(Registry):
    """Knows GenEval's metric by every detector beside what is listed."""

    def names(self) -> list[str]:
        """Every registered name, sorted."""
        return sorted({*super().names(), *map(geneval_name, DETECTORS.names())})

    def __contains__(self, name: str) -> bool:
        return super().__contains__(name) or geneval_detector(name) is not None

    def location(self, target: str) -> str | None:
        """Where the code is: of the detector, of one of those."""
        detector = geneval_detector(target)
        return super().location(target) if detector is None else DETECTORS.location(detector)

    def _load(self, target: str) -> Any:
        detector = geneval_detector(target)
        if detector is None:
            return super()._load(target)
        return import_module("vtbench.metrics.conditioned.geneval.metric").geneval_by(detector)


CONDITION_REGISTRY = _ConditionRegistry(
    "condition metric",
    "vtbench.condition_metrics",
    {
        "lpips_diversity": "vtbench.metrics.conditioned.diversity:LpipsDiversity",
        "control_canny_f1": "vtbench.metrics.conditioned.control_edges:ControlCannyF1",
        "control_hed_bsds_ssim": "vtbench.metrics.conditioned.control_maps:ControlHedBsdsSsim",
        "control_depth_rmse": "vtbench.metrics.conditioned.control_maps:ControlDepthRmse",
        "compat_controlnetpp_depth_rmse": "vtbench.metrics.conditioned.control_maps:CompatControlNetPlusPlusDepthRmse",
        "control_pose_movenet_oks": "vtbench.metrics.conditioned.control_pose:ControlPoseMovenetOks",
        "control_miou": "vtbench.metrics.conditioned.control_labels:ControlMiou",
        **EDITING_TARGETS,
        **SUBJECT_TARGETS,
        **RENDERED_TARGETS,
    },
)


def condition_entry(name: str) -> ConditionEntry:
    """Of a metric by name or path; one that is not vtbench's says it on its class.

    Raises:
        UsageError: it cannot be imported.
    """
    if name in CONDITION_REGISTRY.builtin:
        return _ENTRIES.get(name, ConditionEntry())
    if geneval_detector(name) is not None:
        return GENEVAL_ENTRY
    target = CONDITION_REGISTRY.load(name)
    return ConditionEntry(
        roles=tuple(getattr(target, "roles", ())),
        of_groups=bool(getattr(target, "of_groups", False)),
        columns=tuple(getattr(target, "columns", ())),
        aligned=bool(getattr(target, "aligned", False)),
        any_role=bool(getattr(target, "any_role", False)),
        fields=tuple(getattr(target, "fields", ())),
    )


def condition_columns(name: str, info: MetricInfo, params: Params) -> tuple[str, ...]:
    """Row columns of a metric with these parameters."""
    columns = condition_entry(name).columns
    return (columns(params) if callable(columns) else columns) or (info.row_column,)
