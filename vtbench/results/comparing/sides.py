"""Arguments of ``compare`` as sides: places (run folders, files), models within one, or plain names of models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vtbench.core.errors import UsageError
from vtbench.results.comparing.choice import chosen_models, labels_of, split_choice
from vtbench.results.comparing.measurement import Measurement
from vtbench.results.comparing.sources import load_measurements


@dataclass(frozen=True)
class Side:
    """What one argument stands for, and what messages call it."""

    name: str
    measurements: tuple[Measurement, ...]


def sides_of(arguments: Sequence[str | Path]) -> list[Side]:
    """The sides of a comparison, the baseline first.

    Without names of models, each argument is a side. With names, the whole folders and files among the arguments are
    where the models are looked for, and the names are the sides: ``runs jpeg,quality=10 patch-vq``. A single name is
    the baseline of every other model there.

    Args:
        arguments: each as :func:`~vtbench.results.comparing.sources.load_measurements` takes it, or a model's name.

    Raises:
        UsageError: a name that is no path and no model, or fewer than two sides.
    """
    texts = [str(argument) for argument in arguments]
    if len(texts) < 2:
        raise _too_few()
    names = [text for text in texts if not _is_place(text)]
    wholes = [text for text in texts if _is_place(text) and not split_choice(text)[1]]
    if not names:
        sides = [Side(text, tuple(load_measurements(text))) for text in texts]
    elif not wholes:
        raise UsageError(f"{names[0]} does not exist", "for models by name, give their folder first: RUNS NAME NAME")
    else:
        pool = [found for text in wholes for found in load_measurements(text)]
        sides = [_side(text, text in names, pool, wholes) for text in texts if text not in wholes]
        sides += _others(sides[0], pool) if len(sides) == 1 else []
    if len(sides) < 2:
        raise _too_few()
    return sides


def _too_few() -> UsageError:
    return UsageError("compare needs a baseline and something to set against it", "vtbench compare A B")


def _is_place(text: str) -> bool:
    """Whether an argument is a path, or a model in one; what merely looks like a table's name is told as missing."""
    path, _ = split_choice(text)
    return Path(path).exists() or path.endswith(".csv")


def _side(text: str, is_name: bool, pool: Sequence[Measurement], wholes: Iterable[str]) -> Side:
    if not is_name:
        return Side(text, tuple(load_measurements(text)))
    return Side(text, tuple(chosen_models(pool, text, f"there is no {text}, and {', '.join(wholes)}")))


def _others(baseline: Side, pool: Sequence[Measurement]) -> list[Side]:
    """A side for every other model on a task of the baseline's."""
    own = {found.label for found in baseline.measurements}
    tasks = {found.task for found in baseline.measurements}
    near = [found for found in pool if found.label not in own and found.task in tasks]
    return [Side(label, tuple(found for found in near if found.label == label)) for label in labels_of(near)]
