"""TorchScript archives, read as what they hold of tensors: the program in them is neither compiled nor run.

Such an archive is a zip: ``data.pkl`` is the tree of modules, whose classes are the archive's own, ``data/N`` the bytes
of each storage, ``code/`` the program. Here a module of whatever class is its attributes, a tensor is looked up in the
bytes that are there, and any other name that the pickle calls for is refused before it is looked up.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.assets.torch_files import check_archive, damaged
from vtbench.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

_TREE, _CONSTANTS = "/data.pkl", "/constants.pkl"
_STORAGES = {
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "DoubleStorage": "float64",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}


def is_torchscript(path: Path) -> bool:
    """Whether the file is such an archive; ``torch.save`` writes no ``constants.pkl``. A damaged one is told by whoever
    reads it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(_CONSTANTS) for name in archive.namelist())
    except Exception:  # noqa: BLE001 - names of entries are anybody's bytes, and fail in many ways
        return False


def torchscript_tensors(path: Path) -> dict[str, Tensor]:
    """Every parameter and buffer by its dotted name, on the CPU; buffers that a state dict would leave out, too.

    Raises:
        UsageError: it is truncated or damaged, calls for something that is no module, list or tensor, or holds a
            tensor that claims more than its bytes.
    """
    try:
        with path.open("rb") as stream:
            check_archive(stream)
            with zipfile.ZipFile(stream) as archive:
                return dict(_named(_read_tree(archive)))
    except pickle.UnpicklingError as error:
        raise UsageError(
            f"{path} is not read: {error}", "only modules, lists and tensors of a TorchScript archive are"
        ) from error
    except Exception as error:
        raise damaged(str(path), error) from error


class _Module:
    """Stands for a module of the archive: its attributes, whatever its class was."""

    def __init__(self, *_: Any) -> None:
        self.held: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.held = state if isinstance(state, dict) else {}


class _Reader(pickle.Unpickler):
    """Rebuilds modules, lists and tensors; all else is refused."""

    def __init__(self, archive: zipfile.ZipFile, tree: str) -> None:
        content = archive.read(tree)
        _refuse_far_places(content)
        super().__init__(io.BytesIO(content))
        self._archive, self._root = archive, tree.removesuffix(_TREE)
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        """What stands for the name that the pickle calls for."""
        if module.startswith("__torch__"):
            return _Module
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if module == "torch.jit._pickle" and name.startswith("build_"):
            return list
        known = {
            ("torch._utils", "_rebuild_tensor_v2"): _view,
            ("torch.jit._pickle", "restore_type_tag"): _untagged,
            ("collections", "OrderedDict"): OrderedDict,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it calls for {module}.{name}")
        return known[module, name]

    def persistent_load(self, pid: Any) -> Tensor:
        """A storage, ``[elements]``: of a kind, under a key, said to lie on some device."""
        import torch

        kind, dtype, key, _, count = pid
        if kind != "storage" or dtype not in _STORAGES.values():
            raise pickle.UnpicklingError(f"it holds a {kind} of {dtype}")
        if key not in self._storages:
            data = bytearray(self._archive.read(f"{self._root}/data/{key}"))
            read = getattr(torch, dtype)
            self._storages[key] = torch.frombuffer(data, dtype=read) if data else torch.empty(0, dtype=read)
        if count > self._storages[key].numel():
            raise ValueError(f"storage {key} is said to hold {count} values and holds {self._storages[key].numel()}")
        return self._storages[key]


def _read_tree(archive: zipfile.ZipFile) -> Any:
    names = archive.namelist()
    order = next((archive.read(name) for name in names if name.endswith("/byteorder")), b"little")
    if order != b"little":
        raise ValueError(f"its values are {order.decode('utf-8', 'replace')}-endian")
    return _Reader(archive, next(name for name in names if name.endswith(_TREE) and name.count("/") == 1)).load()


def _refuse_far_places(content: bytes) -> None:
    """A pickle may remember a value at any place, and Python makes room for all before it; each takes a byte to say."""
    for operation, argument, _ in pickletools.genops(content):
        if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > len(content):
            raise ValueError(f"it remembers a value at place {argument}")


def _view(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Tensor:
    """A tensor within its storage, no value of which is shown twice."""
    import torch

    last = offset + sum((side - 1) * step for side, step in zip(size, stride, strict=True))
    count = 1
    for side in size:
        count *= side
    if min((offset, *size, *stride)) < 0 or count > storage.numel() or (count and last >= storage.numel()):
        raise ValueError(f"a tensor {size} reaches beyond the {storage.numel()} values that are stored")
    return torch.as_strided(storage, size, stride, offset)


def _untagged(value: Any, _: Any) -> Any:
    return value


def _named(tree: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors below a module, each module looked into once."""
    import torch

    waiting, seen = [("", tree)], set()
    while waiting:
        prefix, module = waiting.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        for name, value in module.held.items() if isinstance(module, _Module) else ():
            if isinstance(value, torch.Tensor):
                yield prefix + str(name), value
            elif isinstance(value, _Module):
                waiting.append((f"{prefix}{name}.", value))
