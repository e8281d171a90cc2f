"""Names under which numbers of others are kept: a metric's own where its source says enough, else one of these."""

from __future__ import annotations

import difflib
from collections.abc import Collection

LOOSE = {
    "rfid": ("fid", "a Fréchet distance between images and their reconstructions; network and resize not stated"),
    "gfid": ("fid", "a Fréchet distance between samples and a reference; network and resize not stated"),
    "lpips_unstated": ("lpips_alex", "LPIPS of a network that its source does not state"),
    "wise_unstated": ("wise[gpt-4o-2024-05-13]", "WISE (legacy) by a judge that its source does not state"),
}
"""Less exact than the metric of this project that they stand beside: that metric, and what they mean."""
FOREIGN = {
    "fid_64": "FID over the 64 features of Inception's first pooling",
    "rfvd": "Fréchet video distance between videos and their reconstructions",
    "pfid": "a Fréchet distance between images and reconstructions of their codes, some exchanged",
    "linear_probe": "accuracy of a linear classifier on a generator's features",
    "balance": "of an edit, between doing what was asked and keeping the rest, as a GPT judges it",
    "genai_bench_hard": "GenAI-Bench, hard prompts",
    "genai_bench_hard_change": "difference of GenAI-Bench, hard prompts, to a baseline",
    "speedup": "seconds of a baseline over those of the method",
    "throughput_gain": "images a second over those of a baseline",
    "frames_per_s": "frames of video a second",
    "seconds_per_image": "seconds an image",
    "memory_change": "memory against a baseline's, in per cent",
    "peak_memory": "peak memory",
    "fid_change": "difference or relative change of a FID to a baseline",
    "is_change": "difference or relative change of an inception score to a baseline",
    "understanding_change": "change of a benchmark of understanding to a baseline",
}
"""Of others alone: nothing here measures them."""
_VAGUE = {
    "lpips": "name its network, lpips_alex or lpips_vgg; lpips_unstated where the source does not",
}


def name_problem(name: str, known: Collection[str]) -> str | None:
    """Why a reported number cannot be kept under ``name``; ``None`` where it can.

    Args:
        name: of the metric.
        known: names of this project's metrics.
    """
    judged = name.endswith("]") and name.partition("[")[0] in known  # by a judge that stands in the name
    if judged or name in known or name in LOOSE or name in FOREIGN:
        return None
    if name in _VAGUE:
        return f"{name} does not say which: {_VAGUE[name]}"
    close = difflib.get_close_matches(name, [*known, *LOOSE, *FOREIGN], n=3, cutoff=0.5)
    return f"unknown metric {name!r}" + (f", did you mean {' or '.join(close)}?" if close else "")


def looser_names(metric: str) -> tuple[str, ...]:
    """What sources call a metric that has one exact name here: ``rfid`` and ``gfid`` for ``fid``."""
    beside = metric.replace("lpips_vgg", "lpips_alex")  # a number of an unstated network stands beside both
    return tuple(name for name, (exact, _) in LOOSE.items() if exact == beside)
