"""Everything that is registered says of each parameter what it takes: arguments are read by it."""

from __future__ import annotations

import pytest

from vtbench.core.naming.parameters import UNKNOWN, parameters_of
from vtbench.core.registry import Registry
from vtbench.data import DATASETS
from vtbench.estimators import MAP_ESTIMATORS
from vtbench.features import EXTRACTORS
from vtbench.features.faces import FACE_RECOGNISERS
from vtbench.generators import GENERATORS
from vtbench.metrics.catalog.images import BLOCK_REGISTRY, IMAGE_REGISTRY, PROMPT_REGISTRY
from vtbench.metrics.catalog.sets import ESTIMATORS
from vtbench.metrics.catalog.videos import VIDEO_REGISTRY
from vtbench.readers import READERS
from vtbench.tokenizers import TOKENIZERS

REGISTRIES = [
    TOKENIZERS, GENERATORS, DATASETS, EXTRACTORS, READERS, FACE_RECOGNISERS, IMAGE_REGISTRY, BLOCK_REGISTRY,
    PROMPT_REGISTRY, ESTIMATORS, VIDEO_REGISTRY, MAP_ESTIMATORS,
]  # fmt: skip
TARGETS = [(registry, name) for registry in REGISTRIES for name in sorted(registry.builtin)]


@pytest.mark.parametrize(("registry", "name"), TARGETS, ids=lambda value: getattr(value, "kind", value))
def test_every_parameter_has_an_annotation(registry: Registry, name: str) -> None:
    parameters = parameters_of(registry.load(name))
    assert parameters is not None
    assert [name for name, item in parameters.signature.parameters.items() if item.annotation is UNKNOWN] == []
    # Tensors and modules come from code, never from the command line; their types are imported for type checkers alone.
    unresolved = {name for name, item in parameters.named.items() if item.annotation is UNKNOWN}
    assert unresolved <= {"tensors"}
    assert parameters.rest is None, "an argument that nobody reads would be accepted"
