"""One file of a disk or a store: its size, any range of its bytes, and a stream over them."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from vtbench.core.secrets import masked
from vtbench.data.stores import filesystems, web
from vtbench.data.stores.pieces import Piece
from vtbench.data.stores.urls import is_http, name_of, refuse_offline

READ_AHEAD = 1 << 20
"""Bytes that a stream asks for at once, at least."""


class StoredFile(Protocol):
    """What readers of shards need of a file."""

    @property
    def name(self) -> str:
        """Last part of its path."""

    @property
    def shown(self) -> str:
        """Its path or URL for messages: no secret is in it."""

    def identified(self) -> StoredFile:
        """This file with what its place says of it now; what is read later must be of the same.

        Raises:
            OSError: it is not there.
        """

    @property
    def size(self) -> int | None:
        """Bytes; ``None`` before :meth:`identified`."""

    @property
    def tag(self) -> str:
        """Entity tag or checksum that its store gives for this content; empty where none does."""

    def read(self, offset: int, size: int) -> bytes:
        """Exactly ``size`` bytes.

        Raises:
            OSError: it cannot be read, ends before, or is another file by now.
        """

    def stream(self, read_ahead: int = READ_AHEAD) -> BinaryIO:
        """A seekable stream of bytes over the whole."""


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine's."""

    path: Path
    size: int | None = None
    tag: str = ""

    @property
    def name(self) -> str:
        """Last part of its path."""
        return self.path.name

    @property
    def shown(self) -> str:
        """Its path."""
        return str(self.path)

    def identified(self) -> LocalFile:
        """With its size."""
        return replace(self, size=self.path.stat().st_size)

    def read(self, offset: int, size: int) -> bytes:
        """Exactly ``size`` bytes. Raises ``OSError``."""
        with self.path.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(size)
        if len(data) < size:
            raise OSError(f"it ends before byte {offset + size}")
        return data

    def stream(self, read_ahead: int = READ_AHEAD) -> BinaryIO:
        """The open file."""
        return self.path.open("rb")


@dataclass(frozen=True)
class RemoteFile:
    """A file of a store. Connections belong to the process: this is only an address, and may be pickled."""

    url: str
    size: int | None = None
    tag: str = ""

    @property
    def name(self) -> str:
        """Last part of the path of its URL."""
        return name_of(self.url)

    @property
    def shown(self) -> str:
        """Its URL, masked."""
        return masked(self.url)

    def identified(self) -> RemoteFile:
        """With size and entity tag as the store tells them. Raises ``OSError``."""
        refuse_offline(self.url)
        found = web.stat(self.url) if is_http(self.url) else filesystems.stat(self.url)
        return replace(self, size=found.total, tag=found.tag)

    def read(self, offset: int, size: int) -> bytes:
        """Exactly ``size`` bytes. Raises ``OSError``."""
        refuse_offline(self.url)
        if size == 0:
            return b""
        piece = (web.read if is_http(self.url) else filesystems.read)(self.url, offset, size)
        self._check(piece)
        if len(piece.data) != size:
            raise OSError(f"{size} bytes from {offset} were asked for, {len(piece.data)} came")
        return piece.data

    def _check(self, piece: Piece) -> None:
        """A store that tells size or tag with what it gives tells when the file was replaced."""
        others = self.size is not None and piece.total is not None and piece.total != self.size
        if others or (self.tag and piece.tag and piece.tag != self.tag):
            raise OSError("it has been replaced by another file since the run was planned")

    def stream(self, read_ahead: int = READ_AHEAD) -> BinaryIO:
        """Ranges of at least ``read_ahead`` bytes, one after the other. Raises ``OSError``."""
        whole = self if self.size is not None else self.identified()
        return cast(BinaryIO, io.BufferedReader(_Ranges(whole), read_ahead))


class _Ranges(io.RawIOBase):
    def __init__(self, file: RemoteFile) -> None:
        self._file, self._position, self._end = file, 0, file.size or 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._end}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = max(0, min(len(buffer), self._end - self._position))
        buffer[:size] = self._file.read(self._position, size)
        self._position += size
        return size
