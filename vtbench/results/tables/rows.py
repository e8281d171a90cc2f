"""What tables and frames share: which metrics come first, how sizes and counts are told, which row follows which."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from vtbench.results.records.record import RunRecord
from vtbench.results.records.schema import MetricResult

NATIVE = "native"
TOKEN_METRICS = ("tokens_per_image", "tokens_per_clip")
RATE_METRICS = (*TOKEN_METRICS, "bits_per_pixel")


def preferred_metrics(records: Iterable[RunRecord]) -> list[str]:
    """Metrics in the order of the tasks' own tables; for a task without one, as its results come."""
    wanted: dict[str, None] = {}
    for record in records:
        own = [result.metric for result in record.results]
        table = [str(name) for name in record.task.spec.get("table") or ()]
        wanted.update(dict.fromkeys(table or own))
    return list(wanted)


def all_metrics(records: Sequence[RunRecord]) -> list[str]:
    """Every metric with a result: the preferred ones first, the others as they come."""
    present = dict.fromkeys(result.metric for record in records for result in record.results)
    first = [name for name in preferred_metrics(records) if name in present]
    return list(dict.fromkeys([*first, *present]))


def metric_result(record: RunRecord, metric: str) -> MetricResult | None:
    """The result over all samples; rates fall back on what the model section states."""
    measured = record.result(metric)
    if measured is not None or metric not in RATE_METRICS:
        return measured
    stated = _stated_rate(record, metric)
    unit = "tokens" if metric in TOKEN_METRICS else "bits"
    return None if stated is None else MetricResult(metric=metric, value=stated, n=record.data.n_scored, unit=unit)


def result_name(result: MetricResult) -> str:
    """``psnr``, and of a part of the samples ``psnr[glyph_px=8]``: the name of a result where one line holds many."""
    return result.metric if result.stratum == "all" else f"{result.metric}[{result.stratum}]"


def size_text(size: tuple[int, int] | None, record: RunRecord) -> str:
    """``256`` for a square, ``256x384`` (height x width) otherwise, ``native`` where images differ in size."""
    if size is None:
        side = (record.task.spec.get("preprocess") or {}).get("size")
        return NATIVE if side is None else str(side)
    height, width = size
    return str(height) if height == width else f"{height}x{width}"


def input_size(record: RunRecord) -> str:
    """Size of the images the model was given, in pixels."""
    return size_text(record.model.input_size or record.data.scored_size, record)


def scored_size(record: RunRecord) -> str:
    """Size at which scores were taken, in pixels."""
    return size_text(record.data.scored_size, record)


def count_text(record: RunRecord, result: MetricResult) -> str:
    """``(n 2)`` where a value rests on fewer samples than the row scored, empty where on all of them.

    Metrics of codes count tokens and those of words and faces count instances: more than there are samples.
    """
    return fewer_text(result.n, record.data.n_scored)


def fewer_text(n: int | None, n_scored: int | None) -> str:
    """``(n 2)`` where ``n`` is below the samples scored; empty where it is not, or either is not stated."""
    return f"(n {n})" if n is not None and n_scored is not None and n < n_scored else ""


def by_rate(records: Iterable[RunRecord]) -> list[RunRecord]:
    """Task by task, in each by bits a pixel, then by name; models whose rate is not known come last."""
    return sorted(records, key=_place)


def _place(record: RunRecord) -> tuple[str, str, float, str]:
    rate = metric_result(record, "bits_per_pixel")
    known = rate is not None and not math.isnan(rate.value)
    bits = rate.value if rate is not None and known else math.inf
    return record.task.name, record.task.protocol_id, bits, record.model.label


def _stated_rate(record: RunRecord, metric: str) -> float | None:
    frames = record.task.spec.get("frames")
    if metric in TOKEN_METRICS:
        return record.model.tokens_per_image if (metric == "tokens_per_clip") == (frames is not None) else None
    size, bits = record.data.scored_size, record.model.bits_per_image
    return None if size is None or bits is None else bits / (size[0] * size[1] * (frames or 1))


def device_of(record: RunRecord) -> str:
    """The device that a row's times are of; empty where the device does not belong to the numbers."""
    return record.environment.hardware if record.task.spec.get("kind") == "cost" else ""
