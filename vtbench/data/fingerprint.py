"""A data set's fingerprint: its ids, the SHA-256 of what each stores, and its targets. Nothing of when or where."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vtbench.core.digests import CHUNK_BYTES, digest_json

SCHEME = "images@1"
_QUIET_SECONDS = 2.0


class Fingerprinted:
    """What the built-in sources share. A source gives ``ids``, ``content_digest(i)`` and ``target(i)``.

    Fingerprints are kept once computed, and travel with a pickled data set.
    """

    ids: Sequence[str]
    notes: tuple[str, ...] = ()
    """What a reader of numbers must know about this source: told once, and kept in records."""
    hashing_threads: int = 1

    def __len__(self) -> int:
        return len(self.ids)

    def content_digest(self, index: int) -> str:
        """SHA-256 of the stored bytes of one sample."""
        raise NotImplementedError

    def target(self, index: int) -> Any:
        """The truth that belongs to one sample, as plain data."""
        return None

    def truth_text(self, index: int) -> str:
        """One sample's target as the fingerprint takes it."""
        return json.dumps(self.target(index), sort_keys=True, default=str)

    @property
    def fingerprint(self) -> str:
        """Digest of the whole content, equal wherever the same data lies. Reads every file once."""
        return self.fingerprint_of(len(self))

    def fingerprint_of(self, n: int) -> str:
        """Digest of the first ``n`` samples alone; equals that of a data set that has no others."""
        known: dict[int, str] = self.__dict__.setdefault("_fingerprints", {})
        if n not in known:
            with ThreadPoolExecutor(self.hashing_threads) as pool:
                digests = list(_with_progress(pool.map(self.content_digest, range(n)), n))
            samples = [[self.ids[index], digest, self.truth_text(index)] for index, digest in enumerate(digests)]
            known[n] = digest_json({"scheme": SCHEME, "samples": samples})
        return known[n]


def notes_of(dataset: Any) -> tuple[str, ...]:
    """What a data set has to say about itself; of one that is not ours, nothing unless it has ``notes``."""
    return tuple(str(note) for note in getattr(dataset, "notes", ()))


def digest_readable_file(path: Path) -> str:
    """SHA-256 of a file, or a note that it cannot be read: such a sample fails later, and is recorded then."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        return "unreadable"
    return digest.hexdigest()


def _with_progress(items: Iterable[str], total: int) -> Iterator[str]:
    """Pass ``items`` on; on a terminal, show a bar on stderr once this has taken two seconds."""
    started = time.monotonic()
    iterator = iter(items)
    done = 0
    for item in iterator:
        done += 1
        yield item
        if sys.stderr.isatty() and time.monotonic() - started > _QUIET_SECONDS:
            break
    if done < total:
        yield from _bar(iterator, done, total)


def _bar(items: Iterator[str], done: int, total: int) -> Iterator[str]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Hashing images", total=total, completed=done)
        for item in items:
            progress.advance(task)
            yield item
