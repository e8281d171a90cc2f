"""Metrics of likeness to the images of a condition, of subjects above all: names, meanings, versions. No torch."""

from __future__ import annotations

from vtbench.metrics.catalog.of_conditions.entries import ConditionEntry, condition_info

SUBJECT_INFOS = {
    info.name: info
    for info in (
        condition_info("clip_i", True, "Cosine of CLIP's embeddings, ViT-B/32, to the images of a role."),
        condition_info("dino_i", True, "Cosine of DINO ViT-S/16's class tokens to the images of a role."),
        condition_info("clip_t", True, "Cosine of CLIP's embeddings of image and caption, ViT-B/32."),
        condition_info(
            "prior_preservation", False, "dino_i of samples of the plain class to photographs of the subject."
        ),
        condition_info("compat_arbooth_dino_i", True, "Quirk: dino_i of squashed images in [-1, 1], uncropped."),
        condition_info(
            "image_similarity_efflite0", True, "Cosine of EfficientNet-Lite0's features to the images of a role."
        ),
    )
}


def subject_column(name: str) -> str:
    """The column beside a metric's own that tells subjects apart."""
    return f"{name}_of"


def _entry(name: str, role: str) -> ConditionEntry:
    return ConditionEntry(roles=(role,), columns=(name, subject_column(name)), any_role=True)


SUBJECT_ENTRIES = {
    "clip_i": _entry("clip_i", "truth"),
    "dino_i": _entry("dino_i", "truth"),
    "prior_preservation": _entry("prior_preservation", "subject"),
    "compat_arbooth_dino_i": _entry("compat_arbooth_dino_i", "subject"),
    "image_similarity_efflite0": _entry("image_similarity_efflite0", "subject"),
}
_AT = "vtbench.metrics.conditioned"
SUBJECT_TARGETS = {
    "clip_i": f"{_AT}.similarity:ClipI",
    "dino_i": f"{_AT}.similarity:DinoI",
    "clip_t": f"{_AT}.captioned:ClipT",
    "prior_preservation": f"{_AT}.similarity:PriorPreservation",
    "compat_arbooth_dino_i": f"{_AT}.similarity:CompatArboothDinoI",
    "image_similarity_efflite0": f"{_AT}.similarity:ImageSimilarityEfflite0",
}
