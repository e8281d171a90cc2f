"""What the shell completes: names of tokenizers, tasks, metrics and the like."""

from __future__ import annotations

from collections.abc import Callable

from vtbench.cli.names import KINDS, names_of
from vtbench.core.errors import VtbenchError


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
    from vtbench.results.leaderboard_columns import METRIC_COLUMNS

    return [name for name in METRIC_COLUMNS if name.startswith(incomplete)]


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
fetched = complete("assets", "tokenizers")
kinds = complete(also=("all", *KINDS))
anything = complete(*(kind for kind in KINDS if kind != "assets"))
templates = complete(also=("tokenizer", "generator", "metric", "task", "dataset", "reader", "extractor"))
dtypes = complete(also=("float32", "bfloat16", "float16"))
devices = complete(also=("auto", "cpu", "cuda"))
