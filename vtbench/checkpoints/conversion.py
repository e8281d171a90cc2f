"""``vtbench fetch --convert``: the tensors of a PyTorch checkpoint as safetensors, with nothing in it executed.

Training frameworks store more than tensors (a configuration, an optimiser, callbacks), which the plain loader refuses,
since rebuilding such objects means calling what the file names. Here every name the loader does not know stands for an
inert placeholder: it is never imported, calling it makes another placeholder, and only tensors come out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.core.digests import digest_file
from vtbench.core.disk.files import atomic_path
from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import boundary

if TYPE_CHECKING:
    from torch import Tensor

USUAL_ENTRIES = ("ema_state_dict", "state_dict", "model", "model_ema", "ema", "module")
_OLD = "it was written by PyTorch before 1.6: load it where it was made and save it again"


class Placeholder:
    """Stands for an object of another package; swallows whatever it would be built from."""

    def __new__(cls, *_: Any, **__: Any) -> Placeholder:
        """Take any arguments."""
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """Take an item of a list and forget it."""

    def extend(self, values: Any) -> None:
        """Take the items of a list and forget them."""


def convert_checkpoint(source: Path, target: Path, entry: str | None = None) -> dict[str, Any]:
    """Write the tensors of one entry of ``source`` to ``target``; returns what a table shows of it.

    Args:
        source: a file written by ``torch.save``.
        target: ends in ``.safetensors``; is not overwritten.
        entry: where the weights are, dots for nesting; found by itself where only one place can be meant.

    Raises:
        UsageError: no such file, a target of another kind or one that exists, an entry that is not there, a file
            that cannot be read without executing it, or that holds no tensors by name.
    """
    if not source.is_file():
        raise UsageError(f"no file {source}", "give the checkpoint to convert")
    if target.suffix != ".safetensors" or target.exists():
        raise UsageError(f"{target} exists or does not end in .safetensors", "name a new file that does")
    entry, tensors = _pick(_read(source), source, entry)
    from safetensors.torch import save_file

    metadata = {"format": "pt", "source": source.name, "sha256": digest_file(source), "entry": entry}
    with atomic_path(target) as temporary:
        # tensors that share memory cannot be written as they lie
        save_file({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}, temporary, metadata)
    count = sum(tensor.numel() for tensor in tensors.values())
    return {"file": str(target), "entry": entry or "the file itself", "tensors": len(tensors), "values": count}


def _read(path: Path) -> Any:
    from torch.serialization import get_unsafe_globals_in_checkpoint

    from vtbench.assets.torch_files import load_pickled

    with boundary(f"{path} is no checkpoint that can be converted", _OLD, UsageError):
        names = get_unsafe_globals_in_checkpoint(path)
    stand_ins = [(type("Placeholder", (Placeholder,), {"__module__": __name__}), name) for name in names]
    with path.open("rb") as stream:
        return load_pickled(stream, str(path), stand_ins)


def _pick(content: Any, path: Path, entry: str | None) -> tuple[str, dict[str, Tensor]]:
    candidates = {"": content} | {str(key): value for key, value in content.items()} if _is_map(content) else {}
    holding = {name: tensors for name, value in candidates.items() if (tensors := _tensors_of(value))}
    if entry is not None:
        found = content
        for part in entry.split("."):
            found = found.get(part) if _is_map(found) else None
        tensors = _tensors_of(found)
        if not tensors:
            raise UsageError(f"{path} has no tensors under {entry!r}", f"it has some under: {_told(holding)}")
        return entry, tensors
    usual = [name for name in USUAL_ENTRIES if name in holding]
    chosen = usual[:1] or list(holding)
    if len(chosen) != 1 or len(usual) > 1:
        raise UsageError(f"{path}: which weights?" if holding else f"{path} holds no tensors by name", _ask(holding))
    return chosen[0], holding[chosen[0]]


def _tensors_of(value: Any) -> dict[str, Tensor]:
    from torch import Tensor

    return {str(name): item for name, item in value.items() if isinstance(item, Tensor)} if _is_map(value) else {}


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _told(holding: Mapping[str, Any]) -> str:
    return ", ".join(name or "the file itself" for name in holding) or "nothing"


def _ask(holding: Mapping[str, Any]) -> str:
    return f"say --entry, one of: {_told(holding)}" if holding else "is it a checkpoint?"
