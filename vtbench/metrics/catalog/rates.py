"""Metrics of codes and their likelihood, of texts, and of words and faces: names, meanings, versions. No torch."""

from __future__ import annotations

from dataclasses import replace

from vtbench.core.info import MetricInfo


def _code(name: str, unit: str, higher: bool | None, summary: str) -> MetricInfo:
    return MetricInfo(name=name, version=1, kind="code", unit=unit, higher_is_better=higher, summary=summary)


CODE_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        _code("codebook_usage", "", True, "Share of codebook entries seen over the whole set."),
        _code("codebook_perplexity", "codes", True, "2 to the entropy of the codes over the whole set."),
        _code("code_entropy_bits", "bits", None, "Entropy of the codes over the whole set, a token."),
        _code("code_js_divergence", "bits", False, "Jensen–Shannon divergence of sampled codes and real ones."),
        _code("code_copy_rate", "", False, "Share of samples with a training image's codes in 90 % of positions."),
        _code("longest_code_run", "tokens", None, "Mean longest run of codes that a sample shares with training."),
        _code("bits_per_pixel", "bits", None, "Bits an image divided by its pixels at the task's size."),
        _code("tokens_per_image", "tokens", None, "Grid positions over all levels; bytes for a codec."),
        _code("tokens_per_clip", "tokens", None, "Grid positions of a clip over all levels; bytes for a codec."),
    )
}
CODE_COPIES = ("code_copy_rate", "longest_code_run")
"""Metrics of codes that are compared with those of training images."""
BITS_COLUMN = "bits_per_pixel"
ROW_CODE_METRICS = (BITS_COLUMN, "tokens_per_image", "tokens_per_clip")
"""A row a sample. Bits of a clip are divided by the pixels of all its frames."""


def tokens_column(frames: int | None) -> str:
    """What the tokens of a sample are called: of an image, or of a clip of ``frames``."""
    return "tokens_per_image" if frames is None else "tokens_per_clip"


def _likelihood(name: str, summary: str) -> MetricInfo:
    return MetricInfo(name=name, version=1, kind="likelihood", unit="bits", higher_is_better=False, summary=summary)


PIXEL_LIKELIHOOD = "bits_per_dim"
LIKELIHOOD_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        _likelihood("code_nll_bits", "Mean -log2 p of a real image's tokens, teacher-forced; of one tokenizer only."),
        _likelihood("code_nll_bits_per_pixel", "Total -log2 p of a real image's codes over pixels at the task's size."),
        _likelihood(PIXEL_LIKELIHOOD, "Total -log2 p of a real image's 8-bit RGB values over their number."),
    )
}
"""What a generator says of real images. Codes lose something of an image, so theirs is no likelihood of pixels."""


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
REREAD = "reread_"
_REREAD = {
    name: _text(f"{REREAD}{name}", better, summary)
    for name, better, summary in (
        ("cer", False, "Edits between readings of reconstruction and original, over the original's characters, micro"),
        ("ned", False, "Mean over images of edits between the two readings over the longer one's length"),
        ("accuracy", True, "Share of images that are read as their original is"),
    )
}
TEXT_INFOS |= {info.name: replace(info, summary=f"{info.summary}.") for info in _REREAD.values()} | {
    f"{info.name}_{side}": replace(info, name=f"{info.name}_{side}", summary=f"{words} {info.summary}.")
    for info in _REREAD.values()
    for side, words in {
        "floor": "The reader's own unrest, of originals moved by one level at most:",
        "excess": "What the reconstruction adds to the reader's unrest:",
    }.items()
}
"""Of images whose text nobody wrote down: the reading of the original stands for it."""
_COMPAT_TEXT = (
    _text("compat_omnidoc_ned", True, "Quirk: 1 - edits / longer length against the reading of the original."),
    _text("compat_vtbench_cer", False, "Quirk: CER against what the reader read on the original, nothing normalised."),
    _text("compat_vtbench_wer", False, 'Quirk: "WER" that edits characters and divides by words that were read.'),
)
TEXT_INFOS |= {info.name: info for info in _COMPAT_TEXT}


def truth_of(name: str) -> str:
    """What a text metric compares with: ``text`` of the data, or a reading of the original, by whose rules."""
    return next((rules for rules in ("reread", "compat_vtbench", "compat_omnidoc") if name.startswith(rules)), "text")


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
