"""Curves of guidance against numbers that follow from their definitions by hand."""

import math

import pytest

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.courses import CURVES, Course
from vtbench.generators.sampling.guidance import Linear, as_recorded


def strengths(course, tokens):
    return [course.strength(token, tokens) for token in range(tokens)]


@pytest.mark.parametrize(("curve", "wanted"), [
    ("rising", [1.5, 2.0, 2.5, 3.0]),
    ("sine", [1 + 2 * math.sin(math.pi / 8 * step) for step in (1, 2, 3, 4)]),
    ("half-cosine", [2 - math.sqrt(0.5), 2.0, 2 + math.sqrt(0.5), 3.0]),
    ("square", [1.125, 1.5, 2.125, 3.0]),
    ("logarithm", [1 + 2 * math.log(1 + (math.e - 1) * step / 4) / math.log(math.e) for step in (1, 2, 3, 4)]),
])  # fmt: skip
def test_elm_counts_from_one(curve, wanted):
    assert strengths(Course(3.0, curve, "(t+1)/N"), 4) == pytest.approx(wanted)


def test_elms_line_is_the_linear_schedule():
    assert strengths(Course(4.0, "rising", "(t+1)/N"), 256) == strengths(Linear(4.0), 256)


def test_elms_root_counts_from_zero():
    assert strengths(Course(3.0, "square-root", "t/N"), 4) == pytest.approx([1, 2, 1 + 2**0.5, 1 + 3**0.5])


@pytest.mark.parametrize(("curve", "wanted"), [
    ("rising", [3.0, 1.5, 2.0, 2.5, 3.0]),
    ("falling", [3.0, 2.5, 2.0, 1.5, 1.0]),
    ("triangle", [3.0, 2.0, 3.0, 2.0, 1.0]),
])  # fmt: skip
def test_gigatok_guides_the_first_token_in_full(curve, wanted):
    assert strengths(Course(3.0, curve, "t/(N-1), first full"), 5) == pytest.approx(wanted)


def test_what_is_added_keeps_guidance_on():
    assert strengths(Course(3.0, "falling", "t/(N-1), first full", 1e-4), 3) == pytest.approx([3.0, 2.0001, 1.0001])


def test_every_curve_stays_between_its_ends():
    for curve, course in CURVES.items():
        assert all(-1e-12 <= course(step / 100) <= 1 + 1e-12 for step in range(101)), curve


def test_a_course_is_recorded_with_what_it_counts():
    assert as_recorded(Course(3.0, "sine", "(t+1)/N")) == {
        "cfg_schedule": "course",
        "cfg_scale": 3.0,
        "cfg_curve": "sine",
        "cfg_counted": "(t+1)/N",
        "cfg_added": 0.0,
        "cfg_formula": "u + s (c - u), logits",
    }


def test_an_unknown_curve_is_told():
    with pytest.raises(UsageError, match="no curve of guidance is called 'sigmoid'"):
        Course(3.0, "sigmoid", "t/N")
