"""Arrays on disk that say what they are: safetensors whose seal binds every byte of them to what they are of.

The seal names what the arrays are of (a job and its samples, an extractor and its images), a digest of the arrays, and
one of the notes beside them. Reading checks all three, so neither a flipped bit nor a file in another's place is
believed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from vtbench.core.digests import canonical_json, digest_arrays, digest_json
from vtbench.core.disk.files import atomic_path
from vtbench.core.errors import DamagedFileError
from vtbench.core.outside.parsing import reason
from vtbench.core.outside.seals import UNSEALED, BrokenSealError, sealed, unsealed

Array = np.ndarray[Any, Any]
META, SEAL = "meta", "seal"
OTHERS = "is another's: it belongs to another job, network or part of the samples"
_AT_ONCE_BYTES = 1 << 24


def write_tensors(
    path: Path, tensors: Mapping[str, Array], of: Mapping[str, Any], meta: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write arrays, what they are of, and notes, atomically; returns the seal."""
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    text = json.dumps(dict(meta or {}), sort_keys=True)
    seal = tensor_seal(digest_arrays(contiguous), of, text)
    with atomic_path(path) as temporary:
        save_file(contiguous, temporary, metadata={META: text, SEAL: canonical_json(seal)})
    return seal


def tensor_seal(content: str, of: Mapping[str, Any], notes: str) -> dict[str, Any]:
    """A seal over the digest of arrays, what they are of, and the text beside them."""
    return sealed({"of": dict(of), "content": content, "notes": digest_json(notes)})


def open_tensors(path: Path, repair: str) -> Any:
    """Open a safetensors file of numpy arrays; its arrays are read when they are asked for.

    Raises:
        DamagedFileError: missing, or no such file; the hint is ``repair``.
    """
    try:
        return safe_open(path, framework="numpy")
    except (OSError, SafetensorError) as error:
        raise DamagedFileError(path, f"cannot be read: {reason(error)}", repair) from error


def read_seal(path: Path, repair: str, notes: str = META) -> dict[str, Any]:
    """The seal of a file, without its arrays being looked at.

    Args:
        notes: where in the metadata the text lies that the seal covers.

    Raises:
        DamagedFileError: it has none, or another was meant for it.
    """
    with open_tensors(path, repair) as tensors:
        found = tensors.metadata() or {}
    try:
        seal = unsealed(json.loads(found.get(SEAL, "null")))
        if seal["notes"] != digest_json(found[notes]):
            raise BrokenSealError("is damaged, or was edited: its notes are not what its digest was taken of")
    except BrokenSealError as error:
        raise DamagedFileError(path, str(error), repair) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DamagedFileError(path, UNSEALED, repair) from None
    return sealed(seal)


def check_tensors(path: Path, of: Mapping[str, Any] | None, repair: str, notes: str = META) -> dict[str, Any]:
    """Read every byte of a file and hold it against its seal, which is returned.

    Args:
        of: what the arrays must be of; ``None`` where anything will do.

    Raises:
        DamagedFileError: in the first of these that holds: it cannot be read, has no seal, is another's, or its content
            is not what was sealed.
    """
    seal = read_seal(path, repair, notes)
    if of is not None and seal["of"] != dict(of):
        raise DamagedFileError(path, OTHERS, repair)
    try:
        with open_tensors(path, repair) as tensors:
            content = content_digest(tensors)
    except (SafetensorError, ValueError, TypeError) as error:
        raise DamagedFileError(path, f"cannot be read: {reason(error)}", repair) from error
    if content != seal["content"]:
        raise DamagedFileError(path, "is damaged: its arrays are not what their digest was taken of", repair)
    return seal


def content_digest(tensors: Any) -> str:
    """:func:`~vtbench.core.digests.digest_arrays` of an open file, a few megabytes of each array at a time."""
    digest = hashlib.sha256()
    for name in sorted(tensors.keys()):
        part = tensors.get_slice(name)
        shape = [int(side) for side in part.get_shape()]
        pieces = _pieces(part, shape) if shape and all(shape) else [tensors.get_tensor(name)]
        for number, array in enumerate(pieces):
            if number == 0:
                header = [name, array.dtype.newbyteorder("<").str, shape]
                digest.update(canonical_json(header).encode())
            digest.update(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False)).data)
    return digest.hexdigest()


def _pieces(part: Any, shape: list[int]) -> Any:
    """Consecutive rows of an array."""
    row = part[0:1]
    at_once = max(1, _AT_ONCE_BYTES // max(1, row.nbytes))
    for start in range(0, shape[0], at_once):
        yield part[start : min(start + at_once, shape[0])]
