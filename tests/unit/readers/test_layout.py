"""Reading order: from top to bottom, each line from left to right."""

from __future__ import annotations

import random

from vtbench.readers.layout import reading_order


def test_lines_from_top_to_bottom_and_left_to_right() -> None:
    boxes = [(50.0, 41.0, 90.0, 61.0), (10.0, 10.0, 40.0, 30.0), (10.0, 40.0, 40.0, 60.0), (50.0, 12.0, 90.0, 29.0)]
    assert reading_order(boxes) == [[1, 3], [2, 0]]


def test_half_the_lower_height_must_overlap() -> None:
    tall, just, barely = (0.0, 0.0, 10.0, 40.0), (20.0, 30.0, 30.0, 50.0), (20.0, 31.0, 30.0, 51.0)
    assert reading_order([tall, just]) == [[0, 1]]
    assert reading_order([tall, barely]) == [[0], [1]]


def test_a_tall_box_beside_two_lines_joins_the_upper_one() -> None:
    upper, tall, lower = (30.0, 0.0, 60.0, 10.0), (0.0, 0.0, 20.0, 30.0), (30.0, 20.0, 60.0, 30.0)
    assert reading_order([upper, tall, lower]) == [[1, 0], [2]]


def test_the_order_given_does_not_matter() -> None:
    grid = [(x * 30.0, y * 20.0 + x, x * 30.0 + 25, y * 20.0 + x + 15) for y in range(4) for x in range(3)]
    shuffled = grid[:]
    random.Random(0).shuffle(shuffled)
    lines = [[shuffled[i] for i in line] for line in reading_order(shuffled)]
    assert lines == [grid[i : i + 3] for i in range(0, 12, 3)]


def test_no_boxes() -> None:
    assert reading_order([]) == []
