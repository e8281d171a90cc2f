"""What may be called the best of a column."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from vtbench.results.records.record import RunRecord
from vtbench.results.tables.ranking import best_rows, is_identity, meaning_of_marks
from vtbench.results.tables.rows import by_rate, count_text

MakeRecord = Callable[..., RunRecord]


def row(
    make_record: MakeRecord,
    label: str,
    rate: float | None,
    value: float,
    n: int = 64,
    higher: bool = True,
    **details: int,
) -> RunRecord:
    results = [{"metric": "psnr", "value": value, "n": n, "higher_is_better": higher, "details": details}]
    if rate is not None:
        results.append({"metric": "bits_per_pixel", "value": rate, "n": 64})
    return make_record(label, results=results, model={"bits_per_image": None})


@pytest.mark.parametrize(
    ("rows", "best"),
    [
        ([("a", 1.0, 30.0), ("b", 1.0, 31.0)], {1}),
        ([("a", 1.0, 31.0), ("b", 1.0, 31.0)], set()),
        ([("a", 1.0, 30.0)], set()),
        ([("a", 1.0, 30.0), ("b", 2.0, 29.0), ("c", 3.0, 33.0)], {0, 2}),
        ([("a", 1.0, 30.0), ("b", 1.0, 31.0), ("c", 2.0, 31.0)], {1}),
        ([("a", 1.0, 30.0), ("b", 2.0, 30.0)], {0}),
        ([("a", 0.1 + 0.2, 30.0), ("b", 0.3, 29.0), ("c", 1.0, 40.0)], {0, 2}),
        ([("a", 0.3, 29.0), ("b", 0.1 + 0.2, 30.0), ("c", 1.0, 40.0)], {1, 2}),
        ([("a", None, 30.0), ("b", None, 31.0), ("c", 1.0, 40.0)], {1}),
        ([("a", None, 30.0), ("b", 1.0, 31.0)], set()),
        ([("identity", 24.0, math.inf), ("a", 1.0, 30.0), ("b", 1.0, 31.0)], {2}),
        ([("identity", 24.0, math.inf), ("a", 1.0, 30.0)], set()),
        ([("a", 1.0, math.nan), ("b", 1.0, 31.0)], set()),
        ([("a", 1.0, 30.0), ("b", 1.0, math.inf)], {1}),
    ],
)
def test_the_best_at_one_rate_the_front_across_rates(
    make_record: MakeRecord, rows: list[tuple[str, float | None, float]], best: set[int]
) -> None:
    assert best_rows([row(make_record, *entry) for entry in rows], "psnr") == best


def test_unequal_n_is_never_compared(make_record: MakeRecord) -> None:
    few, many, more = (row(make_record, *entry) for entry in (("a", 1, 40, 2), ("b", 1, 30, 64), ("c", 1, 31, 64)))
    assert best_rows([few, many], "psnr") == set()
    assert best_rows([few, many, more], "psnr") == {2}
    assert count_text(few, few.results[0]) == "(n 2)" and count_text(many, many.results[0]) == ""


def test_a_mean_without_the_perfect_copies_is_compared_with_none(make_record: MakeRecord) -> None:
    partly = [row(make_record, label, 1, value, 41, n_infinite=23) for label, value in (("a", 30.0), ("b", 31.0))]
    assert best_rows(partly, "psnr") == set()
    wholly = [row(make_record, "a", 1, math.inf, n_infinite=64), row(make_record, "b", 1, 30.0)]
    assert best_rows(wholly, "psnr") == {0}


def test_counts_of_tokens_do_not_stand_in_the_way(make_record: MakeRecord) -> None:
    rows = [row(make_record, "a", 1, 0.5, n=4096), row(make_record, "b", 1, 0.6, n=65536)]
    assert best_rows(rows, "psnr") == {1} and count_text(rows[0], rows[0].results[0]) == ""


def test_lower_is_better_where_the_metric_says_so(make_record: MakeRecord) -> None:
    rows = [row(make_record, "a", rate, value, higher=False) for rate, value in ((1, 0.2), (2, 0.3), (3, 0.1))]
    assert best_rows(rows, "psnr") == {0, 2}


def test_what_bold_means_follows_from_the_rates(make_record: MakeRecord) -> None:
    one, two, dear = (row(make_record, *entry) for entry in (("a", 1, 30), ("b", 1, 31), ("c", 2, 32)))
    assert meaning_of_marks([one, two], ["psnr"]).startswith("the best among rows of one protocol, data set and n")
    assert meaning_of_marks([one, dear], ["psnr"]).startswith("on the Pareto front")
    assert meaning_of_marks([one], ["psnr"]) == ""
    assert is_identity(row(make_record, "identity", 24, 1)) and not is_identity(one)


def test_rows_go_by_task_and_rate_those_without_one_last(make_record: MakeRecord) -> None:
    unknown, dear, cheap = (row(make_record, *entry) for entry in (("a", None, 1), ("b", 2, 1), ("c", 1, 1)))
    other = row(make_record, "d", 9, 1).model_copy(update={"task": cheap.task.model_copy(update={"name": "a-task"})})
    assert [record.model.label for record in by_rate([unknown, dear, cheap, other])] == ["d", "c", "b", "a"]
