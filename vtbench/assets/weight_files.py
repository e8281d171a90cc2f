"""Which files hold the weights of a folder: one file, or shards through their index; never a guess among several."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vtbench.assets.dangling_links import dangling
from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.outside.parsing import boundary, read_json

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".th", ".jit")
_SHARD = re.compile(
    r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<rest>(\.[\w-]+)?\.(safetensors|bin|pt|pth))"
)
_AGAIN = "copy or download the whole folder again"


def weights_in(folder: Path) -> tuple[Path, ...]:
    """The files of the only weights in a folder: one file, or shards in order.

    Raises:
        UsageError: none, or several that could be meant; they are listed.
        AdapterError: shards that are not all there, or an index that cannot be read.
    """
    indices = sorted(folder.glob("*.index.json"))
    sets = [indexed_shards(index) for index in indices]
    rest = [path for path in _weight_files(folder) if not any(path in found for found in sets)]
    sharded = {path: match for path in rest if (match := _SHARD.fullmatch(path.name))}
    for group in sorted({(match["stem"], match["count"], match["rest"]) for match in sharded.values()}):
        sets.append(numbered_shards([path for path, match in sharded.items() if _group(match) == group]))
    sets += [(path,) for path in rest if path not in sharded]
    if not sets:
        raise UsageError(f"{folder} holds no weights", dangling(folder) or f"weights end in {', '.join(SUFFIXES)}")
    if len(sets) > 1:
        names = ", ".join(found[0].name for found in sets)
        raise UsageError(f"{folder} holds several weights: {names}", f"name one: {folder / sets[0][0].name}")
    return sets[0]


def indexed_shards(index: Path) -> tuple[Path, ...]:
    """The shards that an index (``NAME.safetensors.index.json``) names, sorted.

    Raises:
        AdapterError: the index is none, or a shard is missing.
    """
    with boundary(f"{index} is no index of shards", _AGAIN, AdapterError):
        names = sorted(set(read_json(index, AdapterError)["weight_map"].values()))
        if not names or any(name != Path(name).name for name in names):
            raise AdapterError(f"{index} names no files beside it", _AGAIN)
        files = [index.parent / name for name in names]
        _demand(files, f"which {index.name} names")
    return tuple(files)


def numbered_shards(files: Sequence[Path]) -> tuple[Path, ...]:
    """The shards themselves, where no index lies beside them: all that ``-00001-of-0000N`` counts.

    Raises:
        AdapterError: one is missing.
    """
    match = _SHARD.fullmatch(min(files).name)
    assert match is not None
    count = int(match["count"])
    names = [f"{match['stem']}-{number:05d}-of-{match['count']}{match['rest']}" for number in range(1, count + 1)]
    wanted = [min(files).parent / name for name in names]
    _demand(wanted, f"one of {count} shards")
    return tuple(wanted)


def read_shards(files: Iterable[Path], read: Callable[[Path], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors of all files together.

    Args:
        files: shards, or one file.
        read: file to tensors by name.

    Raises:
        AdapterError: one name in two files.
    """
    found: dict[str, Tensor] = {}
    for file in files:
        for name, tensor in read(file).items():
            if name in found:
                raise AdapterError(f"{file}: {name} is in another shard too", "the shards are of different checkpoints")
            found[name] = tensor
    return found


def _weight_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())


def _group(match: re.Match[str]) -> tuple[str, str, str]:
    return match["stem"], match["count"], match["rest"]


def _demand(files: Sequence[Path], why: str) -> None:
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise AdapterError(f"{files[0].parent}: the shard {missing[0]}{more} is missing, {why}", _AGAIN)
