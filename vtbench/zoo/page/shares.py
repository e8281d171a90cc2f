"""What of a generator's distance is its tokenizer's: two boards joined in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vtbench.checkpoints.tables import table
from vtbench.report.gather import Board
from vtbench.results.records.schema import MetricResult
from vtbench.results.tables.digits import column_decimals, estimate_text
from vtbench.zoo.page.values import DISTANCE, reading, result_of

UNTOUCHED = "identity"
"""The row of ``zoo-share`` that no tokenizer touched."""
_HEAD = """### A tokenizer's share bounds a generator's distance

Both against the same statistics and of as many images: a generator's samples, and images through its tokenizer alone.
The difference is what the generator adds. As many other images, through no tokenizer, have {untouched}: less than that
no sampler is expected to reach.
"""


@dataclass(frozen=True)
class Bound:
    """A generator beside its tokenizer.

    Attributes:
        generator: its label.
        tokenizer: name of what it samples codes of.
        distance: of its samples.
        share: of images through the tokenizer alone.
    """

    generator: str
    tokenizer: str
    distance: MetricResult
    share: MetricResult

    @property
    def added(self) -> float:
        """What the generator adds to its tokenizer's distance."""
        return self.distance.value - self.share.value

    @property
    def holds(self) -> bool:
        """Whether the tokenizer alone is nearer, by more than both intervals together."""
        return reading(self.distance).above(reading(self.share))


def bounds(generation: Board, share: Board) -> list[Bound]:
    """Generators whose tokenizer was measured alone, the nearest first.

    Args:
        generation: of ``zoo-generation``.
        share: of ``zoo-share``, with a row a tokenizer.
    """
    alone = _alone(share)
    found = [
        Bound(run.label, name, result_of(run, DISTANCE), alone[name])
        for run in generation.runs
        if (name := run.record.model.tokenizer or "") in alone
    ]
    return sorted(found, key=lambda bound: bound.distance.value)


def section(generation: Board, share: Board) -> str:
    """The table as Markdown, and whether the bound holds in every row; empty where no generator has one."""
    found = bounds(generation, share)
    if not found:
        return ""
    untouched = _alone(share).get(UNTOUCHED)
    columns = [[bound.share for bound in found], [bound.distance for bound in found]]
    decimals = [column_decimals(results) for results in columns]
    rows = [
        [bound.generator, bound.tokenizer, *_cells(bound, decimals), f"{bound.added:.{max(decimals)}f}"]
        for bound in found
    ]
    head = _HEAD.format(untouched="no row" if untouched is None else estimate_text(untouched, decimals[0]))
    names = ["generator", "tokenizer", f"{DISTANCE} of the tokenizer alone", f"{DISTANCE} of the generator", "added"]
    return f"{head}\n{_verdict(found)}\n\n{table(names, rows)}\n"


def _alone(share: Board) -> Mapping[str, MetricResult]:
    return {run.label: result_of(run, DISTANCE) for run in share.runs}


def _cells(bound: Bound, decimals: Sequence[int]) -> list[str]:
    return [estimate_text(bound.share, decimals[0]), estimate_text(bound.distance, decimals[1])]


def _verdict(found: Sequence[Bound]) -> str:
    broken = [bound.generator for bound in found if not bound.holds]
    if not broken:
        return "Measured: in every row the tokenizer alone is nearer than the generator, beyond both intervals."
    return f"Measured: **not** in every row beyond both intervals: {', '.join(broken)}."
