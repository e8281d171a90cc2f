"""GenEval's rules on boxes that are drawn by hand, a tag at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from vtbench.core.errors import UsageError
from vtbench.metrics.conditioned.geneval.boxes import Found, kept, kept_by_class, overlap, sides
from vtbench.metrics.conditioned.geneval.rules import judge
from vtbench.metrics.conditioned.geneval.wanted import asked


def box(x: float, y: float, width: float = 20, height: float = 20, score: float = 0.95) -> Found:
    return Found(np.array([x, y, x + width, y + height], dtype=np.float64), score)


def verdict(found: dict[str, list[Found]], metadata: dict[str, object], colours: dict[str, list[str]] | None = None):
    wanted = asked(metadata)

    def told(objects: Sequence[Found], name: str) -> list[str]:
        return (colours or {})[name][: len(objects)]

    return judge(
        kept_by_class(found, 0.9 if wanted.tag == "counting" else 0.3), wanted, told if colours is not None else None
    )


def test_one_object_of_a_class() -> None:
    wanted = {"tag": "single_object", "include": [{"class": "cup", "count": 1}]}
    assert verdict({"cup": [box(0, 0, score=0.31)]}, wanted).correct
    missed = verdict({"cup": [box(0, 0, score=0.3)], "cat": [box(0, 0)]}, wanted)
    assert missed.reasons == ("expected cup>=1, found 0",)


def test_objects_of_two_classes_may_lie_on_one_another() -> None:
    wanted = {"tag": "two_object", "include": [{"class": "cup", "count": 1}, {"class": "cat", "count": 1}]}
    assert verdict({"cup": [box(0, 0)], "cat": [box(0, 0)]}, wanted).correct
    assert not verdict({"cup": [box(0, 0), box(9, 9)]}, wanted).correct


def test_numbers_are_bounded_from_above_by_exclude_and_need_surer_objects() -> None:
    wanted = {
        "tag": "counting",
        "include": [{"class": "cup", "count": 2}],
        "exclude": [{"class": "cup", "count": 3}],
    }
    assert verdict({"cup": [box(0, 0), box(1, 1)]}, wanted).correct  # nearly the same box: nothing is suppressed
    assert verdict({"cup": [box(0, 0), box(40, 0)]}, wanted).correct
    assert not verdict({"cup": [box(0, 0), box(40, 0, score=0.9)]}, wanted).correct  # above .9, not at it
    assert verdict({"cup": [box(0, 0), box(40, 0), box(80, 0, score=0.9)]}, wanted).correct
    assert verdict({"cup": [box(0, 0), box(40, 0), box(80, 0)]}, wanted).reasons == ("expected cup<3, found 3",)


def test_colours_of_the_surest_objects_alone() -> None:
    wanted = {"tag": "colors", "include": [{"class": "cup", "count": 1, "color": "red"}]}
    found = {"cup": [box(0, 0, score=0.5), box(40, 0, score=0.8)]}
    assert verdict(found, wanted, {"cup": ["red", "blue"]}).correct
    missed = verdict(found, wanted, {"cup": ["blue", "red"]})
    assert missed.reasons == ("expected red cup>=1, found 0 red; and 1 blue",)
    with pytest.raises(ValueError, match="nothing tells colours"):
        verdict(found, wanted)


def test_colours_of_two_objects() -> None:
    wanted = {
        "tag": "color_attr",
        "include": [{"class": "cup", "count": 1, "color": "red"}, {"class": "cat", "count": 1, "color": "black"}],
    }
    found = {"cup": [box(0, 0)], "cat": [box(50, 0)]}
    assert verdict(found, wanted, {"cup": ["red"], "cat": ["black"]}).correct
    assert not verdict(found, wanted, {"cup": ["black"], "cat": ["red"]}).correct


@pytest.mark.parametrize(
    ("x", "y", "lies"),
    [
        (60, 0, {"right of"}),
        (-60, 0, {"left of"}),
        (0, -60, {"above"}),
        (60, 60, {"right of", "below"}),
        (-60, -60, {"left of", "above"}),  # 45°: each part is .67 of the unshrunk length
        (60, 20, {"right of"}),
        (4, 4, set()),  # within a tenth of the sides
        (5, 0, set()),  # 1 of 5 is left of the offset
    ],
)
def test_sides(x: float, y: float, lies: set[str]) -> None:
    assert sides(box(x, y).box, box(0, 0).box) == lies


@pytest.mark.parametrize("relation", ["left of", "above"])
def test_a_pair_at_45_degrees_is_both_left_of_and_above(relation: str) -> None:
    wanted = {
        "tag": "position",
        "include": [{"class": "cat", "count": 1}, {"class": "cup", "count": 1, "position": [relation, 0]}],
    }
    assert verdict({"cat": [box(100, 100)], "cup": [box(20, 20)]}, wanted).correct
    assert not verdict({"cat": [box(20, 20)], "cup": [box(100, 100)]}, wanted).correct
    both = {"cat": [box(100, 100, score=0.9), box(0, 0, score=0.8)], "cup": [box(20, 20)]}
    assert verdict(both, wanted).correct  # the less sure cat is not asked
    assert verdict({"cup": [box(20, 20)]}, wanted).reasons[1] == f"no target for cup to be {relation}"


def test_objects_that_are_kept() -> None:
    many = [box(5 * place, 0, score=0.4 + place / 100) for place in range(20)]
    assert [one.score for one in kept(many, 0.3)] == sorted((one.score for one in many), reverse=True)[:16]
    assert overlap((0, 0, 9, 9), (5, 0, 14, 9)) == pytest.approx(50 / 150)  # 10 pixels a side: both ends count
    assert len(kept([box(0, 0), box(0, 0, score=0.9), box(50, 0)], 0.3, most_overlap=0.9)) == 2
    assert kept_by_class({"cup": [box(0, 0, score=0.2)]}, 0.3) == {}


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"tag": "colors"},
        {"tag": "colors", "include": [{"class": "cup"}]},
        {"tag": "colors", "include": [{"class": "cup", "count": 0}]},
        {"tag": "colors", "include": [{"class": "cup", "count": 1, "color": "beige"}]},
        {"tag": "position", "include": [{"class": "cup", "count": 1, "position": ["left of", 0]}]},
        {"tag": "position", "include": [{"class": "a", "count": 1}, {"class": "b", "count": 1, "position": "left"}]},
    ],
)
def test_lines_that_ask_for_nothing_known_are_refused(metadata: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        asked(metadata)
