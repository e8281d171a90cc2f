"""``vtbench new``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli import completion
from vtbench.cli import options as o
from vtbench.core.files import user_path


def new(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            autocompletion=completion.templates,
            help="tokenizer, generator, metric, task, dataset, reader or extractor.",
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the thing, e.g. my-tokenizer.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", parser=user_path, help="Folder to write to.")] = Path(),
    json: o.Json = False,
) -> None:
    """Write a working template of one's own, with its test. Nothing that is there is overwritten."""
    from vtbench.templates import draft, find_kind, write

    template = find_kind(kind)
    planned = draft(template, name, out, frozenset(_TAKEN[kind]()))
    write(planned)
    if json:
        import json as plain

        print(plain.dumps({"written": [str(path) for path in planned.texts], "next": planned.following}, indent=2))
        return
    for path in planned.texts:
        print(f"wrote {path}")
    for line in planned.following:
        print(f"next: {line}")


def _tokenizers() -> Iterable[str]:
    from vtbench.tokenizers import IMAGES
    from vtbench.tokenizers.resolve import tokenizer_names

    return [*tokenizer_names(), IMAGES]


def _generators() -> Iterable[str]:
    from vtbench.generators import GENERATORS

    return GENERATORS.names()


def _metrics() -> Iterable[str]:
    from vtbench.metrics.catalog import metric_names

    return metric_names()


def _tasks() -> Iterable[str]:
    from vtbench.tasks import task_files

    return task_files()


def _datasets() -> Iterable[str]:
    from vtbench.data import DATASETS

    return DATASETS.names()


def _readers() -> Iterable[str]:
    from vtbench.readers import READERS

    return READERS.names()


def _extractors() -> Iterable[str]:
    from vtbench.features import EXTRACTORS

    return EXTRACTORS.names()


_TAKEN: dict[str, Callable[[], Iterable[str]]] = {
    "tokenizer": _tokenizers,
    "generator": _generators,
    "metric": _metrics,
    "task": _tasks,
    "dataset": _datasets,
    "reader": _readers,
    "extractor": _extractors,
}
"""Names that mean something else already, by kind."""
