"""What the shell completes: names of tokenizers, tasks, metrics and the like."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import typer

from vtbench.cli.names import KINDS, names_of
from vtbench.core.disk.files import user_path
from vtbench.core.errors import VtbenchError
from vtbench.core.outside.parsing import read_json

_RECORD = "record.json"
_YAML = (".yaml", ".yml")
_MOST_RECORDS = 500
"""Nobody waits longer for a completion."""


def complete(*kinds: str, also: tuple[str, ...] = ()) -> Callable[[str], list[str]]:
    """A completer of the names of these kinds, and of ``also``."""

    def completer(incomplete: str) -> list[str]:
        return [name for name in (*also, *_names(kinds)) if name.startswith(incomplete)]

    return completer


def _names(kinds: tuple[str, ...]) -> list[str]:
    found: dict[str, None] = {}
    for kind in kinds:
        try:
            found |= dict.fromkeys(names_of(kind))
        except VtbenchError:  # a broken task file of somebody's plug-in is told by the command, not by the shell
            continue
    return list(found)


def families(incomplete: str) -> list[str]:
    """The leaderboard's families."""
    from vtbench.results.leaderboards.columns import METRIC_COLUMNS

    return [name for name in METRIC_COLUMNS if name.startswith(incomplete)]


def destinations(incomplete: str) -> list[str]:
    """Where results can go."""
    from vtbench.export.destinations import DESTINATIONS

    return [name for name in DESTINATIONS if name.startswith(incomplete)]


def measured(ctx: typer.Context, incomplete: str) -> list[str]:
    """Models whose records lie in folders that are on the line already, for ``compare RUNS MODEL MODEL``."""
    words = [str(word) for word in ctx.params.get("runs") or ()]
    folders = [folder for word in words if (folder := user_path(word)).is_dir()]
    files = islice((file for folder in folders for file in folder.rglob(_RECORD)), _MOST_RECORDS)
    return sorted({label for file in files if (label := _label(file)).startswith(incomplete)} - {"", *words})


def _label(file: Path) -> str:
    """A record's label, empty where it cannot be read: the command tells, not the shell."""
    try:
        return str(read_json(file)["model"]["label"])
    except (VtbenchError, LookupError, TypeError):
        return ""


def yaml_files(incomplete: str) -> list[str]:
    """YAML files that begin so, and folders on the way to others; ``-`` is stdin."""
    folder, _, name = incomplete.rpartition("/")
    place = user_path(folder or ("/" if incomplete.startswith("/") else "."))
    found = sorted(place.iterdir()) if place.is_dir() else []
    shown = {path.name + "/" * path.is_dir(): path for path in found if path.is_dir() or path.suffix in _YAML}
    above = incomplete.removesuffix(name)
    return [above + told for told, path in shown.items() if told.startswith(name) and (name or path.name[0] != ".")]


tokenizers = complete("tokenizers")
generators = complete("generators")
models = complete("tokenizers", "generators")
tasks = complete("tasks")
suites = complete("suites")
metrics = complete("metrics")
orders = complete("metrics", also=("rate", "model"))
data_sets = complete("datasets")
extractors = complete("features")
presets = complete("presets")
formats = complete("formats")
fetched = complete("assets", "tokenizers", "generators")
kinds = complete(also=("all", *KINDS))
anything = complete(*(kind for kind in KINDS if kind != "assets"))
templates = complete(also=("tokenizer", "generator", "metric", "task", "dataset", "reader", "extractor"))
dtypes = complete(also=("float32", "bfloat16", "float16"))
devices = complete(also=("auto", "cpu", "cuda"))
launchers = complete(also=("local", "torchrun", "slurm", "ray"))
