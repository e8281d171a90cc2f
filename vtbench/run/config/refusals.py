"""What does not fit in a file, in words: each key by its path, a mistyped one with what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from pydantic import ValidationError

from vtbench.run.config.as_typed import MODELS
from vtbench.run.config.schema import ModelRequest, RunConfig

OF_ONE_CALL = (
    *("config", "save_config", "trust", "dry_run", "json"),
    *("launcher", "world", "gpus_per_worker", "cpus_per_worker", "ray_address", "slurm"),
)
"""Options that say something about one call or about the machines of one place, and have no key."""
HELP = "keys are the options of vtbench run --help; see docs/run-config.md"
_MOST = 4


def problems(error: ValidationError) -> str:
    """What is wrong, key by key, in one line."""
    told = list(dict.fromkeys(_problem(found["loc"], found["type"], found["msg"]) for found in error.errors()))
    more = f" (+{len(told) - _MOST} more)" if len(told) > _MOST else ""
    return "; ".join(told[:_MOST]) + more


def _problem(place: Sequence[int | str], kind: str, message: str) -> str:
    path = ".".join(map(str, place))
    if kind == "extra_forbidden":
        return f"{path}: {_no_such_key(str(place[-1]), place[:-1])}"
    told = message.removeprefix("Value error, ").replace("a valid tuple", "a list")
    if not path:
        return told
    return f"{path} {told}" if told.startswith("is ") else f"{path}: {told[:1].lower()}{told[1:]}"


def _no_such_key(key: str, above: Sequence[int | str]) -> str:
    if not above and key.replace("-", "_") in OF_ONE_CALL:
        return f"no key of a file: give --{key.replace('_', '-')} on the command line"
    of_model = bool(above) and above[0] in MODELS
    known = (ModelRequest if of_model else RunConfig).model_fields
    close = difflib.get_close_matches(key.replace("-", "_"), known, n=1, cutoff=0.5)
    if close:
        return f"no such key; did you mean {close[0]}?"
    return "no such key" + ("; arguments of a model stand below args" if of_model else "")
