"""A model named on the command line: what tokenizers and generators have in common as rows of a table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from vtbench.core.digests import digest_file
from vtbench.core.reference import Reference, parse_reference


@dataclass(eq=False)
class NamedSource:
    """Built when first needed, and forgotten on :meth:`release`.

    Attributes:
        kept: what was learnt from the model and stays known without it.
    """

    reference: str
    kept: ClassVar[tuple[str, ...]] = ("info", "import_path", "notes")

    @abstractmethod
    def make(self) -> Any:
        """The model."""

    @cached_property
    def model(self) -> Any:
        """The model, made when first asked for."""
        return self.make()

    @property
    def label(self) -> str:
        """The argument ``name`` where there is one, else the reference as given: name and arguments."""
        return self.parsed.name or self.reference

    @cached_property
    def parsed(self) -> Reference:
        """Target and arguments."""
        return parse_reference(self.reference)

    @abstractmethod
    def meant(self) -> dict[str, Any]:
        """The arguments given, each as its parameter takes it."""

    @cached_property
    def args(self) -> dict[str, Any]:
        """The arguments given, each as its parameter takes it and as a record holds it."""
        return self.meant()

    @cached_property
    def import_path(self) -> str:
        """``package.module:Class`` of the adapter."""
        kind = type(self.model)
        return f"{kind.__module__}:{kind.__qualname__}"

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the model says a reader of its numbers must know: its ``notes``, a tuple of texts, where it has any."""
        notes = getattr(self.model, "notes", ())
        return tuple(note for note in notes if isinstance(note, str)) if isinstance(notes, tuple | list) else ()

    @property
    def named(self) -> dict[str, Any]:
        """How it was named, and the bytes of a user's own file and of any file argument: editing one must not revive
        an old result."""
        candidates = [self.parsed.target.rpartition(":")[0], *self.args.values()]
        paths = [Path(text).expanduser() for text in candidates if isinstance(text, str) and text]
        files = {str(path): digest_file(path) for path in paths if path.is_file()}
        return {"target": self.parsed.target, "args": self.args, "files": files}

    def release(self) -> None:
        """Free the model; what was learnt from it stays known."""
        for name in self.kept:
            getattr(self, name)
        self.__dict__.pop("model", None)

    def warnings(self, ids: Sequence[str], left_out: Sequence[str] = ()) -> list[str]:
        """What the model says of itself."""
        return list(self.notes)
