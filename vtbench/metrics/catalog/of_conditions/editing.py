"""Metrics of edited images: names, meanings, versions. No torch."""

from __future__ import annotations

from vtbench.metrics.catalog.of_conditions.entries import ConditionEntry, condition_info

_OUTSIDE = "outside the mask"
_QUIRK = "Quirk: of images blackened inside the mask, over the whole frame (PIE-Bench):"
EDITING_INFOS = {
    info.name: info
    for info in (
        condition_info(
            "psnr_background",
            True,
            f"PSNR to the source {_OUTSIDE}, peak 255, RGB.",
            unit="dB",
            aggregation="mean_finite",
        ),
        condition_info("mse_background", False, f"Mean squared error to the source {_OUTSIDE}, levels in [0, 1]."),
        condition_info(
            "ssim_background",
            True,
            f"SSIM to the source over windows wholly {_OUTSIDE}, as ssim else.",
            least_side=11,
        ),
        condition_info(
            "lpips_alex_background", False, f"LPIPS, AlexNet, to the source, averaged {_OUTSIDE}.", least_side=31
        ),
        condition_info(
            "lpips_vgg_background", False, f"LPIPS, VGG16, to the source, averaged {_OUTSIDE}.", least_side=16
        ),
        condition_info(
            "lpips_squeeze_background", False, f"LPIPS, SqueezeNet, to the source, averaged {_OUTSIDE}.", least_side=17
        ),
        condition_info("compat_pie_psnr_background", True, f"{_QUIRK} PSNR.", unit="dB", aggregation="mean_finite"),
        condition_info("compat_pie_mse_background", False, f"{_QUIRK} mean squared error, levels in [0, 1]."),
        condition_info("compat_pie_ssim_background", True, f"{_QUIRK} SSIM, edges reflected.", least_side=11),
        condition_info("compat_pie_lpips_background", False, f"{_QUIRK} LPIPS, SqueezeNet.", least_side=17),
        condition_info(
            "structure_distance", False, "Squared difference of self-similarities of DINO ViT-B/8's last keys."
        ),
        condition_info(
            "compat_pie_structure_distance", False, "Quirk: the same of levels from 0 to 255 where [0, 1] is expected."
        ),
        condition_info("clip_score_whole", True, "100 × cosine of CLIP's image and caption of the edit, ViT-L/14."),
        condition_info("clip_score_edited", True, "The same of the image, black outside the mask."),
        condition_info(
            "clip_direction", True, "Cosine of the way from the source and that between captions, CLIP ViT-B/32."
        ),
        condition_info("clip_out", True, "Cosine of CLIP's embeddings of image and output caption, ViT-B/32."),
        condition_info("l1", False, "Mean absolute difference to the truth, levels in [0, 1]."),
        condition_info("l2", False, "Mean squared difference to the truth, levels in [0, 1]."),
    )
}
_MASKED = ConditionEntry(roles=("source", "mask"), aligned=True)
EDITING_ENTRIES = {
    **{name: _MASKED for name in EDITING_INFOS if name.endswith("_background")},
    "structure_distance": ConditionEntry(roles=("source",), aligned=True),
    "compat_pie_structure_distance": ConditionEntry(roles=("source",), aligned=True),
    "clip_score_edited": ConditionEntry(roles=("mask",), aligned=True),
    "clip_direction": ConditionEntry(roles=("source",), aligned=True),
    "l1": ConditionEntry(roles=("truth",), aligned=True, any_role=True),
    "l2": ConditionEntry(roles=("truth",), aligned=True, any_role=True),
}
_AT = "vtbench.metrics.conditioned"
EDITING_TARGETS = {
    "psnr_background": f"{_AT}.editing.background:PsnrBackground",
    "mse_background": f"{_AT}.editing.background:MseBackground",
    "ssim_background": f"{_AT}.editing.background:SsimBackground",
    "lpips_alex_background": f"{_AT}.editing.perceptual:LpipsAlexBackground",
    "lpips_vgg_background": f"{_AT}.editing.perceptual:LpipsVggBackground",
    "lpips_squeeze_background": f"{_AT}.editing.perceptual:LpipsSqueezeBackground",
    "compat_pie_psnr_background": f"{_AT}.editing.compat_pie:CompatPiePsnr",
    "compat_pie_mse_background": f"{_AT}.editing.compat_pie:CompatPieMse",
    "compat_pie_ssim_background": f"{_AT}.editing.compat_pie:CompatPieSsim",
    "compat_pie_lpips_background": f"{_AT}.editing.compat_pie:CompatPieLpips",
    "structure_distance": f"{_AT}.editing.structure:StructureDistance",
    "compat_pie_structure_distance": f"{_AT}.editing.structure:CompatPieStructureDistance",
    "clip_score_whole": f"{_AT}.captioned:ClipScoreWhole",
    "clip_score_edited": f"{_AT}.captioned:ClipScoreEdited",
    "clip_direction": f"{_AT}.captioned:ClipDirection",
    "clip_out": f"{_AT}.captioned:ClipOut",
    "l1": f"{_AT}.editing.distances:L1",
    "l2": f"{_AT}.editing.distances:L2",
}
