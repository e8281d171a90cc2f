"""The pairs of a sample and the training image nearest to it, as results hold them: named, and listed for pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vtbench.metrics.catalog.lookup import set_metric
from vtbench.results.records.nearest import NEAREST, NEAREST_BY, Pair
from vtbench.results.records.samples import SCORED, Samples
from vtbench.results.records.schema import MetricResult


def with_names(results: Iterable[MetricResult], samples: Samples) -> list[MetricResult]:
    """Results whose pairs name their sample: its place and id instead of its row among the scored ones."""
    scored = [place for place, status in enumerate(samples.status) if status == SCORED]
    return [_named(result, samples, scored) if NEAREST in result.details else result for result in results]


def _named(result: MetricResult, samples: Samples, scored: Sequence[int]) -> MetricResult:
    pairs = [
        {**pair, "sample": int(samples.index[place]), "id": samples.ids[place]}
        for pair in result.details[NEAREST]
        for place in (scored[pair["sample"]],)
    ]
    entry = set_metric(result.metric)
    by = {} if entry is None else {NEAREST_BY: entry.extractor}
    return result.model_copy(update={"details": {**result.details, NEAREST: pairs, **by}})


def pairs_of(results: Iterable[MetricResult]) -> list[tuple[str, Pair]]:
    """Every pair that results name, once, with the extractor that it is nearest by."""
    found: dict[tuple[str, Pair], None] = {}
    for result in results:
        by = result.details.get(NEAREST_BY)
        if by is not None:
            found |= {(str(by), Pair.read(pair)): None for pair in result.details[NEAREST]}
    return list(found)
