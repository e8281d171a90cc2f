"""What hangs on an object: the code of everything it holds, and its numbers (tensors and arrays)."""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, MappingProxyType, MethodType, ModuleType, SimpleNamespace
from typing import Any

from vtbench.core.digests import canonical_json, digest_arrays
from vtbench.core.sources.installed import owner
from vtbench.core.sources.modules import SourceFile, source_of_file
from vtbench.core.sources.neighbours import folder_of, is_neighbour, module_of_file

_DEEPEST = 24
_MOST = 1_000_000
_PLAIN = (str, bytes, bytearray, int, float, complex, bool, type(None), range, slice)


@dataclass
class Reached:
    """What was met.

    Attributes:
        roots: modules that classes and functions are from.
        numbers: tensors and arrays by where they hang.
    """

    roots: dict[SourceFile, None] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)

    def digest(self) -> str | None:
        """SHA-256 of the numbers; ``None`` where there are none.

        Raises:
            TypeError: one whose bytes cannot be had.
        """
        if not self.numbers:
            return None
        digest = hashlib.sha256()
        for name, value in self.numbers.items():
            digest.update(canonical_json([name, _digest_of(value)]).encode())
        return digest.hexdigest()


def reached_from(thing: object) -> Reached:
    """Walk what an object holds: attributes, containers, closures. Its class counts with all its bases."""
    found = Reached()
    waiting: list[tuple[str, object, int]] = [("", thing, 0)]
    seen: set[int] = set()
    kept = []  # so that no id is given twice
    while waiting and len(seen) < _MOST:
        name, value, depth = waiting.pop()
        if isinstance(value, (*_PLAIN, ModuleType)) or id(value) in seen or depth > _DEEPEST:
            continue
        seen.add(id(value))
        kept.append(value)
        if _is_number(value):
            found.numbers[name] = value
            continue
        homes = list(_homes(value))
        found.roots |= dict.fromkeys(homes)
        shared = _shared(value) if homes else ()
        held = [(f"{name}.{key}", item, depth + 1) for key, item in (*_held(value), *shared)]
        waiting += reversed(held)
    return found


def home_of(thing: object) -> SourceFile | None:
    """The file of the module that a class or function is from, unless that is vtbench's or the standard library's."""
    name = getattr(thing, "__module__", None)
    file = getattr(thing, "__globals__", {}).get("__file__")
    if file is None and isinstance(name, str):
        file = getattr(sys.modules.get(name), "__file__", None)
    if not isinstance(file, str) or not isinstance(name, str) or owner(file) not in ("foreign", "installed"):
        return None
    if getattr(module_of_file(Path(file)), "__name__", None) == name:
        return source_of_file(Path(file))
    folder = folder_of(file)
    return SourceFile(name, file, folder if folder and is_neighbour(name.partition(".")[0], folder) else None)


def _homes(value: object) -> Iterator[SourceFile]:
    """Of an object's class and its bases, or of a class or function itself; installed ones only where they are it."""
    if isinstance(value, FunctionType):
        kinds: tuple[object, ...] = (value,)
    else:
        kinds = (value if isinstance(value, type) else type(value)).__mro__
    for kind in kinds:
        home = home_of(kind)
        if home is not None and owner(home.path) == "foreign":
            yield home


def _held(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict | MappingProxyType):
        yield from ((str(key), item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        yield from ((str(place), item) for place, item in enumerate(value))
    elif isinstance(value, set | frozenset):
        yield from (("", type(item)) for item in value)
    elif isinstance(value, functools.partial):
        yield from (("func", value.func), ("args", value.args), ("keywords", value.keywords))
    elif isinstance(value, MethodType):
        yield from (("func", value.__func__), ("self", value.__self__))
    elif isinstance(value, FunctionType):
        yield from ((str(place), cell) for place, cell in enumerate(_cells(value)))
        yield "wrapped", getattr(value, "__wrapped__", None)
    elif not isinstance(value, type) and _is_open(value):
        yield from sorted(vars(value).items()) if hasattr(value, "__dict__") else ()
        yield from _scripted(value)


def _shared(value: object) -> Iterator[tuple[str, object]]:
    """Networks, tensors and arrays of foreign classes and of the modules they are from. What lies in a global
    container is left out: it may be a cache of what ran before."""
    kinds = (value,) if isinstance(value, FunctionType) else (value if isinstance(value, type) else type(value)).__mro__
    for kind in kinds:
        home = home_of(kind)
        if home is None or owner(home.path) != "foreign":
            continue
        module = module_of_file(Path(home.path)) or sys.modules.get(home.name)
        for namespace in (kind, module):
            names = getattr(namespace, "__dict__", {})
            yield from ((key, item) for key, item in sorted(names.items()) if _is_number(item) or _is_network(item))


def _is_network(value: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def _cells(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue


def _is_open(value: object) -> bool:
    """The standard library's own objects (loggers, threads, files) hold nothing that decides a value."""
    module = type(value).__module__.partition(".")[0]
    return isinstance(value, SimpleNamespace) or module not in sys.stdlib_module_names


def _scripted(value: object) -> Iterator[tuple[str, object]]:
    """Tensors of a network that torch compiled ahead, which are not among its attributes."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.jit.ScriptModule):
        yield from value.state_dict().items()


def _is_number(value: object) -> bool:
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and isinstance(value, torch.Tensor):
        return True
    return numpy is not None and isinstance(value, numpy.ndarray) and not value.dtype.hasobject


def _digest_of(value: Any) -> Any:
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(value, torch.Tensor):
        return digest_arrays({"": value})
    if value.device.type == "meta":
        return [str(value.dtype), list(value.shape)]
    whole = value.detach().dequantize() if value.is_quantized else value.detach()
    whole = whole.to_dense() if whole.layout != torch.strided else whole
    raw = whole.cpu().resolve_conj().resolve_neg().contiguous().flatten().view(torch.uint8).numpy()
    return [str(value.dtype), list(value.shape), digest_arrays({"": raw})]
