"""What ``torch.save`` wrote, read as data: nothing in it runs or unfolds, and every failure is one sentence."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import reason

CONVERT = (
    "if you trust it, convert it once where it was made: "
    "safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')"
)
_MOST_UNFOLDED, _MOST_RATIO = 256 << 20, 100


def load_pickled(stream: IO[bytes], label: str, admitted: Sequence[Any] = ()) -> Any:
    """The content of a PyTorch file, on the CPU.

    Args:
        stream: can be rewound.
        label: how messages call it.
        admitted: what it may name beyond what PyTorch admits; called while it is read.

    Raises:
        UsageError: it would execute code; it is truncated or damaged; a tensor claims more than the file holds.
    """
    import torch
    from torch.serialization import safe_globals

    try:
        check_archive(stream)
        with safe_globals(list(admitted)):
            content = torch.load(stream, map_location="cpu", weights_only=True)
        for tensor in _tensors(content):
            _check_tensor(tensor)
    except pickle.UnpicklingError as error:
        if "truncated" in str(error):
            raise damaged(label, error) from error
        if "Unsupported operand" in str(error):
            raise UsageError(
                f"{label} is refused: it is truncated or not a checkpoint, or loading it would execute code", CONVERT
            ) from error
        raise UsageError(f"{label} is refused: loading it would execute code stored in it", CONVERT) from error
    except Exception as error:
        raise damaged(label, error) from error
    return content


def damaged(label: str, error: BaseException) -> UsageError:
    """The error for a file that cannot be read as a checkpoint."""
    first = (str(error).strip().splitlines() or [""])[0]
    sentence = first.split(". ")[0].rstrip(".") if isinstance(error, RuntimeError) and first else reason(error)
    return UsageError(f"{label} is truncated or not a checkpoint: {sentence[:200]}", "copy or download it again")


def check_archive(stream: IO[bytes]) -> None:
    """Refuse what unfolds to far more than it is: PyTorch stores without compression, but reads what is compressed too.

    Raises:
        ValueError: it would.
    """
    if zipfile.is_zipfile(stream):
        stream.seek(0)
        with zipfile.ZipFile(stream) as archive:
            packed = sum(entry.compress_size for entry in archive.infolist())
            unfolded = sum(entry.file_size for entry in archive.infolist())
        if unfolded > _MOST_UNFOLDED and unfolded > _MOST_RATIO * max(packed, 1):
            raise ValueError(f"it would unfold from {packed:,} bytes to {unfolded:,}")
    stream.seek(0)


def _tensors(content: Any) -> Iterator[Any]:
    """Every tensor inside, however deep, each container looked into once."""
    import torch

    waiting, seen = [content], set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, torch.Tensor):
            yield part
        elif isinstance(part, (Mapping, list, tuple, set)) and id(part) not in seen:
            seen.add(id(part))
            waiting.extend(part.values() if isinstance(part, Mapping) else part)


def _check_tensor(tensor: Any) -> None:
    """A view may repeat few stored bytes without end, until somebody copies it."""
    import torch

    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        kept = "on no device" if tensor.device.type != "cpu" else "quantised" if tensor.is_quantized else "sparse"
        raise ValueError(f"it holds a tensor that is {kept}")
    size, held = tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()
    if size > max(held, _MOST_UNFOLDED):
        raise ValueError(f"a tensor of {size:,} bytes repeats {held:,} that are stored")
