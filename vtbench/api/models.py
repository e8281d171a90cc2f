"""The models of one call: names as the command line takes them, and live objects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from vtbench.api.live.networks import home_of, reached_networks
from vtbench.api.live.sources import LiveGenerator, live_source
from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import NAME, Reference, parse_reference
from vtbench.core.naming.sweeps import swept
from vtbench.generators import GENERATORS
from vtbench.run.device import DTYPES
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.models import Source, source_of
from vtbench.tokenizers import IMAGES
from vtbench.tokenizers.resolve import tokenizer_names

_NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True, eq=False)
class Models:
    """What is to be measured.

    Attributes:
        tokenizers: by what they are called; each makes its source.
        generators: the same.
        networks: those of the live ones, which are lent.
        live: the live ones.
    """

    tokenizers: dict[str, Callable[[], Source]]
    generators: dict[str, Callable[[], Source]]
    networks: Sequence[nn.Module]
    live: Sequence[Any]

    @property
    def makers(self) -> list[Callable[[], Source]]:
        """All of them, tokenizers first."""
        return [*self.tokenizers.values(), *self.generators.values()]

    @property
    def device(self) -> str:
        """Where the first live one lies that has parameters; else as the command line chooses."""
        home = home_of(list(self.networks))
        return "auto" if home is None else str(home[0])

    @property
    def dtype(self) -> str:
        """The arithmetic of the live ones, where they can be told one and agree; else float32."""
        count = len(self.tokenizers) + len(self.generators)
        homes = [home_of(reached_networks(model)) for model in self.live if hasattr(model, "to")]
        found = {None if home is None else _NAMES.get(home[1]) for home in homes}
        only = found.pop() if len(found) == 1 else None
        return only if only is not None and len(homes) == count else "float32"


def models_of(given: Any, name: str | None, number: str, kinds: Collection[bool]) -> Models:
    """One model, or a list of them.

    Args:
        given: text as the command line takes it (``NAME,key=1|2`` is two models), or an object with ``info``.
        name: what tables call it, of a single one.
        number: of this call.
        kinds: of the tasks: ``True`` for those of generators.

    Raises:
        UsageError: no models, several of one name, or something that is none.
    """
    asked = list(given) if isinstance(given, list | tuple) else [given]
    several = [one for model in asked for one in (swept([model]) if isinstance(model, str) else [model])]
    if not several:
        raise UsageError("no model is given", "give one, or a list of them")
    if name is not None and len(several) > 1:
        raise UsageError(
            f"name={name!r} is given for {len(several)} models", "name each: vtbench.reconstructor(…, name=…)"
        )
    tokenizers: dict[str, Callable[[], Source]] = {}
    generators: dict[str, Callable[[], Source]] = {}
    live = [model for model in several if not isinstance(model, str)]
    for model in several:
        label, make, generates = _named(model, name, kinds) if isinstance(model, str) else _live(model, name, number)
        those = generators if generates else tokenizers
        if label in those:
            raise UsageError(f"two models are called {label!r}", "tell them apart by name=NAME")
        those[label] = make
    networks = [network for model in live for network in reached_networks(model)]
    return Models(tokenizers, generators, list({id(network): network for network in networks}.values()), live)


def _live(model: Any, name: str | None, number: str) -> tuple[str, Callable[[], Source], bool]:
    source = live_source(model, number, name)
    return source.label, lambda: source, isinstance(source, LiveGenerator)


def _named(text: str, name: str | None, kinds: Collection[bool]) -> tuple[str, Callable[[], Source], bool]:
    parsed = parse_reference(text)
    if name is not None:
        plain = parsed.without([NAME])
        text = str(Reference(plain.target, {**plain.args, NAME: name}, plain.typed))
    generates = _generates(parsed.target, kinds)
    return text, partial(GeneratorSource if generates else source_of, text), generates


def _generates(target: str, kinds: Collection[bool]) -> bool:
    """Whether a name is a generator's, by who knows it, or by what it is to be measured on."""
    known = [target in {*tokenizer_names(), IMAGES}, target in GENERATORS and ":" not in target]
    if known[0] != known[1]:
        return known[1]
    if set(kinds) == {True, False} and (":" in target or all(known)):
        raise UsageError(f"{target} may be a tokenizer or a generator", "name tasks of one kind: tasks=…")
    return set(kinds) == {True}


def device_text(device: torch.device | str | int | None) -> str | None:
    """A device as the command line names it."""
    if device is None:
        return None
    return f"cuda:{device}" if isinstance(device, int) else str(device)


def dtype_text(dtype: torch.dtype | str | None) -> str | None:
    """A dtype as the command line names it; what is none of its names is refused where it is used."""
    return _NAMES.get(dtype, str(dtype)) if isinstance(dtype, torch.dtype) else dtype
