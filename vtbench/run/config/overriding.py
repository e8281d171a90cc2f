"""What flags do to a file: each replaces the whole field that it is an option of, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vtbench.run.config.as_typed import MODELS
from vtbench.run.config.schema import ModelRequest, RunConfig

_WHAT_IS_RUN = ("tasks", "suite")


def overridden(config: RunConfig, said: Mapping[str, Any]) -> RunConfig:
    """The invocation with what was said on the command line.

    A list replaces the list: one ``--tokenizer`` leaves one tokenizer, and the file's generators. Tasks and a suite are
    two ways to say one thing: either replaces whichever the file has.

    Args:
        config: as a file says it, or the defaults.
        said: fields that were given as flags, by name.
    """
    replaced = {} if not any(name in said for name in _WHAT_IS_RUN) else {"tasks": (), "suite": None}
    return config.model_copy(update={**replaced, **{name: _field(name, value) for name, value in said.items()}})


def _field(name: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(ModelRequest.typed(text) if name in MODELS else text for text in value)
    return str(value) if isinstance(value, Path) else value
