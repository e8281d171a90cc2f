"""Names of everything that can be named, by kind: cheap enough to complete them while a person types."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtbench.core.registry import Registry


def registries() -> dict[str, Registry]:
    """The registries of what is created with arguments, by kind."""
    from vtbench.data import DATASETS
    from vtbench.estimators import MAP_ESTIMATORS
    from vtbench.features import EXTRACTORS
    from vtbench.generators import GENERATORS
    from vtbench.readers import READERS
    from vtbench.tokenizers import TOKENIZERS

    return {
        "tokenizers": TOKENIZERS,
        "generators": GENERATORS,
        "features": EXTRACTORS,
        "readers": READERS,
        "estimators": MAP_ESTIMATORS,
        "datasets": DATASETS,
    }


def names_of(kind: str) -> list[str]:
    """Every name of one kind, sorted."""
    return sorted(_KINDS[kind]())


def is_known(name: str) -> bool:
    """Whether ``name`` is a file of a task or suite, or registered: then it is that, even beside a folder so called."""
    return name.endswith((".yaml", ".yml")) or any(name in make() for make in _KINDS.values())


def _tokenizers() -> Iterable[str]:
    from vtbench.checkpoints.cards import load_cards
    from vtbench.tokenizers import IMAGES

    return {*registries()["tokenizers"].names(), IMAGES, *load_cards()}


def _generators() -> Iterable[str]:
    from vtbench.checkpoints.cards import load_generator_cards

    return {*registries()["generators"].names(), *load_generator_cards()}


def _tasks() -> Iterable[str]:
    from vtbench.tasks import task_files

    return task_files()


def _suites() -> Iterable[str]:
    from vtbench.tasks import load_suites

    return load_suites()


def _metrics() -> Iterable[str]:
    from vtbench.metrics.catalog.lookup import metric_names

    return metric_names()


def _presets() -> Iterable[str]:
    from vtbench.data.preparing.presets import PRESETS

    return PRESETS


def _assets() -> Iterable[str]:
    from vtbench import assets

    return assets.names()


def _formats() -> Iterable[str]:
    from vtbench.run.judging.formats.table import FORMATS

    return FORMATS


_KINDS: dict[str, Callable[[], Iterable[str]]] = {
    "tokenizers": _tokenizers,
    "generators": _generators,
    "tasks": _tasks,
    "suites": _suites,
    "metrics": _metrics,
    "features": lambda: registries()["features"].names(),
    "readers": lambda: registries()["readers"].names(),
    "estimators": lambda: registries()["estimators"].names(),
    "datasets": lambda: registries()["datasets"].names(),
    "presets": _presets,
    "assets": _assets,
    "formats": _formats,
}
KINDS = tuple(_KINDS)
"""In the order in which they are listed."""
