"""Fits of the zoo, as ``docs/zoo.md`` tells and draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vtbench.checkpoints.cards import CommonCard
from vtbench.checkpoints.tables import table
from vtbench.core.disk.packaged import ZOO, packaged_file
from vtbench.core.outside.parsing import read_json
from vtbench.report.leaderboards.picture import picture
from vtbench.report.marks import marks_for
from vtbench.report.series import Chart, Point

LOSSES = {
    "mean squared error in [-1, 1]": "figures/zoo-losses.svg",
    "cross entropy of a token in nats": "figures/zoo-cross-entropies.svg",
    "cross entropy of a masked token in nats": "figures/zoo-masked-cross-entropies.svg",
    "squared error of the noise and bits of its spread, of a value": "figures/zoo-noise.svg",
}
"""By what a fit's losses are, the picture of them."""
_SETTLED = 400
"""Steps after which a loss is drawn: what comes before would flatten the rest."""
_HEAD = """## Fits

The loss is that of the last steps: of tokenizers the mean squared error in [-1, 1], of generators that of their kind,
as the pictures say; commit and command stand in the file of weights too. Everything else, the loss over all steps
included, is in `zoo/vtbench_zoo/NAME.json`.
"""


def sections(cards: Sequence[CommonCard]) -> tuple[list[str], dict[str, str]]:
    """Text of the page, and its pictures by file.

    Args:
        cards: those whose weights are of the zoo.
    """
    fits = {card.name: _fit(card.name) for card in cards}
    drawn = {name: fit for name, fit in fits.items() if len(fit["loss"]["values"]) > 2}
    parts, pictures = [_HEAD, _table(cards, fits)], {}
    for unit, file in LOSSES.items():
        of_unit = {name: fit for name, fit in drawn.items() if _unit(fit) == unit}
        if of_unit:
            parts.append(f"![Loss of each fit over its steps: {unit}]({file})\n")
            pictures[file] = _losses(of_unit, unit)
    return parts, pictures


def commit_of(made: Mapping[str, Any]) -> str:
    """Which code made it, as Markdown: the commit in short, else the version.

    Args:
        made: of a fit's card.
    """
    code = made["code"]
    return f"`{(code['git_commit'] or code['vtbench_version'])[:9]}`"


def _fit(name: str) -> Mapping[str, Any]:
    path = packaged_file(ZOO, f"{name}.json")
    assert path is not None
    found: Mapping[str, Any] = read_json(path)
    return found


def _table(cards: Sequence[CommonCard], fits: Mapping[str, Mapping[str, Any]]) -> str:
    head = ["name", "class", "parameters", "steps", "seconds", "device", "images", "loss", "commit"]
    return table(head, (_row(card, fits[card.name]) for card in cards)) + "\n"


def _row(card: CommonCard, fit: Mapping[str, Any]) -> list[str]:
    environment = fit["made"]["environment"]
    return [
        f"`{card.name}`",
        f"`{card.target}`",
        f"{fit['parameters']:,}",
        f"{fit['steps']:,} of {fit['recipe']['batch']}",
        f"{fit['seconds']:,.0f}",
        environment["device_name"] or environment["cpu"],
        f"{fit['images']['count']:,} of {fit['images']['source']}",
        f"{fit['loss']['values'][-1]:.4f}",
        commit_of(fit["made"]),
    ]


def _unit(fit: Mapping[str, Any]) -> str:
    return str(fit["loss"]["what"]).rpartition(", means over")[0]


def _losses(fits: Mapping[str, Mapping[str, Any]], unit: str) -> str:
    curves = {name: _points(name, fit) for name, fit in fits.items()}
    series = tuple((name, points[::-1]) for name, points in curves.items())  # a name stands at the first
    chart = Chart("Fits", "share of the steps", unit, series, better="down", curves=tuple(curves.values()))
    return picture(chart, marks_for(fits))


def _points(name: str, fit: Mapping[str, Any]) -> tuple[Point, ...]:
    values = fit["loss"]["values"]
    first = min(len(values) - 1, round(_SETTLED * len(values) / fit["steps"]))
    return tuple(Point(name, (place + 1) / len(values), value) for place, value in enumerate(values) if place >= first)
