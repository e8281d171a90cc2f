"""From what a user typed to a generator: cards, registered names, plug-ins, modules and files."""

from __future__ import annotations

import difflib
from typing import Any

from vtbench.checkpoints.cards import load_cards, load_generator_cards
from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.info import GeneratorInfo
from vtbench.core.naming.reference import Reference, parse_reference
from vtbench.generators import GENERATORS
from vtbench.generators.unpublished import load_unpublished


def generator_names() -> list[str]:
    """Registered names and cards, sorted."""
    return sorted({*GENERATORS.names(), *load_generator_cards()})


def resolve_generator(text: str) -> Any:
    """Create what ``text`` names: ``NAME[,key=value…]``, NAME a card, a registered name, ``package.module:Class`` or
    ``./file.py:Class``. Arguments override those of a card.

    Raises:
        UsageError: unknown name (with a suggestion) or wrong arguments.
        AdapterError: the object is no generator.
    """
    reference = expand(parse_reference(text))
    generator = GENERATORS.create(reference)
    info = getattr(generator, "info", None)
    if not isinstance(info, GeneratorInfo):
        raise AdapterError(f"{reference.target} has no info of type GeneratorInfo", "set self.info = GeneratorInfo(…)")
    methods = ("sample", "sample_each", "sample_codes", "images", "clouds", "maps")
    if not any(hasattr(generator, name) for name in methods):
        raise AdapterError(f"{reference.target} cannot sample", "a generator has a method sample")
    return generator


def generator_arguments(reference: Reference) -> dict[str, Any]:
    """What the arguments given in ``reference`` mean, as a record holds them; a card's own are left out.

    Raises:
        UsageError: as :func:`resolve_generator`.
    """
    meant = GENERATORS.arguments(expand(reference))
    return {key: meant[key] for key in reference.args if key in meant}


def expand(reference: Reference) -> Reference:
    """Replace a card's name by its target and arguments.

    Raises:
        UsageError: a name that is neither registered, nor a card, nor a path to code.
    """
    target = reference.target
    if target in GENERATORS or ":" in target:
        return reference
    card = load_generator_cards().get(target)
    if card is not None:
        named = {} if card.checkpoint is None else {"card": card.name}
        return reference.over(card.target, {**card.args, **named})
    raise _unknown(target)


def _unknown(target: str) -> UsageError:
    if target in load_unpublished():
        return UsageError(f"{target} cannot be run: its authors published no code", f"vtbench show {target}")
    if target in load_cards():
        return UsageError(f"{target} is a tokenizer", f"vtbench run --tokenizer {target}")
    close = difflib.get_close_matches(target.lower(), generator_names(), n=3, cutoff=0.5)
    own = "name your own as package.module:Class or ./file.py:Class"
    hint = f"did you mean {' or '.join(close)}?" if close else f"see vtbench list generators, or {own}"
    return UsageError(f"unknown generator {target!r}", hint)
