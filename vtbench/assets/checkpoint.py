"""Checkpoints: tensors by name, from safetensors or a PyTorch file, without running anything that is in the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from vtbench.assets.torch_files import damaged, load_pickled
from vtbench.core.errors import VtbenchError

if TYPE_CHECKING:
    from torch import Tensor


def load_checkpoint(path: Path | str, key: str | None = None) -> dict[str, Tensor]:
    """Tensors by name, on the CPU.

    Args:
        path: ``.safetensors``, or anything ``torch.load(weights_only=True)`` reads.
        key: the entry of a PyTorch file that holds the weights, e.g. ``"ema"``; without it, ``"state_dict"`` where
            there is one, else the whole file.

    Raises:
        VtbenchError: no such file; it would execute code; it is truncated; it holds something else than tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise VtbenchError(f"checkpoint {path} does not exist", "check the path")
    if path.suffix == ".safetensors":
        if key is not None:
            raise VtbenchError(f"{path} is a safetensors file: it has no entry {key!r}", "leave key out")
        return _load_safetensors(path)
    with path.open("rb") as stream:
        return read_torch(stream, str(path), key)


def read_torch(stream: IO[bytes], label: str, key: str | None = None) -> dict[str, Tensor]:
    """Tensors of a PyTorch file; ``label`` is how messages call it. Raises as :func:`load_checkpoint`."""
    return _tensors(load_pickled(stream, label), label, key)


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except Exception as error:
        raise damaged(str(path), error) from error


def _tensors(content: Any, label: str, key: str | None) -> dict[str, Tensor]:
    import torch

    if key is None and isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        key = "state_dict"
    if key is not None:
        if not isinstance(content, Mapping) or key not in content:
            raise VtbenchError(f"{label} has no entry {key!r}", _entries(content))
        content = content[key]
    if not isinstance(content, Mapping) or not content:
        raise VtbenchError(f"{label} holds no tensors by name", _entries(content))
    strangers = [str(name) for name, value in content.items() if not isinstance(value, torch.Tensor)]
    if strangers:
        raise VtbenchError(
            f"{label} holds more than tensors ({', '.join(strangers[:5])})",
            f"say which entry with key=; {_entries(content)}",
        )
    return {str(name): value.detach() for name, value in content.items()}


def _entries(content: Any) -> str:
    if isinstance(content, Mapping):
        return f"it has: {', '.join(str(name) for name in list(content)[:8]) or 'nothing'}"
    return f"it is a {type(content).__name__}"
