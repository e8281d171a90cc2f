"""Members of tar files: where their bytes lie, found by going through a whole tar once."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from vtbench.core.digests import CHUNK_BYTES
from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import boundary
from vtbench.data.decode import EXTENSIONS
from vtbench.data.limits import MOST_FILE_BYTES
from vtbench.data.stores.files import LocalFile, StoredFile

TRUTH = ("cls", "json", "txt")
"""Extensions of members that hold truth, sorted."""
_READ_AHEAD = 8 << 20


@dataclass(frozen=True)
class Span:
    """Where a member's bytes lie in its tar file, and their SHA-256 where it is known already."""

    shard: StoredFile
    extension: str
    offset: int
    size: int
    sha256: str | None = None

    def read(self) -> bytes:
        """The member. Raises ``OSError``: it cannot be read, is larger than any image, or not what was indexed."""
        if self.size > MOST_FILE_BYTES:
            raise OSError(f"{self.size:,} bytes are more than an image has")
        data = self.shard.read(self.offset, self.size)
        if self.sha256 is not None and hashlib.sha256(data).hexdigest() != self.sha256:
            raise OSError(f"the {self.size} bytes from {self.offset} are not those that were indexed")
        return data

    def digest(self) -> str:
        """SHA-256 of the bytes; those that are known are not read. Raises ``OSError``."""
        return self.sha256 or hashlib.sha256(self.read()).hexdigest()


def kind_of(extension: str) -> str:
    """``image``, ``truth``, or neither: ``other``."""
    if extension in TRUTH:
        return "truth"
    return "image" if "." + extension.rsplit(".", 1)[-1] in EXTENSIONS else "other"


def members(shard: StoredFile) -> Iterator[tuple[str, Span]]:
    """``(key, span)`` of each regular file; links, devices and hidden files are skipped.

    Of a tar in a store all bytes come by, so that those of images and truth are digested on the way.

    Raises:
        UsageError: not a whole, uncompressed tar, or it cannot be read.
    """
    from webdataset.tariterators import base_plus_ext

    hint = "only whole, uncompressed tar files are read"
    with boundary(f"cannot index {shard.shown}", hint, UsageError):
        shard = shard.identified()
        size = shard.size or 0
        with shard.stream(_READ_AHEAD) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            for member in archive:
                key, extension = base_plus_ext(member.name)
                if not member.isreg() or member.issparse() or key is None or _is_hidden(key):
                    continue
                if member.size < 0 or member.offset_data + member.size > size:
                    raise tarfile.ReadError(f"the file ends inside {member.name}")
                extension = extension.lower()
                known = kind_of(extension) != "other" and not isinstance(shard, LocalFile)
                sha256 = _digest(archive.extractfile(member)) if known else None
                yield key, Span(shard, extension, member.offset_data, member.size, sha256)
            _check_end(shard, archive.offset)


def _digest(stream: IO[bytes] | None) -> str:
    digest = hashlib.sha256()
    while stream is not None and (chunk := stream.read(CHUNK_BYTES)):
        digest.update(chunk)
    return digest.hexdigest()


def _check_end(shard: StoredFile, offset: int) -> None:
    """tarfile takes a damaged or cut header for the end; a whole archive ends with a block of zeros."""
    cut = offset + tarfile.BLOCKSIZE > (shard.size or 0)
    if cut or shard.read(offset, tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError(f"no end-of-archive block at byte {offset}: the file is cut or damaged")


def _is_hidden(key: str) -> bool:
    name = key.rsplit("/", 1)[-1]
    return name.startswith((".", "__"))
