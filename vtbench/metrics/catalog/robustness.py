"""Metrics of how codes bear a small change, of the image or of themselves: names, meanings, versions. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vtbench.core.info import Aggregation, MetricInfo
from vtbench.core.naming.reference import Reference
from vtbench.core.registry import Registry
from vtbench.features import EXTRACTORS
from vtbench.metrics.catalog.images import IMAGE_INFOS
from vtbench.metrics.catalog.sets import ESTIMATORS, set_metric

PERTURBED = "_perturbed"
DRIFT, GENERATION = "latent_drift", "psnr_generation"
AGREEMENT_TO_FLOAT32, DRIFT_TO_FLOAT32, PSNR_TO_FLOAT32 = (
    f"{name}_to_float32" for name in ("code_agreement", DRIFT, "psnr")
)
DRIFTS = (DRIFT, DRIFT_TO_FLOAT32)


def _info(
    name: str, summary: str, *, unit: str = "", higher: bool = True, aggregation: Aggregation = "mean"
) -> MetricInfo:
    return MetricInfo(
        name=name,
        version=1,
        kind="robustness",
        unit=unit,
        higher_is_better=higher,
        aggregation=aggregation,
        summary=summary,
    )


_SHARE = "Share of an image's indices, or bits, that stay"
_FLOAT32 = "the same model in float32 and not compiled"
ROBUSTNESS_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        _info("code_agreement", f"{_SHARE} when its reconstruction is encoded again, through uint8."),
        _info("code_agreement_noise", f"{_SHARE} under Gaussian noise of 2 levels of 255, through uint8."),
        _info("code_agreement_shift", f"{_SHARE} when the image is rolled by a pixel to the right and down."),
        _info("code_agreement_jpeg", f"{_SHARE} when the image went through JPEG of quality 75."),
        _info("code_agreement_brightness", f"{_SHARE} at 10 % less and 10 % more brightness, the mean of both."),
        _info("code_agreement_flip", f"{_SHARE} when the image is mirrored and its grid of codes mirrored back."),
        _info(DRIFT, "Squared change of latents encoded again, through uint8, over their variance.", higher=False),
        _info(
            GENERATION,
            "PSNR to the original after rounds of encoding and decoding, each through uint8; a round a stratum.",
            unit="dB",
            aggregation="mean_finite",
        ),
        _info(AGREEMENT_TO_FLOAT32, f"{_SHARE} in {_FLOAT32}."),
        _info(DRIFT_TO_FLOAT32, f"Squared change of latents from {_FLOAT32}, over their variance there.", higher=False),
        _info(
            PSNR_TO_FLOAT32,
            f"PSNR of the reconstruction to that of {_FLOAT32}, both at 8 bits; equal pixels are counted apart.",
            unit="dB",
            aggregation="mean_finite",
        ),
    )
}
_PLACE = "vtbench.metrics.codes"
ROBUSTNESS_REGISTRY = Registry(
    "robustness metric",
    "",  # what a model is asked for is decided here: plug-ins name none
    {
        "code_agreement": f"{_PLACE}.rounds:Again",
        "code_agreement_noise": f"{_PLACE}.alterations:Noise",
        "code_agreement_shift": f"{_PLACE}.alterations:Shift",
        "code_agreement_jpeg": f"{_PLACE}.alterations:Jpeg",
        "code_agreement_brightness": f"{_PLACE}.alterations:Brightness",
        "code_agreement_flip": f"{_PLACE}.alterations:Flip",
        DRIFT: f"{_PLACE}.rounds:Again",
        GENERATION: f"{_PLACE}.rounds:Generations",
        AGREEMENT_TO_FLOAT32: f"{_PLACE}.arithmetic:InFloat32",
        DRIFT_TO_FLOAT32: f"{_PLACE}.arithmetic:InFloat32",
        PSNR_TO_FLOAT32: f"{_PLACE}.arithmetic:InFloat32",
        PERTURBED: f"{_PLACE}.perturbing:Perturbation",
    },
)


def drift_columns(name: str) -> tuple[str, str]:
    """Row columns of a drift of latents: its change, and what that is measured by."""
    return f"{name}_change", f"{name}_spread"


def perturbed_base(name: str) -> str | None:
    """``psnr`` of ``psnr_perturbed``: one of vtbench's own metrics of image pairs or of sets; ``None`` for others."""
    base = name.removesuffix(PERTURBED)
    if base == name or base in IMAGE_INFOS:
        return None if base == name else base
    entry = set_metric(base)
    if entry is None or entry.of_videos or entry.of_training:
        return None
    return base if entry.extractor in EXTRACTORS.builtin and entry.estimator in ESTIMATORS.builtin else None


def perturbed_info(name: str) -> MetricInfo | None:
    """What ``X_perturbed`` means: what X does, of reconstructions from perturbed codes."""
    base = perturbed_base(name)
    if base is None:
        return None
    entry = set_metric(base)
    info = IMAGE_INFOS[base] if entry is None else entry.info
    column = "" if entry is not None else f"{info.row_column}{PERTURBED}"
    summary = f"From perturbed codes: {info.summary}"
    return replace(info, name=name, kind="robustness", column=column, summary=summary)


def robustness_rule(name: str, params: Mapping[str, Any]) -> Any:
    """What a robustness metric asks of a model, with its parameters.

    Raises:
        UsageError: a parameter that it does not take, or a value out of range.
    """
    target = name if name in ROBUSTNESS_INFOS else PERTURBED
    return ROBUSTNESS_REGISTRY.create(Reference(target, dict(params)))
