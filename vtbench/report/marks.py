"""How a model looks on the whole page: one colour and one shape, whichever chart or table it is in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vtbench.report.gather import Board

COLOURS = 8
"""Series colours of the page, ``--s0`` … ``--s7``."""
SHAPES = ("circle", "square", "diamond", "triangle")
"""With each colour in turn."""


@dataclass(frozen=True)
class Mark:
    """A colour's number and a shape: 32 models look different, then they repeat."""

    colour: int
    shape: str

    def drawn(self, x: float, y: float, size: float, kind: str = "dot") -> str:
        """The shape as SVG, around a place; ``size`` is the radius of the circle, the others cover a like area."""
        if self.shape == "circle":
            return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{size:g}"/>'
        far, near = 1.35 * size, 0.9 * size
        corners = {
            "square": ((-near, -near), (near, -near), (near, near), (-near, near)),
            "diamond": ((0, -far), (far, 0), (0, far), (-far, 0)),
            "triangle": ((0, -far), (far, near), (-far, near)),
        }[self.shape]
        points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)
        return f'<polygon class="{kind}" points="{points}"/>'

    @property
    def swatch(self) -> str:
        """A small picture for legends."""
        return (
            f'<svg class="swatch" viewBox="0 0 14 14" aria-hidden="true" style="--c:var(--s{self.colour})">'
            f"{self.drawn(7, 7, 4.4)}</svg>"
        )


def marks_of(boards: Iterable[Board]) -> Mapping[str, Mark]:
    """A mark for every model, in the order in which the boards name them."""
    labels = dict.fromkeys(run.label for board in boards for run in board.runs)
    return marks_for(labels)


def marks_for(names: Iterable[str]) -> dict[str, Mark]:
    """A mark for every name, in their order; each is given once."""
    return {name: Mark(place % COLOURS, SHAPES[place // COLOURS % len(SHAPES)]) for place, name in enumerate(names)}
