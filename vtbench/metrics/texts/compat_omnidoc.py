"""Counts behind NED as OmniDoc-TokenBench's released script computes it. For compat tasks only.

``alibaba/OmniDoc-TokenBench@f2815a7``, ``eval_metrics.py``: 1 - edits / longer length of what was read on original and
reconstruction, lines joined by nothing, nothing normalised; a sample on whose original nothing is read is left out.
"""

from __future__ import annotations

from vtbench.metrics.texts.error_rates import edit_distance

OMNIDOC_COLUMNS = ("compat_omnidoc_edits", "compat_omnidoc_max_length")


def omnidoc_counts(prediction: str, reference: str) -> dict[str, float]:
    """Edits and longer length of one image, by column; nothing where the original reads empty."""
    if not reference:
        return {}
    counts = edit_distance(prediction, reference), max(len(prediction), len(reference))
    return dict(zip(OMNIDOC_COLUMNS, map(float, counts), strict=True))
