"""From boxes of text to lines in reading order."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.readers.contract import Box

SAME_LINE_OVERLAP = 0.5
"""Share of the lower box's height that must overlap for two boxes to be on one line."""


def reading_order(boxes: Sequence[Box]) -> list[list[int]]:
    """Indices of boxes, grouped into lines from top to bottom, each from left to right.

    Boxes are taken by their vertical centre, topmost first. A box joins the line above when its vertical extent
    overlaps that of the line's first box by at least half the lower of the two heights; otherwise it starts a line.
    Within a line the left edge decides. Ties fall to the other coordinate, then to the order given. Columns are not
    told apart: a page of two columns is read straight across.
    """
    by_centre = sorted(range(len(boxes)), key=lambda i: (boxes[i][1] + boxes[i][3], boxes[i][0], i))
    lines: list[list[int]] = []
    for index in by_centre:
        if lines and _on_one_line(boxes[lines[-1][0]], boxes[index]):
            lines[-1].append(index)
        else:
            lines.append([index])
    return [sorted(line, key=lambda i: (boxes[i][0], boxes[i][1], i)) for line in lines]


def _on_one_line(first: Box, second: Box) -> bool:
    overlap = min(first[3], second[3]) - max(first[1], second[1])
    lower = min(first[3] - first[1], second[3] - second[1])
    return overlap >= SAME_LINE_OVERLAP * lower
