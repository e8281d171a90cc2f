"""What ``docs/zoo.md`` says of recipes that were fitted twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vtbench.checkpoints.tables import table
from vtbench.zoo.page.fits import commit_of
from vtbench.zoo.repeats import Repeat

_HEAD = """### Fitted again

The same recipe, seed and images, another time, on as many threads as it says. Beside the last losses stand the largest
difference of the two over all the steps, and the noise: how far one mean of so many steps lies from the next.
"""


def section(found: Sequence[Repeat]) -> str:
    """The table as Markdown, and whether each loss came again; empty where nothing was fitted twice."""
    if not found:
        return ""
    names = ["name", "threads", "commit", "loss", "again", "difference", "largest", "noise"]
    return f"{_HEAD}\n{_verdict(found)}\n\n{table(names, map(_row, found))}\n"


def _verdict(found: Sequence[Repeat]) -> str:
    missed = [one.name for one in found if not one.holds]
    if all(one.farthest == 0 and one.losses[0] == one.losses[1] for one in found):
        return "Measured: every loss is the same to its last digit."
    if not missed:
        return "Measured: the last losses differ by less than twice the noise, in every row."
    return f"Measured: **not** within twice the noise: {', '.join(missed)}."


def _row(one: Repeat) -> list[str]:
    before, after = one.losses
    return [
        f"`{one.name}`",
        " → ".join(str(made["environment"]["threads"]) for made in _both(one)),
        " → ".join(map(commit_of, _both(one))),
        f"{before:.4f}",
        f"{after:.4f}",
        f"{after - before:+.2g}",
        f"{one.farthest:.2g}",
        f"{one.noise:.4f}",
    ]


def _both(one: Repeat) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return one.first["made"], one.again["made"]
