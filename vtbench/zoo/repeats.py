"""``python -m vtbench.zoo.repeats --from DIR``: cards of fits that were made a second time, beside those of the first.

Weights are not taken over: what is kept is that a recipe comes to the same loss again.
"""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from vtbench.core.disk.files import atomic_path
from vtbench.core.disk.packaged import CHECKOUT, ZOO, packaged_file
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.outside.parsing import read_json
from vtbench.zoo.publish import made_by
from vtbench.zoo.recipes import find_recipe

FOLDER = "repeats"
"""Of such cards, in the package of weights."""
_SAME = ("images", "tokenizer", "arguments", "steps")
"""What two fits of one recipe have in common, beside the recipe."""
_SURE = 2.0


@dataclass(frozen=True)
class Repeat:
    """One recipe, fitted twice.

    Attributes:
        name: of the recipe.
        first: the card of the weights that are shipped.
        again: that of the second fit.
    """

    name: str
    first: Mapping[str, Any]
    again: Mapping[str, Any]

    @property
    def losses(self) -> tuple[float, float]:
        """Means over the last steps, of either fit."""
        return self.first["loss"]["values"][-1], self.again["loss"]["values"][-1]

    @property
    def farthest(self) -> float:
        """The largest difference between the two, over all the means but the first."""
        pairs = zip(self.first["loss"]["values"][1:], self.again["loss"]["values"][1:], strict=True)
        return max((abs(one - other) for one, other in pairs), default=0.0)

    @property
    def noise(self) -> float:
        """How far one mean of the first fit lies from the next, over its last quarter: root mean square."""
        values = self.first["loss"]["values"]
        steps = [later - earlier for earlier, later in pairwise(values[-max(2, len(values) // 4) :])]
        return math.sqrt(sum(step * step for step in steps) / max(1, len(steps)))

    @property
    def holds(self) -> bool:
        """Whether the last losses differ by at most twice the noise."""
        one, other = self.losses
        return abs(one - other) <= _SURE * self.noise


def repeats(names: Sequence[str]) -> list[Repeat]:
    """Those recipes that were fitted twice.

    Args:
        names: that are looked for.
    """
    pairs = ((name, packaged_file(ZOO, f"{name}.json"), packaged_file(ZOO, f"{FOLDER}/{name}.json")) for name in names)
    return [Repeat(name, read_json(first), read_json(again)) for name, first, again in pairs if first and again]


def take(source: Path, names: Sequence[str] = (), data: Path | None = None) -> list[str]:
    """Copy cards of second fits; the names of what was.

    Args:
        source: what ``python -m vtbench.zoo.fit`` wrote into.
        names: of recipes; every one whose card is there unless given.
        data: the package of weights; the checkout's unless given.

    Raises:
        UsageError: no card; a recipe without weights that are shipped; a fit of another recipe, of other images or on
            other codes; or the very fit of the weights that are shipped.
    """
    data = data or CHECKOUT / ZOO
    names = names or [file.stem for file in sorted(source.glob("*.json"))]
    if not names:
        raise UsageError(f"{source} holds no card of a fit", "python -m vtbench.zoo.fit NAME --out DIR makes one")
    for name in names:
        _check(name, source, data)
    (data / FOLDER).mkdir(exist_ok=True)
    for name in names:
        with atomic_path(data / FOLDER / f"{name}.json") as temporary:
            shutil.copyfile(source / f"{name}.json", temporary)
    return list(names)


def _check(name: str, source: Path, data: Path) -> None:
    recipe = find_recipe(name)
    for file in (data / f"{name}.json", source / f"{name}.json"):
        if not file.is_file():
            raise UsageError(f"no {file}", f"python -m vtbench.zoo.fit {name} makes it")
    first, again = read_json(data / f"{name}.json"), read_json(source / f"{name}.json")
    other = [] if made_by(recipe, first) and made_by(recipe, again) else ["recipe"]
    other += [part for part in _SAME if first.get(part) != again.get(part)]
    if other:
        raise UsageError(
            f"{source / name}.json is no second fit of {name}: it has another {', '.join(other)}",
            f"fit it as the card says: {first['made']['command']}, of {first['images']['source']}",
        )
    if first == again:
        raise UsageError(f"{source / name}.json is the fit of {name} itself", "fit it again, into another folder")


def main(
    source: Annotated[Path, typer.Option("--from", metavar="DIR", help="Where cards of second fits lie.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]…", help="Which; all that are there.")] = None,
) -> None:
    """Take over cards of fits that were made a second time; docs/zoo.md then tells whether the loss came again."""
    try:
        print(*take(source, names or ()), sep="\n")
    except VtbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
