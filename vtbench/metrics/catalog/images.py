"""Metrics of single images, of blocks of them, and of images against prompts: names, meanings, versions. No torch."""

from __future__ import annotations

from typing import Any

from vtbench.core.info import MetricInfo
from vtbench.core.registry import Registry


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
        _image(
            "ssim", "", True, "SSIM, Gaussian window 11, sigma 1.5, valid region, RGB mean, range 255.", least_side=11
        ),
        _image("ssim_uniform7", "", True, "SSIM, uniform 7×7 window, as scikit-image's default.", least_side=7),
        _image("ms_ssim", "", True, "Multi-scale SSIM, five scales, Gaussian window 11.", least_side=161),
        _image("mae", "levels", False, "Mean absolute error in 8-bit levels."),
        _image(
            "psnr_y",
            "dB",
            True,
            "Mean over images of PSNR of Y of YCbCr (BT.601, 16 to 235, not rounded), peak 255.",
            aggregation="mean_finite",
        ),
        _image(
            "ssim_y", "", True, "SSIM of Y of YCbCr (BT.601, 16 to 235), Gaussian window 11, range 255.", least_side=11
        ),
        _image("lpips_alex", "", False, "LPIPS v0.1, AlexNet, input in [-1, 1].", least_side=31),
        _image("lpips_vgg", "", False, "LPIPS v0.1, VGG16, input in [-1, 1].", least_side=16),
        _image("dists", "", False, "DISTS at the scored size: structure and texture of VGG16's feature maps."),
        _image("niqe", "", False, "NIQE of the prediction, the authors' parameters; no reference.", least_side=192),
        _image("niqe_floor", "", False, "NIQE of the original.", least_side=192),
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
        _image(
            "compat_vtbench_lpips",
            "",
            False,
            "Quirk: LPIPS v0.1, AlexNet, fed [0, 1] where it expects [-1, 1].",
            least_side=31,
        ),
        _image("compat_omnidoc_psnr", "dB", True, "Quirk: PSNR of the MSE plus 1e-8, 80 dB for a perfect copy (piq)."),
        _image(
            "seam_excess",
            "dB",
            False,
            "Squared error within `band` pixels of the seams of tiles, every `pitch` pixels, over that elsewhere.",
            aggregation="mean_finite",
            least_side=193,
        ),
        _image(
            "seam_step",
            "dB",
            False,
            "Squared jump of the error across the seams of tiles, every `pitch` pixels, over that between others.",
            aggregation="mean_finite",
            least_side=193,
        ),
        _image("edge_f1", "", True, "F1 of Canny edges (sigma 1, thresholds 0.1 and 0.2, luma) within one pixel."),
    )
}

IMAGE_REGISTRY = Registry(
    "image metric",
    "vtbench.metrics",
    {
        "psnr": "vtbench.metrics.images.pixel:Psnr",
        "psnr_pooled": "vtbench.metrics.images.pixel:PsnrPooled",
        "mae": "vtbench.metrics.images.pixel:Mae",
        "ssim": "vtbench.metrics.images.ssim:Ssim",
        "ssim_uniform7": "vtbench.metrics.images.ssim:SsimUniform7",
        "ms_ssim": "vtbench.metrics.images.ssim:MsSsim",
        "psnr_y": "vtbench.metrics.images.pixel:PsnrY",
        "ssim_y": "vtbench.metrics.images.ssim:SsimY",
        "lpips_alex": "vtbench.metrics.images.lpips:LpipsAlex",
        "lpips_vgg": "vtbench.metrics.images.lpips:LpipsVgg",
        "dists": "vtbench.metrics.images.dists:Dists",
        "niqe": "vtbench.metrics.images.niqe:Niqe",
        "niqe_floor": "vtbench.metrics.images.niqe:NiqeFloor",
        "gradient_similarity": "vtbench.metrics.images.gradient_similarity:GradientSimilarity",
        "gmsd": "vtbench.metrics.images.gradient_similarity:GradientSimilarityDeviation",
        "high_frequency_error": "vtbench.metrics.images.frequency:HighFrequencyError",
        "edge_f1": "vtbench.metrics.images.edges:EdgeF1",
        "seam_excess": "vtbench.metrics.images.seams:SeamExcess",
        "seam_step": "vtbench.metrics.images.seams:SeamStep",
        "compat_vtbench_lpips": "vtbench.metrics.images.compat_vtbench:CompatLpips",
        "compat_omnidoc_psnr": "vtbench.metrics.images.compat_omnidoc:CompatOmnidocPsnr",
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
            least_side=11,
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
        "compat_vtbench_psnr": "vtbench.metrics.images.compat_vtbench:CompatPsnr",
        "compat_vtbench_ssim": "vtbench.metrics.images.compat_vtbench:CompatSsim",
        "band_error": "vtbench.metrics.images.band_error:BandError",
    },
)

_COSINE = "100 × cosine of CLIP's embeddings of image and prompt, ViT-L/14 unless stated, 0 if negative"
PROMPT_INFOS: dict[str, MetricInfo] = {
    name: MetricInfo(name=name, version=1, kind="prompt", higher_is_better=True, summary=f"{_COSINE}{of}.")
    for name, of in {"clip_score": "", "clip_score_crop": "; of the image's centred square"}.items()
}
_PREFERRED = {
    "hps_v2": "HPS v2 (v2.0's weights), 100 × cosine of image and prompt, CLIP ViT-H/14 fitted to preferences.",
    "hps_v2_1": "HPS v2.1, 100 × cosine of image and prompt, CLIP ViT-H/14 fitted to preferences; not v2's scale.",
    "pick_score": "PickScore v1, scale × cosine of image and prompt, CLIP ViT-H/14 fitted to picks; about 20.",
    "image_reward": "ImageReward, the authors' standardised reward of image and prompt, BLIP fitted to rankings.",
    "vqa_score": 'VQAScore, probability of "Yes" to whether the image shows the prompt, CLIP-FlanT5-XXL unless stated.',
}
PROMPT_INFOS |= {
    name: MetricInfo(name=name, version=1, kind="prompt", higher_is_better=True, summary=summary)
    for name, summary in _PREFERRED.items()
}
PROMPT_REGISTRY = Registry(
    "prompt metric",
    "vtbench.prompt_metrics",
    {
        "clip_score": "vtbench.metrics.images.clip_score:ClipScore",
        "clip_score_crop": "vtbench.metrics.images.clip_score:ClipScoreCrop",
        "hps_v2": "vtbench.metrics.images.preferences.hps:HpsV2",
        "hps_v2_1": "vtbench.metrics.images.preferences.hps:HpsV21",
        "pick_score": "vtbench.metrics.images.preferences.pick:PickScore",
        "image_reward": "vtbench.metrics.images.preferences.image_reward.metric:ImageReward",
        "vqa_score": "vtbench.metrics.images.preferences.vqa:VqaScore",
    },
)
