"""Which flags a person gave, and which only have their defaults."""

from __future__ import annotations

from typing import Any

import typer

PARAMETERS = {"tokenizers": "tokenizer", "generators": "generator", "tasks": "task"}
"""Fields of a run config that are lists, and the options that fill them."""


def flags_given(ctx: typer.Context, **fields: Any) -> dict[str, Any]:
    """Of the fields of a run config, those whose options stood on the command line."""
    return {name: value for name, value in fields.items() if _was_typed(ctx, PARAMETERS.get(name, name))}


def _was_typed(ctx: typer.Context, parameter: str) -> bool:
    source = ctx.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"
