"""Published tensors out of a file or a folder of shards: nothing executed, no choice made without a word."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.assets.weight_files import read_shards, weights_in
from vtbench.assets.wrapped_names import told, unwrapped
from vtbench.checkpoints.state import first_of, matches
from vtbench.checkpoints.torchscript import is_torchscript, torchscript_tensors
from vtbench.core.errors import AdapterError, UsageError, VtbenchError

if TYPE_CHECKING:
    from torch import Tensor

COMMON_KEYS = ("state_dict", "model")


@dataclass(frozen=True)
class Published:
    """Tensors by name, what a reader of numbers made with them must know, and settings that lie beside them."""

    tensors: dict[str, Tensor]
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """Which entry of a file is read.

    Attributes:
        keys: entries that may hold the weights, dots for nesting (``ema.shadow``), in order of preference; then
            ``state_dict`` and ``model``; then the file itself.
        entry: the only one, where the user named it.
        argument: of the adapter, that names another; for messages.
    """

    keys: tuple[str, ...] = ()
    entry: str | None = None
    argument: str = "entry"


def load_official(
    file: Path | str,
    *,
    family: str,
    keys: Sequence[str] = (),
    prefix: str = "",
    ignore_unexpected: Sequence[str] = (),
) -> dict[str, Tensor]:
    """Tensors of a published file by name, on the CPU: those of :func:`read_published`, without its notes."""
    return read_published(file, Choice(tuple(keys)), family, prefix, ignore_unexpected).tensors


def read_published(
    file: Path | str,
    choice: Choice,
    family: str,
    prefix: str = "",
    ignore_unexpected: Sequence[str] = (),
    settings: str = "",
) -> Published:
    """Tensors of a published file by name, on the CPU.

    Args:
        file: safetensors, what ``torch.load(weights_only=True)`` reads, or a TorchScript archive; or a folder of one
            checkpoint.
        choice: of the entry. One is taken where it is a mapping.
        family: named in messages.
        prefix: kept are the names that begin so, without it. Where none does, the file is taken to have none.
        ignore_unexpected: fnmatch patterns of names to leave out (after the prefix is off).
        settings: entry with an ``argparse.Namespace`` of plain values, which is then no reason to refuse the file.

    Raises:
        AdapterError: no such file, truncated, would execute code, or holds no tensors; told with file and family.
        UsageError: an entry that is not there, or a folder with none or several checkpoints.
    """
    path = Path(file)
    notes: list[str] = []
    stated: dict[str, Any] = {}

    def read(part: Path) -> dict[str, Tensor]:
        content = _content(part, family, bool(settings))
        stated.update(_stated(content, settings))
        tensors, note = _entry(content, part, choice, family)
        notes.extend([note] if note else [])
        return tensors

    tensors = read_shards(weights_in(path) if path.is_dir() else (path,), read)
    tensors, wrappers = _behind(prefix, tensors)
    notes += [told(str(path), wrappers)] if wrappers else []
    kept = {name: value for name, value in tensors.items() if not matches(name, ignore_unexpected)}
    return Published(kept, tuple(dict.fromkeys(notes)), stated)


def renamed_for(
    network: Any,
    state: Published,
    convert: Callable[[dict[str, Tensor]], dict[str, Tensor]],
    ignore_unexpected: Sequence[str],
    source: str,
) -> Published:
    """The tensors under the network's names; wrappers of training tools come off only where nothing fits with them on.

    Args:
        network: whose names are wanted.
        state: as published.
        convert: published names to the network's.
        ignore_unexpected: fnmatch patterns of published names to leave out.
        source: file, named in the note.
    """
    bare, wrappers = unwrapped(state.tensors)
    if not wrappers:
        return Published(convert(state.tensors), state.notes)
    try:
        as_it_is = convert(dict(state.tensors))
    except (AdapterError, KeyError):  # a family that looks for a name of its own
        as_it_is = {}
    wanted = network.state_dict()
    if any(name in wanted for name in as_it_is):
        return Published(as_it_is, state.notes)
    kept = {name: value for name, value in bare.items() if not matches(name, ignore_unexpected)}
    return Published(convert(kept), (*state.notes, told(source, wrappers)))


def _behind(prefix: str, tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """The tensors whose names begin with the prefix, without it; wrappers may stand before it."""
    if not prefix:
        return tensors, ""
    bare, wrappers = unwrapped(tensors)
    for named, taken in ((tensors, ""), (bare, wrappers)):
        found = {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}
        if found:
            return found, taken
    return tensors, ""


def _content(path: Path, family: str, with_settings: bool) -> Any:
    try:
        return _read(path, (Namespace,) if with_settings else ())
    except VtbenchError as error:
        hint = error.hint
        if "refused" in error.what:
            hint = f"if it comes from its authors: vtbench fetch --convert {path} OUT.safetensors, which runs nothing"
        raise AdapterError(f"{family}: {error.what}", hint) from error


def _stated(content: Any, entry: str) -> dict[str, Any]:
    """The settings of that entry; none where it has another form."""
    found = content.get(entry) if entry and isinstance(content, Mapping) else None
    return dict(vars(found)) if isinstance(found, Namespace) else {}


def _read(path: Path, admitted: Sequence[Any]) -> Any:
    from vtbench.assets.checkpoint import load_checkpoint
    from vtbench.assets.torch_files import load_pickled

    if path.suffix == ".safetensors" or not path.is_file():
        return load_checkpoint(path)
    if is_torchscript(path):
        return torchscript_tensors(path)
    with path.open("rb") as stream:
        return load_pickled(stream, str(path), admitted)


def _entry(content: Any, path: Path, choice: Choice, family: str) -> tuple[dict[str, Tensor], str]:
    """The tensors of the entry that is read, and what is said where others hold the same network's."""
    holding = dict(_holding(content))
    if choice.entry is not None:
        if choice.entry not in holding:
            raise UsageError(
                f"{family}: {path} has no tensors under {choice.entry!r}",
                f"it has some under: {', '.join(holding)}" if holding else "leave entry out",
            )
        return holding[choice.entry], ""
    name = next((key for key in (*choice.keys, *COMMON_KEYS) if isinstance(_at(content, key), Mapping)), "")
    tensors = _tensors(_at(content, name) if name else content, path, family, list(holding))
    alike = [other for other, found in holding.items() if other != name and _same_network(found, tensors)]
    if not name or not alike:
        return tensors, ""
    others = ", ".join(repr(other) for other in alike)
    return tensors, f"{path}: took the weights under {name!r}; it also has {others}: {choice.argument}= chooses"


def _at(content: Any, key: str) -> Any:
    for part in key.split("."):
        content = content.get(part) if isinstance(content, Mapping) else None
    return content


def _holding(content: Any, before: str = "") -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Entries that hold tensors by name, one level of nesting deep."""
    from torch import Tensor

    for key, value in content.items() if isinstance(content, Mapping) else ():
        if isinstance(value, Mapping):
            tensors = {str(name): item.detach() for name, item in value.items() if isinstance(item, Tensor)}
            if tensors and len(tensors) == len(value):
                yield f"{before}{key}", tensors
            elif not before:
                yield from _holding(value, f"{key}.")


def _same_network(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    names, wanted = set(unwrapped(one)[0]), set(unwrapped(other)[0])
    return 2 * len(names & wanted) >= len(wanted)


def _tensors(entry: Any, path: Path, family: str, holding: Sequence[str]) -> dict[str, Tensor]:
    from torch import Tensor

    found = {}
    if isinstance(entry, Mapping):
        found = {str(name): value.detach() for name, value in entry.items() if isinstance(value, Tensor)}
    if not found or len(found) < len(entry):
        inside = first_of([str(name) for name in entry]) if isinstance(entry, Mapping) else type(entry).__name__
        raise AdapterError(
            f"{family}: {path} does not hold tensors by name: it has {inside or 'nothing'}",
            f"name the entry with the weights, entry=NAME, one of: {', '.join(holding)}"
            if holding
            else "take out the entry with the weights: vtbench fetch --convert IN OUT.safetensors --entry NAME",
        )
    return found
