"""``vtbench list``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from vtbench.cli import completion
from vtbench.cli import options as o
from vtbench.cli.output import emit_rows


def list_(
    kind: Annotated[
        str,
        typer.Argument(
            autocompletion=completion.kinds,
            help="tokenizers, generators, tasks, suites, metrics, features, readers, estimators, datasets, presets, "
            "assets or formats.",
        ),
    ] = "all",
    json: o.Json = False,
) -> None:
    """List what is there, by kind."""
    from vtbench.cli.inventory import columns, inventory

    emit_rows(inventory(kind), columns(kind, terminal=sys.stdout.isatty()), json)
