"""A model named on the command line: what tokenizers and generators have in common as rows of a table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from vtbench.core.code_identity import code_files, foreign_identity
from vtbench.core.disk.files import path_segment
from vtbench.core.foreign import read_files
from vtbench.core.naming.reference import Reference, parse_reference
from vtbench.core.registry import Registry
from vtbench.core.secrets import masked
from vtbench.core.sources.file_arguments import digest_arguments, named_places

_WRITTEN = ("work",)
"""Arguments of vtbench's own models that name a folder to write to."""
_SETTINGS = (".json", ".yaml", ".yml", ".toml", ".txt", ".model")


@dataclass(eq=False)
class NamedSource:
    """Built when first needed, and forgotten on :meth:`release`.

    Attributes:
        registry: where its name is looked up.
        kept: what was learnt from the model and stays known without it.
    """

    reference: str
    registry: ClassVar[Registry]
    kept: ClassVar[tuple[str, ...]] = ("info", "import_path", "notes", "code_files")

    @abstractmethod
    def make(self) -> Any:
        """The model."""

    @cached_property
    def model(self) -> Any:
        """The model, made when first asked for."""
        return self.make()

    @property
    def label(self) -> str:
        """The argument ``name`` where there is one, else target and arguments, spaces around them left out."""
        return self.parsed.name or masked(str(self.parsed))

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

    @cached_property
    def code_files(self) -> frozenset[str]:
        """Sources of somebody else's code behind it; what they read while they run decides its values too."""
        target = self.parsed.target
        location = self.registry.location(target)
        if location is None:
            return frozenset()
        read_files.known(named_places(self.args))
        return code_files(location, self.registry.load(target), self.model)

    @property
    def named(self) -> dict[str, Any]:
        """How it was named, what its file and folder arguments hold, and what somebody else's code comes down to:
        editing any of it must not revive an old result."""
        target = self.parsed.target
        location = self.registry.location(target)
        factory = None if location is None else self.registry.load(target)
        foreign = foreign_identity(location, factory, self.model, self.args)
        read = {name: value for name, value in self.args.items() if name not in _WRITTEN}
        files = {} if location is not None else digest_arguments(read, _is_setting)
        named = {"target": target, "args": self.args, "files": files, **({"foreign": foreign} if foreign else {})}
        # A name is told by the job's folder; one that no folder can have is told by the key, so that no two meet.
        called = self.parsed.name
        return named | ({} if called is None or path_segment(called) == called else {"called": called})

    @property
    def serves_on(self) -> bool:
        """Where its code is vtbench's own. Somebody else's may keep what it likes from one call to the next, and a job
        has the same results whatever was measured before it."""
        return self.registry.location(self.parsed.target) is None

    def release(self) -> None:
        """Free the model; what was learnt from it stays known."""
        for name in self.kept:
            getattr(self, name)
        self.__dict__.pop("model", None)

    def warnings(self, ids: Sequence[str], left_out: Sequence[str] = ()) -> list[str]:
        """What the model says of itself."""
        return list(self.notes)

    def resolved(self, ids: Sequence[str]) -> dict[str, str]:
        """Nothing was left to settle."""
        return {}


def _is_setting(path: Path) -> bool:
    """Of a folder that vtbench's own families read, weights and images are told by their info."""
    return path.suffix.lower() in _SETTINGS
