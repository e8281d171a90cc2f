"""Samples of tar files, gathered from their members: which is the image, which hold truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vtbench.core.errors import UsageError
from vtbench.data.sources.archives.members import Span, kind_of, members
from vtbench.data.sources.listing import left_out_notes, lies_beside
from vtbench.data.stores.files import LocalFile, StoredFile

AT_ONCE = 8
"""Files of a store that are read at the same time."""


class TarSamples(Protocol):
    """Where the bytes of every sample lie."""

    ids: Sequence[str]
    notes: tuple[str, ...]

    def image(self, index: int) -> Span:
        """The encoded image of a sample."""

    def truth(self, index: int) -> Mapping[str, Span]:
        """Members that hold its truth, by extension, sorted."""

    def digests(self, start: int, stop: int) -> Iterator[str] | None:
        """Content digests of a run of samples where all are known; else ``None``."""


@dataclass
class _Entry:
    """The members of one sample: those that are images, by extension, those that hold truth, and the
    extensions of others."""

    images: dict[str, Span] = field(default_factory=dict)
    truth: dict[str, Span] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


class WalkedTars:
    """Samples found by going through the tars."""

    def __init__(self, shards: Sequence[StoredFile], where: str, image_key: str | None) -> None:
        entries: dict[str, _Entry] = {}
        for shard, found in zip(shards, _all_members(shards), strict=True):
            for key, span in found:
                entry = entries.setdefault(f"{stem(shard)}/{key}", _Entry())
                _put(entry, key, span)
        chosen = {key: _choose(key, entry, image_key) for key, entry in entries.items() if entry.images}
        self.ids: Sequence[str] = tuple(sorted(chosen))
        self.notes = left_out_notes(_unread(entries), Path(where))
        self._images = [chosen[key] for key in self.ids]
        self._truth = [dict(sorted(entries[key].truth.items())) for key in self.ids]

    def image(self, index: int) -> Span:
        """The encoded image of a sample."""
        return self._images[index]

    def truth(self, index: int) -> Mapping[str, Span]:
        """Members that hold its truth, by extension, sorted."""
        return self._truth[index]

    def digests(self, start: int, stop: int) -> Iterator[str] | None:
        """``None``: one sample after the other is asked."""
        return None


def stem(shard: StoredFile) -> str:
    """What samples are named after: the tar's name before its first dot."""
    return shard.name.split(".", 1)[0]


def _all_members(shards: Sequence[StoredFile]) -> Iterator[Sequence[tuple[str, Span]]]:
    """Of each tar, in order; several tars of a store at the same time."""
    if all(isinstance(shard, LocalFile) for shard in shards):
        yield from (list(members(shard)) for shard in shards)
        return
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(lambda shard: list(members(shard)), shards)


def _put(entry: _Entry, key: str, span: Span) -> None:
    extension = span.extension
    kind = kind_of(extension)
    if kind == "other":
        entry.others.append(extension)
        return
    place = entry.truth if kind == "truth" else entry.images
    if extension in place:
        raise UsageError(f"{span.shard.shown} holds {key}.{extension} twice", "pack every sample once")
    place[extension] = span


def _unread(entries: Mapping[str, _Entry]) -> list[str]:
    """A member of every sample that has no image of a kind that is read: one that may have been meant, or its class."""
    without = ((key, (*entry.others, *entry.truth)) for key, entry in sorted(entries.items()) if not entry.images)
    meant = ((key, [kind for kind in kinds if not lies_beside(f"{key}.{kind}")]) for key, kinds in without)
    return [f"{key}.{kinds[0]}" if kinds[0] else key for key, kinds in meant if kinds]


def _choose(key: str, entry: _Entry, image_key: str | None) -> Span:
    shard = next(iter(entry.images.values())).shard.shown
    kinds = ", ".join(sorted(entry.images))
    if image_key is not None:
        if image_key.lower() in entry.images:
            return entry.images[image_key.lower()]
        raise UsageError(f"sample {key} of {shard} has no image {image_key!r}", f"it has: {kinds}")
    if len(entry.images) > 1:
        raise UsageError(f"sample {key} of {shard} holds several images: {kinds}", "choose one with image_key=")
    return next(iter(entry.images.values()))
