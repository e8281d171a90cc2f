"""Canonical files: one safetensors file an asset, whose tensors are checked against a fingerprint before any use."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.assets.manifest import Asset, Source
from vtbench.core.digests import digest_arrays
from vtbench.core.disk.files import atomic_path
from vtbench.core.errors import VtbenchError
from vtbench.core.outside.parsing import boundary

if TYPE_CHECKING:
    import numpy as np

    Arrays = dict[str, np.ndarray[Any, Any]]

SUFFIX = ".safetensors"


def write(asset: Asset, source: Source, arrays: Arrays, path: Path) -> Path:
    """Write the arrays atomically, with their fingerprint and the SHA-256 of the published file they came from.

    Raises:
        VtbenchError: the arrays are not the asset's.
    """
    from safetensors.numpy import save_file

    fingerprint = digest_arrays(arrays)
    if asset.fingerprint not in (None, fingerprint):
        raise VtbenchError(
            f"{source} gives tensors with fingerprint {fingerprint[:16]}…, expected {str(asset.fingerprint)[:16]}…"
        )
    with atomic_path(path) as temporary:
        save_file(arrays, temporary, {"asset": asset.name, "fingerprint": fingerprint, "sha256": source.sha256})
    return path


def verify(asset: Asset, path: Path) -> str:
    """The fingerprint of a canonical file; digested once while the file does not change.

    Raises:
        VtbenchError: unreadable, or not the asset's tensors.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise VtbenchError(f"{path} cannot be read: {error.strerror}") from error
    return _verify(asset, path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _verify(asset: Asset, path: Path, _mtime_ns: int, _size: int) -> str:
    metadata, actual = _read(path)
    if asset.fingerprint is not None:
        expected = asset.fingerprint
    elif metadata.get("sha256") in {source.sha256 for source in asset.sources}:
        expected = metadata.get("fingerprint", "")
    else:
        raise VtbenchError(
            f"{path} does not say which published file it was made from",
            f"give the published file itself: {', '.join(source.file for source in asset.sources)}",
        )
    if actual != expected:
        raise VtbenchError(f"{path} is corrupt: fingerprint {actual[:16]}…, expected {expected[:16]}…")
    return actual


def _read(path: Path) -> tuple[dict[str, str], str]:
    from safetensors import safe_open

    with boundary(f"{path} is corrupt"), safe_open(path, framework="numpy") as stream:
        arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a mapping
        return stream.metadata() or {}, digest_arrays(arrays)
