"""What a command line asks for: which tokenizers on which tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vtbench.core.errors import UsageError
from vtbench.tasks import load_suite

DEFAULT_SUITE = "mini"


@dataclass(frozen=True)
class Selection:
    """Names, as given or as the suite completes them."""

    tokenizers: tuple[str, ...]
    tasks: tuple[str, ...]


def select(tokenizers: Sequence[str], tasks: Sequence[str], suite: str | None, has_data: bool) -> Selection:
    """Complete what was given from a suite: with nothing given, the suite ``mini`` as it stands.

    ``--data`` without a task means the task ``folder``.

    Raises:
        UsageError: a suite and tasks were both given, or the same tokenizer or task twice.
    """
    if suite is not None and tasks:
        raise UsageError("--suite and --task exclude each other", "name the tasks, or the suite")
    chosen = load_suite(suite or DEFAULT_SUITE)
    if not tasks and has_data and suite is None:
        tasks = ("folder",)
    for kind, names in (("--tokenizer", tokenizers), ("--task", tasks)):
        repeated = sorted({name for name in names if list(names).count(name) > 1})
        if repeated:
            raise UsageError(f"{kind} {', '.join(repeated)} is given twice")
    return Selection(tuple(tokenizers) or chosen.tokenizers, tuple(tasks) or chosen.tasks)
