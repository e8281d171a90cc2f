"""Which values of a column may be called the best: never across protocols, data, unequal n, or unequal rates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vtbench.results.records.record import RunRecord
from vtbench.results.tables.rows import metric_result

IDENTITY = "identity"
_RATE_DIGITS = 9
"""Rates that agree to so many digits are equal: what differs beyond comes from the order of a sum."""
_RANKED = "rows of one protocol, data set and n"


@dataclass(frozen=True)
class Entry:
    """One value that may be marked.

    Attributes:
        group: only entries of one group are compared.
        rate: bits a pixel; ``None`` where that is not known.
    """

    group: tuple[object, ...]
    value: float
    higher_is_better: bool | None
    rate: float | None


def best_rows(records: Sequence[RunRecord], metric: str) -> set[int]:
    """Positions of the values of ``metric`` that tables mark.

    Rows are compared where protocol, data, samples scored and samples behind the value are equal. Where they spend as
    many bits a pixel, the best value is marked; where they do not, every value on the Pareto front: no other row has
    as many bits or fewer and is better. Rows whose rate is not known are compared among themselves. ``identity``, which
    loses nothing and codes nothing, takes no part, nor does a mean that leaves out the images a model copied perfectly.
    """
    entries = [_entry(record, metric) for record in records]
    groups: dict[tuple[object, ...], list[int]] = {}
    for position, entry in enumerate(entries):
        if entry is not None:
            groups.setdefault(entry.group, []).append(position)
    marked: set[int] = set()
    for positions in groups.values():
        members = [entry for position in positions if (entry := entries[position]) is not None]
        marked.update(position for position, chosen in zip(positions, _marked(members), strict=True) if chosen)
    return marked


def meaning_of_marks(records: Sequence[RunRecord], metrics: Sequence[str]) -> str:
    """What the marks of :func:`best_rows` say in a table of these rows and columns; empty where nothing is marked."""
    if not any(best_rows(records, name) for name in metrics):
        return ""
    if _several_rates(_rates(records)):
        return f"on the Pareto front of {_RANKED} (none with as few bits a pixel is better)"
    return f"the best among {_RANKED}"


def is_identity(record: RunRecord) -> bool:
    """Whether the model is the image itself: what others lose is measured from it, and it competes with none."""
    return record.model.name == IDENTITY


def _entry(record: RunRecord, metric: str) -> Entry | None:
    result = record.result(metric)
    if result is None or math.isnan(result.value) or result.higher_is_better is None or is_identity(record):
        return None
    if result.details.get("n_infinite") and math.isfinite(result.value):
        return None
    rate = _rate(record)
    covered = min(result.n, record.data.n_scored)
    group = (record.task.protocol_id, record.data.fingerprint, record.data.n_scored, covered, rate is None)
    return Entry(group, result.value, result.higher_is_better, rate)


def _marked(entries: Sequence[Entry]) -> list[bool]:
    """Which entries of one group are marked: none of one alone, nor where all are equal in value and rate."""
    goodness = [entry.value if entries[0].higher_is_better else -entry.value for entry in entries]
    rates = [entry.rate or 0.0 for entry in entries]
    if len(entries) < 2 or (len(set(goodness)) < 2 and not _several_rates(rates)):
        return [False] * len(entries)
    if not _several_rates(rates):
        return [good == max(goodness) for good in goodness]
    chosen = front(rates, goodness)
    return [row in chosen for row in range(len(entries))]


def front(rates: Sequence[float], goodness: Sequence[float]) -> set[int]:
    """Positions on the Pareto front: no other has as few bits and as good a value, and is ahead in one of the two.

    Args:
        rates: bits of each.
        goodness: its value, negated where less is better.
    """
    others = list(zip(rates, goodness, strict=True))
    return {
        place
        for place, (rate, good) in enumerate(others)
        if not any(o <= rate and value >= good and (o < rate or value > good) for o, value in others)
    }


def _several_rates(rates: Sequence[float]) -> bool:
    return len(set(rates)) > 1


def _rates(records: Sequence[RunRecord]) -> list[float]:
    return [rate for record in records if not is_identity(record) and (rate := _rate(record)) is not None]


def _rate(record: RunRecord) -> float | None:
    """Bits a pixel, to as many digits as tell rates apart; a rate that is not a number is not known."""
    found = metric_result(record, "bits_per_pixel")
    return None if found is None or math.isnan(found.value) else float(f"{found.value:.{_RATE_DIGITS}g}")
