"""WebDataset tar files, read by position: nothing is ever extracted to disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vtbench.core.contracts import Sample
from vtbench.core.errors import SampleError, UsageError, VtbenchError
from vtbench.core.outside.parsing import parse_json, reason
from vtbench.core.secrets import masked
from vtbench.data.decode import EXTENSIONS, decode_image
from vtbench.data.fingerprint import Fingerprinted
from vtbench.data.sources.archives.index import indexed
from vtbench.data.sources.archives.samples import AT_ONCE, TarSamples, WalkedTars, stem
from vtbench.data.stores.files import LocalFile, StoredFile
from vtbench.data.stores.patterns import file_of, files_of
from vtbench.data.stores.urls import beside, is_url

_TRUTH: dict[str, tuple[str, Callable[[str], Any]]] = {
    "cls": ("label", int),
    "txt": ("text", str),
    "json": ("json", lambda text: parse_json(text, "its json member")),
}


class WebDatasetTars(Fingerprinted):
    """Samples of uncompressed WebDataset tar files, sorted by id.

    Members that share a path up to the first dot of their name are one sample, as WebDataset defines it. Its id is
    ``shard/path``, with the tar's name before its first dot; a path is a name here, whatever it contains. Beside the
    image, ``cls``, ``txt`` and ``json`` members become ``target = {"label": int, "text": str, "json": …}``.

    Tars may lie in a store. Without an index each is read once, whole, when a run is planned; later, the bytes of
    every sample must be those of then. Ids, fingerprint and targets are those of the same files on a disk.

    Args:
        path: a tar file, a glob (``shards/*.tar``) or a brace pattern (``shards/{000..009}.tar``), also as a URL
            (``https``, ``s3``, ``gs``, ``hf``).
        image_key: extension of the image member, where samples hold several (``"input.png"``).
        index: a file that says where the members lie, so that no tar is looked through, as
            ``python -m vtbench.data.index_tars`` writes it: a path, a URL, or, of tars by URL, the
            name of a file beside them.

    Raises:
        AssetMissingError: a package is not installed, or the network is forbidden.
        UsageError: no such file, not an uncompressed tar, truncated, no images, several images a sample, or an index
            of other tars.
    """

    def __init__(self, path: str | Path, image_key: str | None = None, index: str | None = None) -> None:
        where = masked(str(path)) if is_url(str(path)) else str(path)
        shards = _shards(str(path))
        self.samples: TarSamples = (
            WalkedTars(shards, where, image_key)
            if index is None
            else indexed(_index_file(index, shards[0]), shards, image_key)
        )
        if not self.samples.ids:
            raise UsageError(f"no images in {where}", f"images are members whose name ends in {' '.join(EXTENSIONS)}")
        self.ids, self.notes = self.samples.ids, self.samples.notes
        self.in_shards = len(shards) > 1
        if any(not isinstance(shard, LocalFile) for shard in shards):
            self.hashing_threads = AT_ONCE

    def __getitem__(self, index: int) -> Sample:
        name, image = self.ids[index], self.samples.image(index)
        try:
            data = image.read()
            target = self.target(index)
        except (OSError, ValueError, VtbenchError) as error:
            raise SampleError(f"{name} in {image.shard.shown}: {reason(error)}") from error
        return Sample(id=name, image=decode_image(data, name), target=target)

    def content_digest(self, index: int) -> str:
        """SHA-256 of the encoded image and of its truth members."""
        try:
            parts = [self.samples.image(index), *self.samples.truth(index).values()]
            return "+".join(part.digest() for part in parts)
        except OSError:
            return "unreadable"

    def content_digests(self, start: int, stop: int) -> Iterator[str]:
        """:meth:`content_digest` of a run of samples: as an index tells them, or by reading."""
        known = self.samples.digests(start, stop)
        return super().content_digests(start, stop) if known is None else known

    def truth_text(self, index: int) -> str:
        """Empty: the stored bytes are digested already, whether they can be parsed or not."""
        return ""

    def target(self, index: int) -> dict[str, Any] | None:
        """``{"label", "text", "json"}``, those that are present; ``None`` without any."""
        texts = {kind: span.read().decode() for kind, span in self.samples.truth(index).items()}
        return {_TRUTH[kind][0]: _TRUTH[kind][1](text) for kind, text in texts.items()} or None


def _shards(pattern: str) -> list[StoredFile]:
    """The tars of a pattern. Those of a store are looked at when they are read."""
    found = files_of(pattern, "shards/{000..009}.tar")
    missing = [shard.shown for shard in found if isinstance(shard, LocalFile) and not shard.path.is_file()]
    if missing:
        raise UsageError(f"no tar file at {missing[0]}", "give a .tar file, a glob or a {000..009} pattern")
    if len({stem(shard) for shard in found}) < len(found):
        told = "samples are named after their tar: rename one"
        raise UsageError(f"{masked(pattern)}: two tar files have one name", told)
    return found


def _index_file(index: str, shard: StoredFile) -> StoredFile:
    """Of tars by URL, a name without a folder is that of a file beside them."""
    if isinstance(shard, LocalFile) or is_url(index) or "/" in index:
        return file_of(index)
    return file_of(beside(str(getattr(shard, "url", "")), index))
