"""What can be listed and shown, gathered from the registries without importing any of it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from vtbench.core.errors import UsageError

if TYPE_CHECKING:
    from vtbench.checkpoints.cards import Card, CommonCard, GeneratorCard

Row = dict[str, Any]
COLUMNS = ("kind", "name", "summary")
OF_TOKENIZERS = ("name", "family", "tokens", "code", "bpp", "size", "licence", "source", "summary")
"""Columns of tokenizers alone; tokens and bits per pixel (bpp) are those of a 256x256 image, size is trained at."""
OF_GENERATORS = ("name", "family", "conditions", "size", "tokenizer", "parameters", "licence", "source", "summary")
"""Columns of generators alone; size is the side of an image, parameters are those without the tokenizer."""
WITHOUT_CODE = "without code"
"""Family of generators that are described and published nowhere."""
OF_TASKS = ("of", "name", "summary")
"""Columns of tasks alone, grouped by what they are of."""
OF_FORMATS = ("name", "files", "judge", "summary")
"""Columns of formats of judges' files alone."""
_OF_KIND = {
    "formats": (OF_FORMATS, OF_FORMATS),
    "tasks": (OF_TASKS, OF_TASKS),
    "tokenizers": (OF_TOKENIZERS, ("name", "family", "tokens", "bpp", "licence", "source")),
    "generators": (OF_GENERATORS, ("name", "family", "size", "tokenizer", "parameters", "licence", "source")),
}
"""All columns, and those that have room on a terminal."""


def columns(kind: str, terminal: bool) -> tuple[str, ...]:
    """What a table of that kind shows; on a terminal, what has room there."""
    whole, narrow = _OF_KIND.get(kind, (COLUMNS, COLUMNS))
    return narrow if terminal else whole


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
    from vtbench.checkpoints.cards import load_cards
    from vtbench.tokenizers import IMAGES

    yield from (row | {"family": row["name"]} for row in _registered("tokenizers"))
    yield _row("tokenizer", IMAGES, f"a folder of reconstructions made elsewhere: {IMAGES},path=DIR") | {
        "family": IMAGES
    }
    for card in load_cards().values():
        yield _card(card)


def _card(card: Card) -> Row:
    geometry = card.geometry
    described = {} if geometry is None else {"tokens": geometry.token_count, "code": geometry.code}
    rate = {"bpp": None if geometry is None else geometry.bits_per_pixel}
    return _of_card("tokenizer", card, {**described, **rate, "size": card.native_size})


def _generators() -> Iterable[Row]:
    from vtbench.checkpoints.cards import load_generator_cards
    from vtbench.generators.unpublished import load_unpublished

    yield from (row | {"family": row["name"]} for row in _registered("generators"))
    for card in load_generator_cards().values():
        yield _generator_card(card)
    for name, one in load_unpublished().items():
        described = {"family": WITHOUT_CODE, "source": f"https://arxiv.org/abs/{one.paper}"}
        yield _row("generator", name, f"{one.title}; cannot be run, see vtbench show {name}") | described


def _generator_card(card: GeneratorCard) -> Row:
    side = card.args.get("output_size") or card.native_size
    described = {"size": side, "tokenizer": card.tokenizer, "parameters": card.parameters}
    return _of_card("generator", card, {"conditions": card.conditions, **described})


def _of_card(kind: str, card: CommonCard, described: Row) -> Row:
    licence = f"{card.licence} (gated)" if card.gated else card.licence
    place = {"licence": licence, "source": card.source}
    return {**_row(kind, card.name, card.summary), "family": card.target, **described, **place}


def _registered(kind: str) -> Iterable[Row]:
    from vtbench.cli.adapters import summary_of
    from vtbench.cli.names import registries

    registry = registries()[kind]
    return (_row(kind.removesuffix("s"), name, summary_of(registry, name)) for name in registry.names())


def _tasks() -> Iterable[Row]:
    from vtbench.tasks import load_task, task_files
    from vtbench.tasks.sections import TaskKind

    tasks = [load_task(name) for name in sorted(task_files())]
    kinds = {kind: place for place, kind in enumerate(get_args(TaskKind))}
    for task in sorted(tasks, key=lambda task: kinds[task.kind]):
        yield _row("task", task.name, f"{task.summary} [{task.protocol_id}]") | {"of": task.kind}


def _suites() -> Iterable[Row]:
    from vtbench.tasks import load_suites

    for name, suite in load_suites().items():
        yield _row("suite", name, suite.summary)


def _metrics() -> Iterable[Row]:
    from vtbench.metrics.catalog.lookup import metric_info, metric_names

    for name in metric_names():
        info = metric_info(name)
        direction = {True: " Higher is better.", False: " Lower is better.", None: ""}[info.higher_is_better]
        yield _row("metric", name, f"{info.summary}{direction}")


def _presets() -> Iterable[Row]:
    from vtbench.core.naming.signatures import first_sentence
    from vtbench.data.preparing.presets import PRESETS

    return (_row("preset", name, first_sentence(kind.__doc__ or "")) for name, kind in PRESETS.items())


def _assets() -> Iterable[Row]:
    from vtbench import assets

    for name in assets.names():
        yield _row("asset", name, str(assets.status(name)))


def _formats() -> Iterable[Row]:
    from vtbench.run.judging.formats.table import FORMATS

    for one in FORMATS.values():
        told = {"questions": one.questions, "prompt sets": ", ".join(one.prompt_sets), "source": one.source}
        yield _row("format", one.name, one.summary) | {"files": one.files, "judge": one.told_judge, **told}


_KINDS: dict[str, Callable[[], Iterable[Row]]] = {
    "tokenizers": _tokenizers,
    "generators": _generators,
    "tasks": _tasks,
    "suites": _suites,
    "metrics": _metrics,
    "features": partial(_registered, "features"),
    "readers": partial(_registered, "readers"),
    "estimators": partial(_registered, "estimators"),
    "datasets": partial(_registered, "datasets"),
    "presets": _presets,
    "assets": _assets,
    "formats": _formats,
}


def _row(kind: str, name: str, summary: str) -> Row:
    return {"kind": kind, "name": name, "summary": summary}
