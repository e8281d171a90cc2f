"""The page on choosing: what follows from what, and that reported and measured numbers do not meet."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from vtbench.checkpoints.cards import load_cards
from vtbench.cli.choosing import written
from vtbench.report.choosing.bands import BANDS, front
from vtbench.report.choosing.evaluators import EVALUATORS
from vtbench.report.choosing.page import documents
from vtbench.report.choosing.reported import claims, tables
from vtbench.results.leaderboards.published import COLUMNS, ReportedRow, read_published
from vtbench.tokenizers.reported import cards_of_reported

ROOT = Path(__file__).parents[4]
DOCUMENTS = EVALUATORS[0]


def row(model: str, value: float, **more: str) -> ReportedRow:
    told = {"model": model, "metric": "compat_omnidoc_ned", "unit": "", "stratum": "all", "source": "S", "table": ""}
    told |= {"protocol": DOCUMENTS.protocols[0], "file": DOCUMENTS.file, **more}
    return ReportedRow(value=value, **told)


def test_the_page_and_its_pictures_follow_from_cards_rows_and_records() -> None:
    current = written(ROOT / "leaderboards")
    there = {path.name for path in (ROOT / "docs" / "figures").glob("choosing-*")}
    assert there == {Path(name).name for name in current if name.endswith(".svg")}
    for name, text in current.items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, (
            f"{name}: run python -m vtbench.cli.choosing leaderboards docs"
        )


def test_every_evaluator_has_rows_and_every_question_answers() -> None:
    found = tables(read_published(ROOT / "leaderboards" / "published"), cards_of_reported())
    for one in found:
        assert len(one.entries) >= 3, one.evaluator.title
        for question in one.evaluator.questions:
            assert one.points(question), (one.evaluator.title, question.metric)
    documents_of_23, *_ = found
    assert len(documents_of_23.entries) == 23 and documents_of_23.unplaced == ()


def test_a_front_holds_what_no_row_with_as_few_bits_beats() -> None:
    points = [(1.0, 20.0), (2.0, 19.0), (2.0, 25.0), (4.0, 25.0), (4.0, 26.0), (1.0, 20.0)]
    assert front(points, higher_is_better=True) == {0, 2, 4, 5}
    assert front([(rate, -value) for rate, value in points], higher_is_better=False) == {0, 2, 4, 5}
    assert front([], higher_is_better=True) == set()


def test_bands_cover_every_rate_once() -> None:
    for rate in (0.0059, 0.02, 0.0547, 0.3, 1.0, 1.01, 4.0, 48.0):
        assert sum(band.holds(rate) for band in BANDS) == 1
    assert BANDS[0].told == "up to 0.02" and BANDS[1].told == "0.02 to 0.05" and BANDS[-1].told == "above 4"


def test_a_rate_is_the_cards_or_what_the_source_states_of_the_geometry() -> None:
    card = load_cards()["flux.1-dev"]
    rows = [row("ours", 0.9), row("theirs", 0.8, table="results, f16c64"), row("nobody's", 0.7)]
    one = tables(rows, {"ours": card})[0]
    assert [(entry.model, entry.rate, entry.tokens) for entry in one.entries] == [
        ("ours", 4.0, 1024),
        ("theirs", 64 * 16 / 16**2, 256),
    ]
    assert one.unplaced == ("nobody's",)


def test_claims_are_what_no_evaluator_says_and_anchors_that_no_row_has() -> None:
    card = load_cards()["titok-l32"]
    other = card.model_copy(update={"name": "other", "anchors": (card.anchors[0].model_copy(update={"value": 9.5}),)})
    rows = [
        row("TiTok", 2.21, metric="rfid", file="tokenizers", protocol="theirs"),
        row("TiTok", 3.0, metric="rfid", file="tokenizers", protocol=EVALUATORS[2].protocols[0]),
        row("TiTok", 21.0, metric="psnr", file="tokenizers", protocol="theirs"),
    ]
    found = claims(rows, {"TiTok": card}, [card, other])
    assert [(claim.card.name, claim.value) for claim in found] == [("other", 9.5), ("titok-l32", 2.21)]


def test_reported_and_measured_numbers_never_meet(tmp_path: Path) -> None:
    text = written(ROOT / "leaderboards")["choosing.md"]
    sections = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, flags=re.DOTALL | re.MULTILINE))
    assert list(sections) == [
        "At a glance",
        "Reported, by one evaluator each",
        "Reported, by their authors",
        "Measured",
        "No number on this page",
    ]
    assert "jpeg,quality" in sections["Measured"] and "+" in sections["Measured"], "protocol ids"
    for name, section in sections.items():
        assert ("jpeg,quality" in section) == (name == "Measured")
        assert ("README" in section or "arXiv" in section) == name.startswith("Reported")
    # other published rows leave what was measured as it is, and no records what is reported
    published = tmp_path / "published"
    published.mkdir()
    line = ["Alone", "compat_omnidoc_ned", "0.5", "", "all", DOCUMENTS.protocols[0], "S", "f8c4", "reported"]
    cells = ",".join(f'"{cell}"' for cell in line)
    (published / f"{DOCUMENTS.file}.csv").write_text(",".join(COLUMNS) + f"\n{cells}\n", encoding="utf-8")
    alone = documents(tmp_path, (), {})["choosing.md"]
    assert "| Alone | 1024 | 1 | **0.5** | – |" in alone and "jpeg" not in alone


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_is_no_number_is_on_no_front(value: float) -> None:
    rows = [row("a", 0.5, table="f8c4"), replace(row("b", 0.0, table="f8c4"), value=value)]
    one = tables(rows, {})[0]
    assert [entry.model for entry, _ in one.points(DOCUMENTS.questions[0])] == ["a"]
