"""Ranges of files from object stores, by fsspec's file systems: each store's package brings its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from vtbench.core.errors import AssetMissingError, VtbenchError
from vtbench.core.extras import install_extra
from vtbench.core.outside.parsing import reason
from vtbench.core.secrets import masked
from vtbench.data.stores.pieces import Piece

_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "hf": "huggingface_hub"}
_TAGS = ("ETag", "etag", "md5Hash", "crc32c", "checksum", "blob_id")
"""What file systems call a digest of the content, or a name that changes with it."""


def stat(url: str) -> Piece:
    """Size and tag of a file. Raises ``OSError``."""
    system, path = _opened(url)
    with _told():
        told = system.info(path)
        if told.get("type", "file") != "file":
            raise FileNotFoundError("it is no file")
        return Piece(b"", None if told.get("size") is None else int(told["size"]), _tag(told))


def read(url: str, offset: int, size: int) -> Piece:
    """``size`` bytes from ``offset``, or those to the end of the file. Raises ``OSError``."""
    system, path = _opened(url)
    with _told():
        return Piece(bytes(system.cat_file(path, start=offset, end=offset + size)[: size + 1]), None)


def matching(pattern: str) -> list[str]:
    """URLs of the files that a pattern with ``*`` stands for, sorted; the store is listed. Raises ``OSError``."""
    system, path = _opened(pattern)
    with _told():
        return sorted(str(system.unstrip_protocol(name)) for name in system.glob(path))


def _opened(url: str) -> tuple[Any, str]:
    scheme = url.split("://", 1)[0].lower()
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise AssetMissingError(f"reading {scheme}:// needs the package fsspec", install_extra("remote")) from error
    try:
        with _told():
            system, path = url_to_fs(url)
            return system, str(path)
    except ImportError as error:
        package = _PACKAGES.get(scheme, scheme)
        raise AssetMissingError(
            f"reading {masked(url)} needs the package {package}", f"pip install {package}"
        ) from error


@contextmanager
def _told() -> Iterator[None]:
    """Whatever a store's library raises becomes an ``OSError`` in one line, masked; a missing package passes."""
    try:
        yield
    except (ImportError, VtbenchError):
        raise
    except FileNotFoundError:
        raise OSError("there is no such file") from None
    except Exception as error:  # botocore's, google's and the hub's errors share no base
        raise OSError(masked(f"{type(error).__name__}: {reason(error)}")) from error


def _tag(told: Mapping[str, Any]) -> str:
    return next((str(told[name]) for name in _TAGS if told.get(name)), "")
