"""``vtbench new``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli import completion
from vtbench.cli import options as o
from vtbench.core.disk.files import user_path


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
    from vtbench.cli.names import names_of
    from vtbench.templates import draft, find_kind, write

    template = find_kind(kind)
    planned = draft(template, name, out, frozenset(names_of(_LISTED_AS[kind])))
    write(planned)
    if json:
        import json as plain

        print(plain.dumps({"written": [str(path) for path in planned.texts], "next": planned.following}, indent=2))
        return
    for path in planned.texts:
        print(f"wrote {path}")
    for line in planned.following:
        print(f"next: {line}")


_LISTED_AS = {
    "tokenizer": "tokenizers",
    "generator": "generators",
    "metric": "metrics",
    "task": "tasks",
    "dataset": "datasets",
    "reader": "readers",
    "extractor": "features",
}
"""What ``vtbench list`` calls things of each kind: their names cannot be given again."""
