"""What tables and frames share: which metrics come first, how sizes are told, which rows may be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vtbench.results.record import RunRecord
from vtbench.results.schema import MetricResult

NATIVE = "native"
RATE_METRICS = ("tokens_per_image", "bits_per_pixel")


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
    unit = "tokens" if metric == "tokens_per_image" else "bits"
    return None if stated is None else MetricResult(metric=metric, value=stated, n=record.data.n_scored, unit=unit)


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


def comparable_key(record: RunRecord) -> tuple[str, str, int]:
    """Rows are ranked only where this is equal; a row that lost samples is not ranked against one that did not."""
    return record.task.protocol_id, record.data.fingerprint, record.data.n_scored


def best_rows(records: Sequence[RunRecord], metric: str) -> set[int]:
    """Positions of the best value among comparable rows; empty for a row alone, or where no direction is better."""
    groups: dict[tuple[str, str, int], list[tuple[int, MetricResult]]] = {}
    for position, record in enumerate(records):
        result = record.result(metric)
        if result is not None and result.value == result.value:
            groups.setdefault(comparable_key(record), []).append((position, result))
    best: set[int] = set()
    for rows in groups.values():
        direction = rows[0][1].higher_is_better
        values = [result.value for _, result in rows]
        if direction is not None and len(set(values)) > 1:
            target = max(values) if direction else min(values)
            best.update(position for position, result in rows if result.value == target)
    return best


def _stated_rate(record: RunRecord, metric: str) -> float | None:
    if metric == "tokens_per_image":
        return record.model.tokens_per_image
    size, bits = record.data.scored_size, record.model.bits_per_image
    return None if size is None or bits is None else bits / (size[0] * size[1])
