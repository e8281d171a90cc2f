"""What can be listed and shown, gathered from the registries without importing any of it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from vtbench.core.errors import UsageError

Row = dict[str, Any]


def inventory(kind: str) -> list[Row]:
    """Rows of one kind, or of all.

    Raises:
        UsageError: no such kind.
    """
    if kind == "all":
        return [row for make in _KINDS.values() for row in make()]
    if kind not in _KINDS:
        close = difflib.get_close_matches(kind, _KINDS, n=1)
        raise UsageError(
            f"unknown kind {kind!r}", f"did you mean {close[0]}?" if close else f"known: {', '.join(_KINDS)}"
        )
    return list(_KINDS[kind]())


def _tokenizers() -> Iterable[Row]:
    from vtbench.tokenizers import TOKENIZERS
    from vtbench.tokenizers.cards import load_cards

    cards = load_cards()
    for name in TOKENIZERS.names():
        target = TOKENIZERS.builtin.get(name)
        yield _row("tokenizer", name, target or f"plug-in {TOKENIZERS.plugins()[name].value}")
    for name, card in cards.items():
        yield _row("tokenizer", name, card.describe())


def _generators() -> Iterable[Row]:
    from vtbench.generators import GENERATORS

    return (_row("generator", name, GENERATORS.builtin.get(name, "plug-in")) for name in GENERATORS.names())


def _tasks() -> Iterable[Row]:
    from vtbench.tasks import load_task, task_files

    for name in sorted(task_files()):
        task = load_task(name)
        yield _row("task", name, f"{task.summary} [{task.protocol_id}]")


def _suites() -> Iterable[Row]:
    from vtbench.tasks import load_suites

    for name, suite in load_suites().items():
        yield _row("suite", name, suite.summary)


def _metrics() -> Iterable[Row]:
    from vtbench.metrics.catalog import metric_info, metric_names

    for name in metric_names():
        info = metric_info(name)
        direction = {True: " Higher is better.", False: " Lower is better.", None: ""}[info.higher_is_better]
        yield _row("metric", name, f"{info.summary}{direction}")


def _features() -> Iterable[Row]:
    from vtbench.features import EXTRACTORS

    return (_row("feature", name, EXTRACTORS.builtin.get(name, "plug-in")) for name in EXTRACTORS.names())


def _datasets() -> Iterable[Row]:
    from vtbench.data import DATASETS

    return (_row("dataset", name, DATASETS.builtin.get(name, "plug-in")) for name in DATASETS.names())


def _presets() -> Iterable[Row]:
    from vtbench.data.presets import PRESETS

    return (_row("preset", name, (kind.__doc__ or "").partition("\n")[0]) for name, kind in PRESETS.items())


def _assets() -> Iterable[Row]:
    from vtbench import assets

    for name in assets.names():
        yield _row("asset", name, str(assets.status(name)))


_KINDS: dict[str, Callable[[], Iterable[Row]]] = {
    "tokenizers": _tokenizers,
    "generators": _generators,
    "tasks": _tasks,
    "suites": _suites,
    "metrics": _metrics,
    "features": _features,
    "datasets": _datasets,
    "presets": _presets,
    "assets": _assets,
}


def _row(kind: str, name: str, summary: str) -> Row:
    return {"kind": kind, "name": name, "summary": summary}
