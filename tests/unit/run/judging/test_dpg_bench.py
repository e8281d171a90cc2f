"""DPG-Bench by hand: the number that its script prints, and the one without its faults."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.unit.run.judging.conftest import Bring, values

QUESTIONS = [
    ["item_id", "proposition_id", "dependency", "tuple", "question_natural_language"],
    ["one", "1", "0", "entity - whole (cow)", "Is there a cow?"],
    ["one", "2", "1", "attribute - color (cow, red)", "Is the cow, so it be, red?"],
    ["two", "1", "0", "entity - whole (cup)", "Is there a cup?"],
    ["two", "2", "1", "attribute - color (cup, blue)", "Is the cup blue?"],
    ["two", "3", "2", "other (deep)", "Is it a deep blue?"],
]
ANSWERS = [
    ("one", 0, "Is the cow, so it be, red?", "yes"),  # then the script fails: question 1 was never asked
    ("two", 0, "Is there a cup?", "no"),
    ("two", 0, "Is the cup blue?", "yes"),
    ("two", 0, "Is it a deep blue?", "yes"),
    ("two", 16, "Is there a cup?", "yes"),
    ("two", 16, "Is the cup blue?", "yes"),
    ("two", 16, "Is it a deep blue?", "no"),
]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """``x_results.txt`` with answers beside it; ``questions.csv``."""
    path = tmp_path / "x_results.txt"
    path.write_text(
        "/a, b/two.png, 0.0, 0.6666666666666666, 0.3333333333333333\n"
        "Model: x\nL1 category scores:\n\tentity: 100.0\nDPG-Bench score: 33.33333333333333\n"
    )
    told = [
        f"/a, b/{item}.png, ({x}, 0, {x + 16}, 16), {question}, {answer}\n" for item, x, question, answer in ANSWERS
    ]
    (tmp_path / "x_results_detail.txt").write_text("".join(told))
    with (tmp_path / "questions.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(QUESTIONS)
    return path


def test_the_results_alone_give_the_number_of_the_script(results: Path, brought: Bring) -> None:
    found = values(brought("dpg-bench", results))
    assert found == {("compat_dpg_bench", "all"): pytest.approx(100 / 3)}


def test_answers_give_the_number_without_the_faults(results: Path, brought: Bring) -> None:
    record = brought("dpg-bench", results, questions=results.parent / "questions.csv")
    found = values(record)
    assert found["dpg_bench", "all"] == pytest.approx((100 + (0 + 200 / 3) / 2) / 2)
    assert found["dpg_bench", "category=attribute"] == pytest.approx(100 * 2 / 3)
    assert found["dpg_bench", "category=entity"] == 50 and found["dpg_bench", "category=other"] == 0
    assert found["compat_dpg_bench", "all"] == pytest.approx(100 / 3)
    assert found["compat_dpg_bench", "category=attribute"] == 100  # of the last tile, the picture that failed left out
    assert any("skips the first row" in warning for warning in record.warnings)


def test_lines_that_are_not_what_was_printed_are_told(results: Path, brought: Bring) -> None:
    results.write_text(results.read_text().replace("33.33333333333333\n", "44.0\n"))
    assert any(
        "says 44.0000 in the end, its lines give 33.3333" in told for told in brought("dpg-bench", results).warnings
    )
