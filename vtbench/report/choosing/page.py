"""``docs/choosing.md`` and its pictures, of the cards that whoever asks for them hands over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from vtbench.checkpoints.cards import Card
from vtbench.checkpoints.tables import table
from vtbench.report.choosing.bands import BANDS, Band, front
from vtbench.report.choosing.evaluators import Question
from vtbench.report.choosing.measured import Front, fronts
from vtbench.report.choosing.reported import Claim, Entry, Table, claims, tables
from vtbench.report.leaderboards.measured import measured_boards
from vtbench.report.leaderboards.picture import CROWDED, SIZE, picture
from vtbench.report.marks import Mark, marks_for
from vtbench.report.series import Chart, Point
from vtbench.results.leaderboards.folder import PUBLISHED
from vtbench.results.leaderboards.published import read_published

_HEAD = """# Choosing a tokenizer

Which tokenizer at which rate, as far as anybody has told. Written from the cards, from `leaderboards/published/` and
from `leaderboards/records/` by `python -m vtbench.cli.choosing leaderboards docs`; do not edit.

- **Fix the budget first.** A tokenizer that spends more bits should reconstruct better; ask which is best at *yours*.
  Bits a pixel are those of a 256×256 image: log2 K a token, one a bit, **16 a latent value**. A discrete tokenizer and
  a continuous one at equal bits take equal storage, and not equal effort to generate.
- **Then fix the question.** The order on documents is not the order on photographs: find the column that asks yours.
- **Compare down a column, never across.** A column is one evaluator under one protocol. What authors report of
  themselves is of a protocol of their own each, and so is listed, not ranked.
- **Reported and measured numbers never meet** here: first what others reported, at the end what vtbench measured.
- Reconstruction is not generation: a lower rFID does not make a better generator. How
  [robust](protocol.md#robustness-of-codes) codes are is one of the things it leaves out.
"""
_REPORTED = """## Reported, by one evaluator each

**Bold**: on the front of its column, so that no row with as few bits is better. Rates are those of the card, or of the
geometry that the source states. A dash: not reported.
"""
_MANY = 12
"""Models, above which a picture needs more room."""
_USUAL = "ImageNet-256 validation, as its authors report it; exact protocol not stated"
_CLAIMS = f"""## Reported, by their authors

Reconstruction FID by rate, each as its source has it. **Not a ranking:** one checkpoint is reported with 2.19, 2.11 and
4.28 by three evaluators. Several rows of a card are several claims. An empty protocol is "{_USUAL}".
"""
_MEASURED = """## Measured

By vtbench, from the records of the leaderboards: on each protocol and data set the models on the front, from few bits
to many. The whole tables stand in [the embedded suite](embedded-suite.md) and on the page of the
[leaderboards](leaderboards.md); `vtbench leaderboard add` brings yours in.
"""


def documents(root: Path, cards: Collection[Card], reported: Mapping[str, Card]) -> dict[str, str]:
    """Text of each file below ``docs``, by its name there.

    Args:
        root: a leaderboard folder.
        cards: of all tokenizers.
        reported: those that sources have numbers of, by the model's name there.

    Raises:
        VtbenchError: a published row or a record that is not whole.
    """
    rows = read_published(root / PUBLISHED)
    found, claimed = tables(rows, reported), claims(rows, reported, cards)
    told = {entry.card.name for one in found for entry in one.entries if entry.card is not None}
    told |= {claim.card.name for claim in claimed}
    parts = [
        _HEAD,
        _overview(found),
        _REPORTED,
        *map(_section, found),
        _CLAIMS,
        _claimed(claimed),
        _MEASURED,
        _measured(fronts(measured_boards(root))),
        _silent(card for card in cards if card.name not in told and not _is_small(card)),
    ]
    pictures = {one.evaluator.figure: _picture(one) for one in found if _is_drawn(one)}
    return {"choosing.md": "\n".join(part.rstrip() + "\n" for part in parts), **pictures}


def _overview(found: Sequence[Table]) -> str:
    """The best of each band, by every question that is asked of all."""
    asked = [(one, question) for one in found for question in one.evaluator.questions if question.asked]
    head = ["bits/pixel", *(question.asked for _, question in asked)]
    rows = [[band.told, *(_best_in(band, one, question) for one, question in asked)] for band in BANDS]
    note = "Reported. The best of each band by each evaluator, of how many it looked at there; below, all of them.\n"
    return f"## At a glance\n\n{note}\n{table(head, rows)}\n"


def _best_in(band: Band, one: Table, question: Question) -> str:
    inside = [(entry, value) for entry, value in one.points(question) if band.holds(entry.rate)]
    if not inside:
        return "–"
    best = (max if question.higher_is_better else min)(value for _, value in inside)
    names = ", ".join(_name(entry) for entry, value in inside if value == best)
    return f"{names} {best:g} (of {len(inside)})"


def _section(one: Table) -> str:
    evaluator = one.evaluator
    marked = {question: _marked(one, question) for question in evaluator.questions}
    head = ["tokenizer", "tokens", "bits/pixel", *(question.told for question in evaluator.questions)]
    rows = (
        [
            _name(entry),
            "–" if entry.tokens is None else str(entry.tokens),
            f"{entry.rate:.4g}",
            *(_cell(entry, question, entry.model in marked[question]) for question in evaluator.questions),
        ]
        for entry in one.entries
    )
    seen = f"![Bits a pixel against {evaluator.questions[0].told}]({evaluator.figure})\n\n" if _is_drawn(one) else ""
    rest = ", ".join(one.unplaced)
    left = f"\nWithout a card that is surely the same checkpoint, hence without a rate: {rest}.\n" if rest else ""
    return f"### {evaluator.title}\n\n{evaluator.about} Source: {one.origin}.\n\n{seen}{table(head, rows)}\n{left}"


def _cell(entry: Entry, question: Question, is_marked: bool) -> str:
    value = entry.values.get(question)
    if value is None:
        return "–"
    return f"**{value:g}**" if is_marked else f"{value:g}"


def _marked(one: Table, question: Question) -> set[str]:
    points = one.points(question)
    places = front([(entry.rate, value) for entry, value in points], question.higher_is_better)
    return {points[place][0].model for place in places}


def _name(entry: Entry) -> str:
    return entry.model if entry.card is None else f"`{entry.card.name}`"


def _claimed(claimed: Sequence[Claim]) -> str:
    rows = (
        [
            *_card_cells(claim.card),
            claim.card.licence or "–",
            f"{claim.value:g}",
            "" if claim.protocol == _USUAL else claim.protocol,
            claim.origin,
        ]
        for claim in claimed
    )
    head = ["tokenizer", "code", "tokens", "bits/pixel", "licence", "rFID", "protocol, as stated", "source"]
    return f"{table(head, rows)}\n"


def _card_cells(card: Card) -> list[str]:
    geometry = card.geometry
    assert geometry is not None
    return [f"`{card.name}`", geometry.code, str(geometry.token_count), f"{geometry.bits_per_pixel:.4g}"]


def _measured(found: Sequence[Front]) -> str:
    rows = (
        [
            f"`{one.board.first.task.protocol_id}`, n {one.board.first.data.n_scored}",
            f"{one.metric}, {'higher' if one.better == 'up' else 'lower'} is better",
            " · ".join(f"{point.x:.3g}: `{point.label}` {point.y:.4g}" for point in one.points),
        ]
        for one in found
    )
    return f"{table(['protocol', 'metric', 'bits/pixel: model, value'], rows)}\n"


def _is_small(card: Card) -> bool:
    """Whether it is one of the zoo, which says nothing about images of 256×256."""
    return card.checkpoint is not None and bool(card.checkpoint.package)


def _silent(cards: Iterable[Card]) -> str:
    """What can be run and nobody reports a number of, by band."""
    known = [(card.geometry.bits_per_pixel, card.name) for card in cards if card.geometry is not None]
    rows = [
        [band.told, ", ".join(f"`{name}`" for rate, name in sorted(known) if band.holds(rate)) or "–"] for band in BANDS
    ]
    note = "They are loaded by name; `vtbench run --task imagenet256-val --tokenizer NAME` measures one.\n"
    return f"## No number on this page\n\n{note}\n{table(['bits/pixel', 'tokenizers'], rows)}\n"


def _is_drawn(one: Table) -> bool:
    return bool(one.evaluator.figure and one.points(one.evaluator.questions[0]))


def _picture(one: Table) -> str:
    question = one.evaluator.questions[0]
    on_front = _marked(one, question)
    series = tuple(
        (label, (Point(label, entry.rate, value, on_front=entry.model in on_front),))
        for entry, value in one.points(question)
        for label in [entry.model if entry.card is None else entry.card.name]
    )
    better = "up" if question.higher_is_better else "down"
    title = f"{one.evaluator.title}: reported"
    chart = Chart(title, "bits a pixel", question.told, series, log_x=True, better=better)
    return picture(chart, _marks(series), CROWDED if len(series) > _MANY else SIZE)


def _marks(series: Sequence[tuple[str, object]]) -> Mapping[str, Mark]:
    return marks_for(label for label, _ in series)
