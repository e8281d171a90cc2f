"""What a call of a tokenizer takes: names, meanings, versions. No torch."""

from __future__ import annotations

from vtbench.core.info import MetricInfo

COST_COLUMNS = ("encode_ms", "decode_ms", "encode_peak_mb", "decode_peak_mb")
"""One row an image: milliseconds of a call on it alone, and the most memory that was held meanwhile, in MiB."""


def _cost(name: str, unit: str, summary: str, column: str = "") -> MetricInfo:
    return MetricInfo(
        name=name, version=1, kind="cost", unit=unit, higher_is_better=False, summary=summary, column=column
    )


COST_INFOS: dict[str, MetricInfo] = {
    info.name: info
    for part in ("encode", "decode")
    for info in (
        _cost(f"{part}_ms", "ms", f"Median over calls of the time to {part} one image, after warm-up, on one device."),
        _cost(f"{part}_ms_p95", "ms", f"95th percentile over calls of the time to {part} one image.", f"{part}_ms"),
        _cost(f"{part}_peak_mb", "MiB", f"Most memory held during a call that {part}s one image."),
    )
}
