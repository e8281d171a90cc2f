"""The layout of the leaderboard CSVs: families, key, fixed columns, and how each cell is written."""

from __future__ import annotations

FAMILIES = (
    "reconstruction",
    "detail",
    "text",
    "video",
    "generation",
    "tokens",
    "robustness",
    "learnability",
    "probing",
    "cost",
    "shapes",
    "maps",
    "judged",
    "compat",
)
"""A CSV each. Compat tasks reproduce quirks on purpose and stand apart from the tasks they resemble."""
KEY_COLUMNS = ("model", "revision", "protocol_id", "dtype")
FACT_COLUMNS = (
    "status",
    "task",
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
ORIGIN_COLUMNS = ("finished", "vtbench_version", "device", "job_key", "record_sha256")
_DISTANCES = (
    "fid",
    "fid_clean",
    "fid_pytorch",
    "sfid",
    "fid_infinity",
    "fid_infinity_from_5000",
    "is_mean",
    "is_std",
    "kid",
    "precision",
    "recall",
    "density",
    "coverage",
    "precision_k5",
    "recall_k5",
    "density_k5",
    "coverage_k5",
    "fd_dinov2",
    "kid_dinov2",
    "fd_clip",
    "kid_clip",
    "fd_clip_336",
    "kid_clip_336",
    "fd_dinov2_8bit",
    "cmmd",
    "cmmd_clip_336_square",
    "fd_efflite0",
    "kid_efflite0",
    "is_efflite0",
    "fd_vgg16",
    "kid_vgg16",
    "mind",
    "mind_efflite0",
)
_OF_VIDEOS = ("fvd", "kvd")
_PAIRED = ("psnr", "psnr_pooled", "ssim", "ssim_uniform7", "ms_ssim", "mae", "lpips_alex", "lpips_vgg")
_PROMPTED = (
    *("hps_v2", "hps_v2_1", "image_reward", "pick_score", "vqa_score"),
    *("geneval", "geneval_mask2former_meta", "geneval_nanodet"),
    *("rendered_cer", "rendered_wer", "rendered_ned", "text_present"),
)
_FOLLOWED = (
    "control_canny_f1",
    "control_hed_bsds_ssim",
    "control_depth_rmse",
    "compat_controlnetpp_depth_rmse",
    "control_miou",
    "control_pose_movenet_oks",
)
_CODES = ("codebook_usage", "codebook_perplexity", "code_entropy_bits")
_MEMORISATION = ("authenticity", "ct_score", "copy_rate")
_TRUTH = ("psnr", "ssim", "psnr_y", "ssim_y", "lpips_alex", "dists", "niqe")
"""Against the image that was wanted, where a condition has one."""
_EDITS = (
    *(f"{name}_background" for name in ("psnr", "ssim", "mse", "lpips_alex", "lpips_vgg", "lpips_squeeze")),
    *(f"compat_pie_{name}_background" for name in ("psnr", "ssim", "mse", "lpips")),
    "structure_distance",
    "compat_pie_structure_distance",
    "clip_score_whole",
    "clip_score_edited",
    "clip_direction",
    "clip_out",
    "l1",
    "l2",
)
_SUBJECTS = (
    "clip_i",
    "clip_t",
    "dino_i",
    "compat_arbooth_dino_i",
    "prior_preservation",
    "image_similarity_efflite0",
    "lpips_diversity",
)
METRIC_COLUMNS: dict[str, tuple[str, ...]] = {
    "reconstruction": (*_PAIRED, "psnr_y", "ssim_y", "dists", "niqe", "niqe_floor", *_DISTANCES, *_CODES),
    "detail": (
        *_PAIRED,
        "gradient_similarity",
        "gmsd",
        "high_frequency_error",
        "band_error",
        "edge_f1",
        "face_similarity",
        "seam_excess",
        "seam_step",
        *_CODES,
    ),
    "text": (
        *_PAIRED,
        *(
            f"{name}{side}"
            for name in (
                "cer",
                "cer_macro",
                "wer",
                "ned",
                "text_accuracy",
                "reread_cer",
                "reread_ned",
                "reread_accuracy",
            )
            for side in ("", "_floor", "_excess")
        ),
        "t_acc",
        "t_ned",
        "fid",
        "kid",
        *_CODES,
    ),
    "video": (
        "video_psnr",
        "frame_psnr",
        "frame_ssim",
        "frame_lpips_alex",
        "frame_lpips_vgg",
        "temporal_flicker",
        *_OF_VIDEOS,
        *_CODES,
    ),
    "generation": (
        *_DISTANCES,
        "precision_efflite0",
        "recall_efflite0",
        *_OF_VIDEOS,
        "clip_score",
        "clip_score_crop",
        *_PROMPTED,
        *_FOLLOWED,
        *_CODES,
        "code_js_divergence",
        *(f"{name}_{by}" for by in ("efflite0", "dinov2", "pixels_32") for name in _MEMORISATION),
        "code_copy_rate",
        "longest_code_run",
        "fdr6",
        "fdr_efflite0_vgg16",
        *_TRUTH,
        *_EDITS,
        *_SUBJECTS,
    ),
    "tokens": ("code_nll_bits", "code_nll_bits_per_pixel", "bits_per_dim", *_CODES),
    "learnability": (
        "ar_bits_per_pixel",
        "ar_nll_bits",
        "ar_nll_bits_train",
        "code_unigram_bits",
        "ar_gain",
        *_PAIRED,
        *_CODES,
    ),
    "probing": ("linear_probe_top1", "knn_top1", "histogram_probe_top1", *_PAIRED, *_CODES),
    "robustness": (
        *_PAIRED,
        *_DISTANCES,
        "code_agreement",
        *(f"code_agreement_{change}" for change in ("noise", "shift", "jpeg", "brightness", "flip")),
        "latent_drift",
        "psnr_generation",
        *(f"{name}_perturbed" for name in ("psnr", "ssim", "lpips_alex", "fid", "kid_efflite0", "fd_efflite0")),
        *_CODES,
    ),
    "cost": ("encode_ms", "encode_ms_p95", "decode_ms", "decode_ms_p95", "encode_peak_mb", "decode_peak_mb", "psnr"),
    "shapes": (
        *(f"{name}_{distance}" for distance in ("cd", "emd") for name in ("mmd", "cov", "nna")),
        *(f"nna_{distance}_gap" for distance in ("cd", "emd")),
        "jsd_3d",
    ),
    "maps": ("miou", "mo_miou", "depth_delta1", "depth_absrel", "normal_mean_angle", "normal_below_11_25"),
    "judged": (
        *("geneval", "geneval_images", "geneval_prompts", "dpg_bench", "compat_dpg_bench"),
        *(f"t2i_compbench_{part}" for part in ("color", "shape", "texture", "spatial", "spatial_3d")),
        *(f"t2i_compbench_{part}" for part in ("numeracy", "non_spatial", "complex")),
        *("hpsv2[v2.0]", "hpsv2[v2.1]", "geneval2_gm", "geneval2_am"),
        *("wise[gpt-4o-2024-05-13]", "wise[Qwen2.5-VL-72B-Instruct]", "wise_verified[Qwen3.5-35B-A3B]"),
        *(
            f"oneig_{part}{language}"
            for language in ("", "_zh")
            for part in ("alignment", "text", "reasoning", "style", "diversity")
        ),
        *("longtext_bench", "compat_longtext_bench", "longtext_bench_zh", "compat_longtext_bench_zh"),
        *(f"unigenbench{prompts}[gemini-2.5-pro]" for prompts in ("", "_long", "_zh", "_zh_long")),
    ),
    "compat": (
        *_PAIRED,
        "compat_vtbench_psnr",
        "compat_vtbench_ssim",
        "compat_vtbench_lpips",
        "compat_vtbench_cer",
        "compat_vtbench_wer",
        "compat_omnidoc_psnr",
        "compat_omnidoc_ned",
        *_DISTANCES,
        *_CODES,
    ),
}
"""Fixed, in this order; a metric that is not here stays in its record."""
COUNT = "_n"
ENDS = ("", "_ci_low", "_ci_high", COUNT)
"""What a metric's columns are called: its name and each of these."""
DIGITS = 7
"""Significant digits of a number: more than any interval supports, few enough to hide no last bit of noise."""


def columns_of(family: str) -> list[str]:
    """Every column of a family's CSV, in order."""
    metrics = [f"{name}{end}" for name in METRIC_COLUMNS[family] for end in ENDS]
    return [*KEY_COLUMNS, *FACT_COLUMNS, *metrics, *ORIGIN_COLUMNS]


def number_text(value: float | None) -> str:
    """Seven significant digits without padding; ``inf`` where that is the value; ``nan`` where it is undefined;
    empty for what is not there."""
    if value is None:
        return ""
    text = f"{value:.{DIGITS}g}"
    return "0" if text == "-0" else text
