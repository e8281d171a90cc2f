"""What may be chosen about an evaluation: the options of ``vtbench run``, as values."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from typing_extensions import TypedDict

from vtbench.core.contracts import Condition
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.run.options import RunOptions

Names: TypeAlias = "str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None"
_OFFLINE = ("VTBENCH_OFFLINE", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
_COMMAND = ("vtbench.evaluate",)


class Options(TypedDict, total=False):
    """The keywords of :class:`vtbench.Evaluator`, which says what each means."""

    suite: str | None
    data: Any
    reference: Any
    training: Any
    conditions: Sequence[str | int | Condition] | None
    limit: int | None
    device: Any
    dtype: Any
    batch_size: int | None
    workers: int | None
    seed: int
    strict: bool
    fresh: bool
    allow_small_sets: bool
    samples: str | os.PathLike[str] | None
    out: str | os.PathLike[str] | None
    distributed: bool | None
    offline: bool
    trust: Sequence[str | os.PathLike[str]]
    progress: bool
    keep_bytes: int


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Options as a run takes them, but for those that follow from the model.

    Raises:
        UsageError: a number that is too small.
    """

    device: str | None
    dtype: str | None
    limit: int | None
    batch_size: int | None
    workers: int | None
    seed: int
    strict: bool
    fresh: bool
    allow_small_sets: bool
    samples: Path | None

    def __post_init__(self) -> None:
        for name, least in (("limit", 1), ("batch_size", 1), ("workers", 0)):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < least):
                raise UsageError(f"{name}={value!r}", f"give a whole number, at least {least}")

    def of_run(
        self, out: Path, lasting: bool, reference: str | None, training: str | None, device: str, dtype: str
    ) -> RunOptions:
        """For one call.

        Args:
            out: the folder of runs.
            lasting: whether it stays.
            reference: what generated images are compared with, in words.
            training: what their generator was trained on, in words.
            device: where the model lies, unless one was chosen.
            dtype: its own, unless one was chosen.
        """
        chosen: dict[str, Any] = {**vars(self), "device": self.device or device, "dtype": self.dtype or dtype}
        chosen |= {"reference": reference, "training": training}
        return RunOptions(out=out, lasting=lasting, workers_of="none", command=_COMMAND, **chosen)


def listed(names: Names, what: str) -> tuple[str, ...]:
    """One name or several.

    Raises:
        UsageError: something that is no name.
    """
    several = () if names is None else (names,) if isinstance(names, str | os.PathLike) else tuple(names)
    strange = next((name for name in several if not isinstance(name, str | os.PathLike)), None)
    if strange is not None:
        raise UsageError(f"{what} holds a {type(strange).__name__}", "give names, or paths of YAML files")
    return tuple(os.fspath(name) for name in several)


def as_path(path: str | os.PathLike[str] | None) -> Path | None:
    """A path by the command line's rule."""
    return None if path is None else user_path(os.fspath(path))


def as_conditions(conditions: Sequence[str | int | Condition] | None) -> tuple[Condition, ...] | None:
    """Labels, texts or conditions as conditions.

    Raises:
        UsageError: something else.
    """
    if conditions is None:
        return None
    if isinstance(conditions, str):
        raise UsageError("conditions is one text", "give a list of texts or of labels")
    return tuple(map(_condition, conditions))


def trusted(paths: Sequence[str | os.PathLike[str]]) -> Collection[Path]:
    """Files whose code may run."""
    return tuple(user_path(path) for path in listed(paths, "trust"))


@contextmanager
def offline(asked: bool) -> Iterator[None]:
    """The switches that vtbench and the hub libraries read. Whoever runs this puts the environment back."""
    if asked:
        os.environ.update(dict.fromkeys(_OFFLINE, "1"))
    yield


def _condition(value: Any) -> Condition:
    if isinstance(value, Condition):
        return value
    if isinstance(value, str):
        return Condition(prompt=value)
    try:
        return Condition(label=int(value))
    except (TypeError, ValueError):
        raise UsageError(f"a condition is a {type(value).__name__}", "give labels, or texts") from None
