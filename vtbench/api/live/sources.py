"""Live objects as sources of a run. They exist in this process only: no result of one stands for another.

A live object has no stable identity: what it computes may change between two calls, and no file tells it. So each time
one is measured it gets a number of its own, which is part of its revision and of the job's key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import torch

from vtbench.api.callables import CallableGenerator, CallableReconstructor
from vtbench.core.errors import UsageError
from vtbench.core.foreign.returned import in_words
from vtbench.core.info import GeneratorInfo, TokenizerInfo
from vtbench.run.device import choose_dtype
from vtbench.run.measuring.model import LoadedModel
from vtbench.run.measuring.predict import ModelPredictor, Predictor
from vtbench.run.options import RunOptions
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.models import with_digests

LIVE = "live object"
"""What the revision of such a model begins with."""
_SAMPLING = ("sample", "sample_each", "sample_codes")
Info = TypeVar("Info", TokenizerInfo, GeneratorInfo)


class LiveTokenizer:
    """A tokenizer or reconstructor that somebody made, as a :class:`~vtbench.run.planning.models.PredictionSource`.

    Args:
        model: with ``info``, and ``encode`` and ``decode``, or ``reconstruct``.
        number: of this call.
        name: what tables call it; what it calls itself unless given.
    """

    def __init__(self, model: Any, number: str, name: str | None = None) -> None:
        self.model, self.number = model, number
        self.info: TokenizerInfo = _live(model.info, number)
        self.label = name or self.info.name
        self.reference = f"{self.label} ({LIVE})"
        self.args: dict[str, Any] = {}
        self.serves_on = True
        self.import_path = import_path(model)
        self.code_files: frozenset[str] = frozenset()

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Its number: no other object has it, nor this one at another time."""
        return {LIVE: self.number, "info": with_digests(self.info)}

    def open(self, options: RunOptions, device: torch.device, batch_size: int, ids: Sequence[str]) -> Predictor:
        """The model, moved only where it is not on that device in that dtype already."""
        loaded = LoadedModel(self.model, device, choose_dtype(options.dtype), lent=True)
        return ModelPredictor(loaded, seed=options.seed, batch_size=batch_size)

    def release(self) -> None:
        """It is the caller's, and stays."""

    def warnings(self, ids: Sequence[str], left_out: Sequence[str] = ()) -> list[str]:
        """What the model says of itself."""
        return notes_of(self.model)

    def resolved(self, ids: Sequence[str]) -> dict[str, str]:
        """Nothing was left to settle."""
        return {}


class LiveGenerator(GeneratorSource):
    """A generator that somebody made.

    Args:
        model: with ``info`` and ``sample``.
        number: of this call.
        name: what tables call it; what it calls itself unless given.
    """

    def __init__(self, model: Any, number: str, name: str | None = None) -> None:
        self._label = name or model.info.name
        super().__init__(reference=f"{self._label} ({LIVE})")
        self.object, self.number = model, number

    lent = True
    serves_on = True

    def make(self) -> Any:
        """The generator itself."""
        return self.object

    @property
    def label(self) -> str:
        """What tables call it."""
        return self._label

    def meant(self) -> dict[str, Any]:
        """No arguments."""
        return {}

    @cached_property
    def import_path(self) -> str:
        """Of its class, or of the function that it was made of."""
        return import_path(self.object)

    @cached_property
    def code_files(self) -> frozenset[str]:
        """None: nothing is kept that reading a file could decide."""
        return frozenset()

    @cached_property
    def info(self) -> GeneratorInfo:
        """Of the generator, with a revision of its own."""
        info: GeneratorInfo = _live(self.object.info, self.number)
        return info

    @cached_property
    def tokenizer_info(self) -> TokenizerInfo | None:
        """Of the tokenizer whose codes it samples, with the same revision; ``None`` where it samples images."""
        if not hasattr(self.object, "sample_codes"):
            return None
        info: TokenizerInfo = _live(self.object.tokenizer.info, self.number)
        return info

    @property
    def named(self) -> dict[str, Any]:
        """Its number, in place of a name."""
        return {"target": self.reference, "args": {}, "files": {}, "foreign": {LIVE: self.number}}


def live_source(model: Any, number: str, name: str | None) -> LiveTokenizer | LiveGenerator:
    """The source of an object.

    Raises:
        UsageError: it is neither a tokenizer, a reconstructor nor a generator.
    """
    info = getattr(model, "info", None)
    if isinstance(info, TokenizerInfo):
        if hasattr(model, "reconstruct") or (hasattr(model, "encode") and hasattr(model, "decode")):
            return LiveTokenizer(model, number, name)
        raise UsageError(f"{info.name} has neither encode and decode nor reconstruct", "see docs/adding-a-tokenizer.md")
    if isinstance(info, GeneratorInfo):
        if any(hasattr(model, method) for method in _SAMPLING):
            return LiveGenerator(model, number, name)
        raise UsageError(f"{info.name} cannot sample", "a generator has a method sample")
    raise UsageError(
        f"{in_words(model)} is no model: it has no info of type TokenizerInfo or GeneratorInfo",
        'wrap it: vtbench.reconstructor(lambda x: model(x), name="step-5000"), or name one as the command line does',
    )


def import_path(model: Any) -> str:
    """``package.module:Class``, or that of the function that a model was made of."""
    made_of = model.function if isinstance(model, CallableReconstructor | CallableGenerator) else type(model)
    named = made_of if hasattr(made_of, "__qualname__") else type(made_of)
    return f"{named.__module__}:{named.__qualname__}"


def notes_of(model: Any) -> list[str]:
    """What a model says that a reader of its numbers must know: its ``notes``, where it has any."""
    notes = getattr(model, "notes", ())
    return [note for note in notes if isinstance(note, str)] if isinstance(notes, tuple | list) else []


def _live(info: Info, number: str) -> Info:
    told = f"{LIVE} {number}"
    return replace(info, revision=f"{told}, {info.revision}" if info.revision else told)
