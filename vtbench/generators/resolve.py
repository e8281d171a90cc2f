"""From what a user typed to a generator: registered names, plug-ins, modules and files."""

from __future__ import annotations

from typing import Any

from vtbench.core.errors import AdapterError
from vtbench.core.info import GeneratorInfo
from vtbench.core.naming.reference import parse_reference
from vtbench.generators import GENERATORS


def generator_names() -> list[str]:
    """Registered names, sorted."""
    return GENERATORS.names()


def resolve_generator(text: str) -> Any:
    """Create what ``text`` names: ``NAME[,key=value…]``, NAME a registered name, ``package.module:Class`` or
    ``./file.py:Class``.

    Raises:
        UsageError: unknown name (with a suggestion) or wrong arguments.
        AdapterError: the object is no generator.
    """
    reference = parse_reference(text)
    generator = GENERATORS.create(reference)
    info = getattr(generator, "info", None)
    if not isinstance(info, GeneratorInfo):
        raise AdapterError(f"{reference.target} has no info of type GeneratorInfo", "set self.info = GeneratorInfo(…)")
    methods = ("sample", "sample_each", "sample_codes", "images")
    if not any(hasattr(generator, name) for name in methods):
        raise AdapterError(f"{reference.target} cannot sample", "a generator has a method sample")
    return generator
