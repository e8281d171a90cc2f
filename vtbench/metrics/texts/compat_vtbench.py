"""Counts behind CER and "WER" as VTBench's released scripts compute them, image by image. For compat tasks only.

``vtbench_cer`` and ``vtbench_wer`` of :mod:`vtbench.metrics.texts.error_rates` are the same scores of a whole set at
once; sums of these columns over sums give the same values, and intervals and strata too.
"""

from __future__ import annotations

from vtbench.metrics.texts.error_rates import edit_distance
from vtbench.metrics.texts.normalisation import words

RELEASED_COLUMNS = (
    "compat_vtbench_edits",
    "compat_vtbench_length",
    "compat_vtbench_word_edits",
    "compat_vtbench_words",
)


def released_counts(prediction: str, reference: str) -> dict[str, float]:
    """Counts of one image, by column.

    Args:
        prediction: what the reader read on the reconstruction.
        reference: what it read on the original, which the scripts take for the truth.

    Returns:
        Character edits and reference length of the texts as they are; then, of the words joined again by single
        spaces, *character* edits and the number of reference *words*.
    """
    spoken, written = words(prediction), words(reference)
    counts = (
        edit_distance(prediction, reference),
        len(reference),
        edit_distance(" ".join(spoken), " ".join(written)),
        len(written),
    )
    return dict(zip(RELEASED_COLUMNS, map(float, counts), strict=True))
