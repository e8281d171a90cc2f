"""Kinds of tasks, and the kinds of metrics that they list."""

from __future__ import annotations

TRUTH = "truth"
"""Role of the image that image metrics of a generation task compare with."""
_FIRST, _THEN = "video image set code text instance block", "prompt likelihood condition shape map robustness"
METRIC_KINDS = (*_FIRST.split(), *_THEN.split(), "learnability", "probing", "cost", "judged")
"""Of metrics, in the order in which a protocol states them: a list each, as ``image_metrics``."""
WITHOUT_IMAGES = ("shapes", "maps")
"""Kinds of task whose samples are no images."""
