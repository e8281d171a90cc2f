"""Metrics of what a small network learns of codes: names, meanings, versions. No torch."""

from __future__ import annotations

from vtbench.core.info import MetricInfo


def _learned(name: str, unit: str, higher: bool | None, summary: str) -> MetricInfo:
    return MetricInfo(name=name, version=1, kind="learnability", unit=unit, higher_is_better=higher, summary=summary)


LEARNABILITY_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        _learned("ar_bits_per_pixel", "bits", False, "Bits of a held-out image's codes under a probe, a pixel."),
        _learned("ar_nll_bits", "bits", False, "Mean -log2 p of held-out tokens under a probe fitted on other images."),
        _learned("ar_nll_bits_train", "bits", None, "As ar_nll_bits, of the images that were fitted."),
        _learned("code_unigram_bits", "bits", None, "Held-out images' tokens by how often each occurs in the others."),
        _learned("ar_gain", "", None, "1 - ar_nll_bits over code_unigram_bits: what order and neighbours tell."),
    )
}
"""A probe says how well codes are predicted with its budget. Numbers compare at one task, data and order only."""
