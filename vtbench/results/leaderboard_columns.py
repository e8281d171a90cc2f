"""The layout of the leaderboard CSVs: families, key, fixed columns, and how each cell is written."""

from __future__ import annotations

import math

from vtbench.results.record import RunRecord
from vtbench.results.rows import input_size, metric_result, scored_size

FAMILIES = ("reconstruction", "detail", "text", "generation", "compat")
"""A CSV each. Compat tasks reproduce quirks on purpose and stand apart from the tasks they resemble."""
KEY_COLUMNS = ("model", "revision", "protocol_id", "dtype")
FACT_COLUMNS = (
    "data_fingerprint",
    "name",
    "kind",
    "model_family",
    "n_expected",
    "n_scored",
    "n_failed",
    "input_size",
    "scored_size",
    "tokens_per_image",
    "bits_per_pixel",
)
ORIGIN_COLUMNS = ("run", "results_digest", "vtbench_version", "device")
_DISTANCES = (
    "fid",
    "fid_clean",
    "sfid",
    "fid_infinity",
    "is_mean",
    "is_std",
    "kid",
    "precision",
    "recall",
    "density",
    "coverage",
    "fd_dinov2",
    "fd_clip",
    "cmmd",
    "fd_efflite0",
    "kid_efflite0",
    "is_efflite0",
)
_PAIRED = ("psnr", "psnr_pooled", "ssim", "ssim_uniform7", "ms_ssim", "mae", "lpips_alex", "lpips_vgg")
_CODES = ("codebook_usage", "codebook_perplexity", "code_entropy_bits")
METRIC_COLUMNS: dict[str, tuple[str, ...]] = {
    "reconstruction": (*_PAIRED, *_DISTANCES, *_CODES),
    "detail": (
        *_PAIRED,
        "gradient_similarity",
        "gmsd",
        "high_frequency_error",
        "band_error",
        "edge_f1",
        "face_similarity",
        *_CODES,
    ),
    "text": (
        *_PAIRED,
        *(
            f"{name}{side}"
            for name in ("cer", "cer_macro", "wer", "ned", "text_accuracy")
            for side in ("", "_floor", "_excess")
        ),
        "t_acc",
        "t_ned",
        *_CODES,
    ),
    "generation": (*_DISTANCES, "clip_score", *_CODES, "code_js_divergence"),
    "compat": (
        *_PAIRED,
        "compat_vtbench_psnr",
        "compat_vtbench_ssim",
        "compat_vtbench_lpips",
        "compat_vtbench_cer",
        "compat_vtbench_wer",
        *_DISTANCES,
        *_CODES,
    ),
}
"""Fixed, in this order; a metric that is not here stays in its record."""
ENDS = ("", "_ci_low", "_ci_high")
DIGITS = 7
"""Significant digits of a number: more than any interval supports, few enough to hide no last bit of noise."""


def family_of(record: RunRecord) -> str:
    """The CSV a record belongs to."""
    if any(result.metric.startswith("compat_") for result in record.results):
        return "compat"
    kind = str(record.task.spec.get("kind", "reconstruction"))
    return kind if kind in FAMILIES else "reconstruction"


def columns_of(family: str) -> list[str]:
    """Every column of a family's CSV, in order."""
    metrics = [f"{name}{end}" for name in METRIC_COLUMNS[family] for end in ENDS]
    return [*KEY_COLUMNS, *FACT_COLUMNS, *metrics, *ORIGIN_COLUMNS]


def row_of(record: RunRecord, family: str) -> dict[str, str]:
    """A record as a row; what it does not have is an empty cell."""
    rates = {name: metric_result(record, name) for name in ("tokens_per_image", "bits_per_pixel")}
    row = {
        "model": record.model.label,
        "revision": record.model.revision,
        "protocol_id": record.task.protocol_id,
        "dtype": record.model.dtype,
        "data_fingerprint": record.data.fingerprint,
        "name": record.model.name,
        "kind": record.model.kind,
        "model_family": record.model.family,
        "n_expected": str(record.data.n_expected),
        "n_scored": str(record.data.n_scored),
        "n_failed": str(record.data.n_failed),
        "input_size": input_size(record),
        "scored_size": scored_size(record),
        **{name: number_text(None if rate is None else rate.value) for name, rate in rates.items()},
        "run": record.run_id,
        "results_digest": record.results_digest()[:16],
        "vtbench_version": record.code.vtbench_version,
        "device": record.environment.device,
    }
    for name in METRIC_COLUMNS[family]:
        result = record.result(name)
        values = (None,) * 3 if result is None else (result.value, result.ci_low, result.ci_high)
        row |= {f"{name}{end}": number_text(value) for end, value in zip(ENDS, values, strict=True)}
    return row


def number_text(value: float | None) -> str:
    """Seven significant digits without padding; ``inf`` where that is the value; empty for what is not there or NaN."""
    if value is None or math.isnan(value):
        return ""
    text = f"{value:.{DIGITS}g}"
    return "0" if text == "-0" else text
