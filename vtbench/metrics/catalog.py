"""Every metric's public name, meaning and version, without importing torch.

Image metrics name a class; set metrics are an estimator on a feature of an extractor, so ``kid_efflite0`` needs no
entry of its own: it is the ``kid`` estimator on the extractor ``efflite0``.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.core.info import MetricInfo
from vtbench.core.registry import Registry

INCEPTION = "inception_tf"
INCEPTION_CLEAN = "inception_clean"


@dataclass(frozen=True, kw_only=True)
class SetMetricEntry:
    """How a set metric is computed: ``estimator`` on ``feature`` of ``extractor``; its value is ``output``."""

    info: MetricInfo
    estimator: str
    extractor: str
    feature: str
    output: str


def _image(name: str, unit: str, higher: bool, summary: str, **more: Any) -> MetricInfo:
    return MetricInfo(name=name, version=1, kind="image", unit=unit, higher_is_better=higher, summary=summary, **more)


IMAGE_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        _image("psnr", "dB", True, "Mean over images of PSNR, peak 255, RGB.", aggregation="mean_finite"),
        _image(
            "psnr_pooled",
            "dB",
            True,
            "PSNR of the mean squared error over all images.",
            aggregation="pooled_psnr",
            column="mse",
        ),
        _image("ssim", "", True, "SSIM, Gaussian window 11, sigma 1.5, valid region, RGB mean, range 255."),
        _image("ssim_uniform7", "", True, "SSIM, uniform 7×7 window, as scikit-image's default."),
        _image("ms_ssim", "", True, "Multi-scale SSIM, five scales, Gaussian window 11."),
        _image("mae", "levels", False, "Mean absolute error in 8-bit levels."),
        _image("lpips_alex", "", False, "LPIPS v0.1, AlexNet, input in [-1, 1]."),
        _image("lpips_vgg", "", False, "LPIPS v0.1, VGG16, input in [-1, 1]."),
        _image(
            "gradient_similarity", "", True, "Mean gradient magnitude similarity (GMSM) of luma at half size, T = 170."
        ),
        _image("gmsd", "", False, "Gradient magnitude similarity deviation of luma at half size, T = 170."),
        _image(
            "high_frequency_error",
            "dB",
            False,
            "Mean squared error at 1/4 cycle a pixel and above, RGB, relative to full scale 255².",
            aggregation="mean_finite",
        ),
        _image("compat_vtbench_lpips", "", False, "Quirk: LPIPS v0.1, AlexNet, fed [0, 1] where it expects [-1, 1]."),
        _image("edge_f1", "", True, "F1 of Canny edges (sigma 1, thresholds 0.1 and 0.2, luma) within one pixel."),
    )
}

IMAGE_REGISTRY = Registry(
    "image metric",
    "vtbench.metrics",
    {
        "psnr": "vtbench.metrics.pixel:Psnr",
        "psnr_pooled": "vtbench.metrics.pixel:PsnrPooled",
        "mae": "vtbench.metrics.pixel:Mae",
        "ssim": "vtbench.metrics.ssim:Ssim",
        "ssim_uniform7": "vtbench.metrics.ssim:SsimUniform7",
        "ms_ssim": "vtbench.metrics.ssim:MsSsim",
        "lpips_alex": "vtbench.metrics.lpips:LpipsAlex",
        "lpips_vgg": "vtbench.metrics.lpips:LpipsVgg",
        "gradient_similarity": "vtbench.metrics.gradient_similarity:GradientSimilarity",
        "gmsd": "vtbench.metrics.gradient_similarity:GradientSimilarityDeviation",
        "high_frequency_error": "vtbench.metrics.frequency:HighFrequencyError",
        "edge_f1": "vtbench.metrics.edges:EdgeF1",
        "compat_vtbench_lpips": "vtbench.metrics.compat_vtbench:CompatLpips",
    },
)


def _block(name: str, unit: str, summary: str, **more: Any) -> MetricInfo:
    return MetricInfo(name=name, version=1, kind="block", unit=unit, higher_is_better=True, summary=summary, **more)


BLOCK_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        _block(
            "compat_vtbench_psnr",
            "dB",
            "Quirk: PSNR of the MSE over all images, peak the largest value seen in any original.",
            aggregation="pooled_psnr",
        ),
        _block(
            "compat_vtbench_ssim",
            "",
            "Quirk: Gaussian SSIM, edges reflected, with the range of the block's own values.",
        ),
        MetricInfo(
            name="band_error",
            version=1,
            kind="block",
            unit="dB",
            higher_is_better=False,
            aggregation="pooled_error_db",
            summary="Error energy by radial frequency, an octave a stratum, relative to full scale 255².",
        ),
    )
}

BLOCK_REGISTRY = Registry(
    "block metric",
    "vtbench.block_metrics",
    {
        "compat_vtbench_psnr": "vtbench.metrics.compat_vtbench:CompatPsnr",
        "compat_vtbench_ssim": "vtbench.metrics.compat_vtbench:CompatSsim",
        "band_error": "vtbench.metrics.band_error:BandError",
    },
)


def _code(name: str, unit: str, higher: bool | None, summary: str) -> MetricInfo:
    return MetricInfo(name=name, version=1, kind="code", unit=unit, higher_is_better=higher, summary=summary)


CODE_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        _code("codebook_usage", "", True, "Share of codebook entries seen over the whole set."),
        _code("codebook_perplexity", "codes", True, "2 to the entropy of the codes over the whole set."),
        _code("code_entropy_bits", "bits", None, "Entropy of the codes over the whole set, a token."),
        _code("bits_per_pixel", "bits", None, "Bits an image divided by its pixels at the task's size."),
        _code("tokens_per_image", "tokens", None, "Grid positions over all levels; bytes for a codec."),
    )
}
ROW_CODE_METRICS = ("bits_per_pixel", "tokens_per_image")


def _text(name: str, higher: bool, summary: str) -> MetricInfo:
    return MetricInfo(name=name, version=1, kind="text", higher_is_better=higher, summary=summary)


_TEXT = (
    _text("cer", False, "Character error rate, micro: edits over reference characters, of the whole set."),
    _text("cer_macro", False, "Mean over images of the character error rate."),
    _text("wer", False, "Word error rate, micro, over real words; none for scripts without spaces."),
    _text("ned", False, "Mean over images of edits over the longer length."),
    _text("text_accuracy", True, "Share of images whose text is read exactly."),
)
_TEXT_SIDES = {
    "floor": "The reader's score on the originals: {}",
    "excess": "What the reconstruction adds to the reader's floor: {}",
}
TEXT_INFOS: dict[str, MetricInfo] = {info.name: info for info in _TEXT} | {
    f"{info.name}_{side}": replace(info, name=f"{info.name}_{side}", summary=words.format(info.summary))
    for info in _TEXT
    for side, words in _TEXT_SIDES.items()
}
"""Asking for a text metric yields its floor and its excess too; those two cannot be asked for by themselves."""
_COMPAT_TEXT = (
    _text("compat_vtbench_cer", False, "Quirk: CER against what the reader read on the original, nothing normalised."),
    _text("compat_vtbench_wer", False, 'Quirk: "WER" that edits characters and divides by words that were read.'),
)
TEXT_INFOS |= {info.name: info for info in _COMPAT_TEXT}

INSTANCE_METRICS = {"words": ("t_acc", "t_ned"), "faces": ("face_similarity",)}
"""What can be said of each kind of instance."""


def _instance(name: str, summary: str) -> MetricInfo:
    return MetricInfo(
        name=name,
        version=1,
        kind="instance",
        higher_is_better=True,
        summary=f"{summary}; the mean of the small, medium and large bucket's means.",
    )


INSTANCE_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        _instance("t_acc", "Share of word boxes read exactly, case counting"),
        _instance("t_ned", "Mean over word boxes of 1 - edits over the longer length"),
        _instance(
            "face_similarity", "Mean over faces of the cosine of a recogniser's embeddings, original and prediction"
        ),
    )
}

PROMPT_INFOS: dict[str, MetricInfo] = {}
PROMPT_REGISTRY = Registry("prompt metric", "vtbench.prompt_metrics", {})

_ESTIMATORS: dict[str, tuple[str, str, str, str, bool, str]] = {
    # prefix: (estimator, feature, output, unit, higher is better, summary)
    "fd": ("frechet", "pool", "fd", "", False, "Fréchet distance between Gaussians fitted to the features."),
    "kid": ("kernel", "pool", "kid", "", False, "Unbiased squared MMD, cubic polynomial kernel, over subsets."),
    "is": ("inception_score", "logits", "is_mean", "", True, "exp of the mean KL to the marginal, over splits."),
    "precision": ("manifold", "pool", "precision", "", True, "Share of predictions inside the reference manifold."),
    "recall": ("manifold", "pool", "recall", "", True, "Share of references inside the prediction manifold."),
    "density": ("manifold", "pool", "density", "", True, "Mean number of reference balls around a prediction, over k."),
    "coverage": ("manifold", "pool", "coverage", "", True, "Share of references with a prediction in their ball."),
}
_FIXED: dict[str, tuple[str, str, str]] = {
    # public name: (prefix, extractor, output)
    "fid": ("fd", INCEPTION, "fd"),
    "fid_clean": ("fd", INCEPTION_CLEAN, "fd"),
    "kid": ("kid", INCEPTION, "kid"),
    "is_mean": ("is", INCEPTION, "is_mean"),
    "is_std": ("is", INCEPTION, "is_std"),
    "precision": ("precision", INCEPTION, "precision"),
    "recall": ("recall", INCEPTION, "recall"),
    "density": ("density", INCEPTION, "density"),
    "coverage": ("coverage", INCEPTION, "coverage"),
}
ESTIMATOR_TARGETS = {
    "frechet": "vtbench.metrics.frechet:FrechetDistance",
    "kernel": "vtbench.metrics.kernel:KernelDistance",
    "manifold": "vtbench.metrics.manifold:Manifold",
    "inception_score": "vtbench.metrics.inception_score:InceptionScore",
}
ESTIMATORS = Registry("set metric estimator", "vtbench.estimators", ESTIMATOR_TARGETS)


def set_metric(name: str) -> SetMetricEntry | None:
    """The set metric of that name, or ``None``. ``fd_X``, ``kid_X``, ``precision_X`` … take any extractor X."""
    if name in _FIXED:
        prefix, extractor, output = _FIXED[name]
    else:
        prefix, _, extractor = name.partition("_")
        if prefix not in _ESTIMATORS or not _offers(extractor, _ESTIMATORS[prefix][1]):
            return None
        output = _ESTIMATORS[prefix][2]
    estimator, feature, _, unit, higher, summary = _ESTIMATORS[prefix]
    info = MetricInfo(
        name=name, version=1, kind="set", unit=unit, higher_is_better=higher, summary=f"{summary} Network: {extractor}."
    )
    if output == "is_std":
        info = replace(info, higher_is_better=None, summary="Standard deviation of IS over the splits.")
    return SetMetricEntry(info=info, estimator=estimator, extractor=extractor, feature=feature, output=output)


def metric_names() -> list[str]:
    """Every name that can be listed: fixed names, and estimators on the extractors that have their own suffix."""
    own = [name for name in _extractors() if name not in (INCEPTION, INCEPTION_CLEAN)]
    derived = [f"{prefix}_{name}" for prefix in ("fd", "kid", "is") for name in own]
    derived = [name for name in derived if set_metric(name) is not None]
    known = {*IMAGE_REGISTRY.names(), *BLOCK_REGISTRY.names(), *CODE_INFOS, *TEXT_INFOS, *INSTANCE_INFOS}
    return sorted({*known, *_FIXED, *derived})


def metric_info(name: str) -> MetricInfo:
    """What ``name`` means. A metric of a plug-in or file is imported for its ``info``.

    Raises:
        UsageError: unknown metric, with a suggestion.
    """
    if name in IMAGE_INFOS:
        return IMAGE_INFOS[name]
    if name in CODE_INFOS:
        return CODE_INFOS[name]
    if name in TEXT_INFOS:
        return TEXT_INFOS[name]
    if name in INSTANCE_INFOS:
        return INSTANCE_INFOS[name]
    if name in BLOCK_INFOS:
        return BLOCK_INFOS[name]
    if name in PROMPT_INFOS:
        return PROMPT_INFOS[name]
    entry = set_metric(name)
    if entry is not None:
        return entry.info
    if name in BLOCK_REGISTRY:
        of_block: MetricInfo = BLOCK_REGISTRY.load(name).info
        return of_block
    if name in IMAGE_REGISTRY or ":" in name:
        info: MetricInfo = IMAGE_REGISTRY.load(name).info
        return info
    close = difflib.get_close_matches(name, metric_names(), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(metric_names())}"
    raise UsageError(f"unknown metric {name!r}", hint)


def _offers(extractor: str, feature: str) -> bool:
    """Whether there is such an extractor, and, where it is known without importing it, whether it has the feature."""
    from vtbench.features import EXTRACTORS, WITH_LOGITS

    if extractor in EXTRACTORS.builtin and feature == "logits":
        return extractor in WITH_LOGITS
    return extractor in EXTRACTORS


def _extractors() -> list[str]:
    from vtbench.features import EXTRACTORS

    return EXTRACTORS.names()
