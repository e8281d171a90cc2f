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

from vtbench.core.digests import CHUNK_BYTES, canonical_json

SCHEME = "images@1"
_AT_ONCE = 4096
"""Samples that are digested together: ten million futures would need more memory than their images."""
_QUIET_SECONDS = 2.0


class Fingerprinted:
    """What the built-in sources share. A source gives ``ids``, ``content_digest(i)`` and ``target(i)``.

    Fingerprints are kept once computed, and travel with a pickled data set.
    """

    ids: Sequence[str]
    notes: tuple[str, ...] = ()
    """What a reader of numbers must know about this source: told once, and kept in records."""
    hashing_threads: int = 1
    frames: int | None = None
    """Frames of each sample where samples are clips; none where they are images."""

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
            known[n] = _digest_samples(self._stated(n))
        return known[n]

    def content_digests(self, start: int, stop: int) -> Iterator[str]:
        """:meth:`content_digest` of a run of samples, in order; a source that knows them all at once says so here."""
        if self.hashing_threads == 1:
            return map(self.content_digest, range(start, stop))
        with ThreadPoolExecutor(self.hashing_threads) as pool:
            return iter(list(pool.map(self.content_digest, range(start, stop))))

    def _stated(self, n: int) -> Iterator[list[list[str]]]:
        """``[id, content, truth]`` of each of the first ``n`` samples, a few thousand at a time."""
        runs = [(start, min(start + _AT_ONCE, n)) for start in range(0, n, _AT_ONCE)]
        digests = _with_progress((digest for run in runs for digest in self.content_digests(*run)), n)
        for start, stop in runs:  # the ids of a run end it: no digest of the next is drawn
            triples = zip(self.ids[start:stop], digests, map(self.truth_text, range(start, stop)), strict=False)
            yield [list(triple) for triple in triples]


def _digest_samples(parts: Iterable[list[list[str]]]) -> str:
    """``digest_json({"scheme": SCHEME, "samples": …})``, without a text of all samples in memory."""
    digest = hashlib.sha256(b'{"samples":[')
    comma = b""
    for part in parts:
        digest.update(comma + canonical_json(part)[1:-1].encode())
        comma = b","
    digest.update(b'],"scheme":' + canonical_json(SCHEME).encode() + b"}")
    return digest.hexdigest()


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
    if not sys.stderr.isatty():  # asked once: of ten million items, that alone would take a third of the time
        yield from items
        return
    started, done, iterator = time.monotonic(), 0, iter(items)
    for item in iterator:
        done += 1
        yield item
        if time.monotonic() - started > _QUIET_SECONDS:
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
