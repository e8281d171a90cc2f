"""WebDataset tar files, read by position: nothing is ever extracted to disk."""

from __future__ import annotations

import glob
import hashlib
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vtbench.core.contracts import Sample
from vtbench.core.disk.files import user_path
from vtbench.core.errors import AssetMissingError, SampleError, UsageError, VtbenchError
from vtbench.core.extras import install_extra
from vtbench.core.outside.parsing import boundary, parse_json, reason
from vtbench.data.decode import EXTENSIONS, decode_image
from vtbench.data.fingerprint import Fingerprinted
from vtbench.data.sources.listing import left_out_notes, lies_beside

_TRUTH: dict[str, tuple[str, Callable[[str], Any]]] = {
    "cls": ("label", int),
    "txt": ("text", str),
    "json": ("json", lambda text: parse_json(text, "its json member")),
}


@dataclass(frozen=True)
class _Span:
    """Where a member's bytes lie in its tar file."""

    shard: Path
    offset: int
    size: int

    def read(self) -> bytes:
        with self.shard.open("rb") as stream:
            stream.seek(self.offset)
            return stream.read(self.size)


@dataclass
class _Entry:
    """The members of one sample: those that are images, by extension, those that hold truth, and the
    extensions of others."""

    images: dict[str, _Span] = field(default_factory=dict)
    truth: dict[str, _Span] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


class WebDatasetTars(Fingerprinted):
    """Samples of uncompressed WebDataset tar files, sorted by id.

    Members that share a path up to the first dot of their name are one sample, as WebDataset defines it. Its id is
    ``shard/path``, with the tar's name before its first dot; a path is a name here, whatever it contains. Beside the
    image, ``cls``, ``txt`` and ``json`` members become ``target = {"label": int, "text": str, "json": …}``.

    Args:
        path: a tar file, a glob (``shards/*.tar``) or a brace pattern (``shards/{000..009}.tar``).
        image_key: extension of the image member, where samples hold several (``"input.png"``).

    Raises:
        AssetMissingError: the package ``webdataset`` is not installed.
        UsageError: no such file, not an uncompressed tar, truncated, no images, or several images a sample.
    """

    def __init__(self, path: str | Path, image_key: str | None = None) -> None:
        entries: dict[str, _Entry] = {}
        for shard in _shards(str(path)):
            for key, extension, span in _members(shard):
                entry = entries.setdefault(f"{shard.name.split('.', 1)[0]}/{key}", _Entry())
                _put(entry, key, extension, span)
        chosen = {key: _choose(key, entry, image_key) for key, entry in entries.items() if entry.images}
        if not chosen:
            raise UsageError(f"no images in {path}", f"images are members whose name ends in {' '.join(EXTENSIONS)}")
        self.ids = tuple(sorted(chosen))
        self.notes = left_out_notes(_unread(entries), Path(str(path)))
        self._images = [chosen[key] for key in self.ids]
        self._truth = [entries[key].truth for key in self.ids]

    def __getitem__(self, index: int) -> Sample:
        name = self.ids[index]
        try:
            data = self._images[index].read()
            target = self.target(index)
        except (OSError, ValueError, VtbenchError) as error:
            raise SampleError(f"{name} in {self._images[index].shard}: {reason(error)}") from error
        return Sample(id=name, image=decode_image(data, name), target=target)

    def content_digest(self, index: int) -> str:
        """SHA-256 of the encoded image and of its truth members."""
        try:
            parts = [self._images[index], *(span for _, span in sorted(self._truth[index].items()))]
            return "+".join(hashlib.sha256(part.read()).hexdigest() for part in parts)
        except OSError:
            return "unreadable"

    def truth_text(self, index: int) -> str:
        """Empty: the stored bytes are digested already, whether they can be parsed or not."""
        return ""

    def target(self, index: int) -> dict[str, Any] | None:
        """``{"label", "text", "json"}``, those that are present; ``None`` without any."""
        texts = {kind: span.read().decode() for kind, span in self._truth[index].items()}
        return {_TRUTH[kind][0]: _TRUTH[kind][1](text) for kind, text in texts.items()} or None


def _shards(pattern: str) -> list[Path]:
    try:
        from braceexpand import braceexpand
    except ImportError as error:
        raise AssetMissingError("reading tar files needs the package webdataset", install_extra("wds")) from error
    try:
        expanded = [str(user_path(part)) for part in braceexpand(pattern)]
    except ValueError as error:
        raise UsageError(f"{pattern!r} is not a brace pattern: {error}", "write shards/{000..009}.tar") from error
    found = [Path(name) for part in expanded for name in (sorted(glob.glob(part)) or [part])]  # noqa: PTH207
    missing = [str(shard) for shard in found if not shard.is_file()]
    if missing:
        raise UsageError(f"no tar file at {missing[0]}", "give a .tar file, a glob or a {000..009} pattern")
    if len({shard.name.split(".", 1)[0] for shard in found}) < len(set(found)):
        raise UsageError(f"{pattern}: two tar files have one name", "samples are named after their tar: rename one")
    return sorted(set(found))


def _members(shard: Path) -> Iterator[tuple[str, str, _Span]]:
    """``(key, extension, span)`` of each regular file; links, devices and hidden files are skipped."""
    from webdataset.tariterators import base_plus_ext

    hint = "only whole, uncompressed tar files are read"
    with boundary(f"cannot index {shard}", hint, UsageError), tarfile.open(shard, "r:") as archive:
        size = shard.stat().st_size
        for member in archive:
            key, extension = base_plus_ext(member.name)
            if not member.isreg() or member.issparse() or key is None or _is_hidden(key):
                continue
            if member.size < 0 or member.offset_data + member.size > size:
                raise tarfile.ReadError(f"the file ends inside {member.name}")
            yield key, extension.lower(), _Span(shard, member.offset_data, member.size)
        _check_end(shard, archive.offset)


def _check_end(shard: Path, offset: int) -> None:
    """tarfile takes a damaged or cut header for the end; a whole archive ends with a block of zeros."""
    if _Span(shard, offset, tarfile.BLOCKSIZE).read() != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError(f"no end-of-archive block at byte {offset}: the file is cut or damaged")


def _is_hidden(key: str) -> bool:
    name = key.rsplit("/", 1)[-1]
    return name.startswith((".", "__"))


def _put(entry: _Entry, key: str, extension: str, span: _Span) -> None:
    kind = "." + extension.rsplit(".", 1)[-1]
    place = entry.truth if extension in _TRUTH else entry.images if kind in EXTENSIONS else None
    if place is None:
        entry.others.append(extension)
        return
    if extension in place:
        raise UsageError(f"{span.shard} holds {key}.{extension} twice", "pack every sample once")
    place[extension] = span


def _unread(entries: Mapping[str, _Entry]) -> list[str]:
    """A member of every sample that has no image of a kind that is read: one that may have been meant, or its class."""
    without = ((key, (*entry.others, *entry.truth)) for key, entry in sorted(entries.items()) if not entry.images)
    meant = ((key, [kind for kind in kinds if not lies_beside(f"{key}.{kind}")]) for key, kinds in without)
    return [f"{key}.{kinds[0]}" if kinds[0] else key for key, kinds in meant if kinds]


def _shard(entry: _Entry) -> Path:
    return next(iter(entry.images.values())).shard


def _choose(key: str, entry: _Entry, image_key: str | None) -> _Span:
    if image_key is not None:
        if image_key.lower() in entry.images:
            return entry.images[image_key.lower()]
        raise UsageError(
            f"sample {key} of {_shard(entry)} has no image {image_key!r}", f"it has: {', '.join(sorted(entry.images))}"
        )
    if len(entry.images) > 1:
        kinds = ", ".join(sorted(entry.images))
        raise UsageError(f"sample {key} of {_shard(entry)} holds several images: {kinds}", "choose one with image_key=")
    return next(iter(entry.images.values()))
