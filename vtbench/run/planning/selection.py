"""What a command line asks for: which tokenizers and generators on which tasks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from vtbench.core.errors import UsageError
from vtbench.tasks import load_suite, load_task

DEFAULT_SUITE = "mini"


@dataclass(frozen=True)
class Selection:
    """Names, as given or as the suite completes them."""

    tokenizers: tuple[str, ...]
    generators: tuple[str, ...]
    tasks: tuple[str, ...]


def select(
    tokenizers: Sequence[str],
    generators: Sequence[str],
    tasks: Sequence[str],
    suite: str | None,
    has_data: bool,
    trusted: Collection[Path] = (),
) -> Selection:
    """Complete what was given from a suite: with nothing given, the suite ``mini`` as it stands.

    Tokenizers alone run the suite's tasks for tokenizers, generators alone those for generators. ``--data`` without a
    task means the task ``folder``.

    Raises:
        UsageError: a suite and tasks were both given, the same name twice, a model without a task it can run, or
            nothing to measure.
    """
    _refuse_both(tasks, suite)
    chosen = load_suite(suite or DEFAULT_SUITE, trusted)
    if not tasks and has_data and suite is None and not generators:
        tasks = ("folder",)
    for kind, names in (("--tokenizer", tokenizers), ("--generator", generators), ("--task", tasks)):
        repeated = sorted({name for name in names if list(names).count(name) > 1})
        if repeated:
            raise UsageError(f"{kind} {', '.join(repeated)} is given twice")
    of_generation = {name: load_task(name, trusted).of_generators for name in (*tasks, *chosen.tasks)}
    if tasks:
        needed = {of_generation[name] for name in tasks}
    else:
        needed = {bool(generators), not tokenizers} if tokenizers or generators else {True, False}
        tasks = tuple(name for name in chosen.tasks if of_generation[name] in needed)
    _refuse_idle(tokenizers, generators, needed)
    selection = Selection(
        tokenizers=(tuple(tokenizers) or chosen.tokenizers) if False in needed else (),
        generators=(tuple(generators) or chosen.generators) if True in needed else (),
        tasks=tuple(tasks),
    )
    _refuse_without_models(selection, {of_generation[name] for name in selection.tasks}, suite or DEFAULT_SUITE)
    return selection


def select_tasks(tasks: Sequence[str], suite: str | None, trusted: Collection[Path] = ()) -> tuple[str, ...]:
    """The tasks that were named, else those of the suite; models do not matter.

    Raises:
        UsageError: a suite and tasks were both given, or an unknown suite.
    """
    _refuse_both(tasks, suite)
    return tuple(tasks) or load_suite(suite or DEFAULT_SUITE, trusted).tasks


def _refuse_both(tasks: Sequence[str], suite: str | None) -> None:
    if suite is not None and tasks:
        raise UsageError("--suite and --task exclude each other", "name the tasks, or the suite")


def _refuse_without_models(selection: Selection, needed: set[bool], suite: str) -> None:
    """A suite may leave its models to the command line, which must then name some; no task is passed over."""
    if not selection.tasks:
        raise UsageError(f"the suite {suite} has no task for these models", "name one with --task")
    for of_generation, kind, given in (
        (False, "tokenizer", selection.tokenizers),
        (True, "generator", selection.generators),
    ):
        if of_generation in needed and not given:
            raise UsageError(f"the suite {suite} has tasks for {kind}s and names no {kind}", f"give one with --{kind}")


def _refuse_idle(tokenizers: Sequence[str], generators: Sequence[str], needed: set[bool]) -> None:
    """A model that was named must have something to do."""
    if tokenizers and False not in needed:
        told = "its tokenizer comes with a generator: name that with --generator; or name a task for tokenizers too"
        raise UsageError("--tokenizer is given, but every task is one for generators", told)
    if generators and True not in needed:
        raise UsageError("--generator is given, but every task is one for tokenizers", "e.g. --task generation-mini")
