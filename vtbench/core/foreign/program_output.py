"""What a program said on its stdout, read within bounds: it may write gigabytes, or one line without an end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

MOST_READ = 64 << 20
LONGEST_LINE = 1 << 20
MOST_LINES = 250_000


@dataclass(frozen=True)
class Said:
    """The lines that may be JSON objects, and the bytes that were not looked at.

    Attributes:
        objects: stripped lines that begin with ``{``, in order; others are the program's own talk.
        unread: bytes after the first 64 MiB (or 250,000 objects), and of lines longer than 1 MiB.
    """

    objects: Sequence[str]
    unread: int


def read_objects(stream: IO[bytes]) -> Said:
    """Read a file of output from its beginning."""
    size = stream.seek(0, 2)
    stream.seek(0)
    objects: list[str] = []
    skipped = 0
    while stream.tell() < MOST_READ and len(objects) < MOST_LINES and (line := stream.readline(LONGEST_LINE)):
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            skipped += len(line) + _skip_line(stream)
        elif (text := line.strip()).startswith(b"{"):
            objects.append(text.decode(errors="replace"))
    return Said(objects, skipped + size - stream.tell())


def _skip_line(stream: IO[bytes]) -> int:
    skipped = 0
    while stream.tell() < MOST_READ and (part := stream.readline(LONGEST_LINE)):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped
