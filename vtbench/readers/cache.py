"""Readings kept on disk: a distinct image is read once ever by each reader, whichever process asks first."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from vtbench.core.code_identity import id_with_code
from vtbench.core.digests import digest_arrays, digest_json
from vtbench.core.disk.caches import alone_in, claimed, kept_in, optional, places
from vtbench.core.disk.files import path_segment, write_text
from vtbench.core.outside.parsing import load_json, read_bytes
from vtbench.core.outside.seals import sealed, unsealed
from vtbench.readers.contract import Box, BoxReader, Reader, ReadResult

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = "readings"
_STRIPE_DIGITS = 2
Strings = tuple[str, ...]


class ReadingStore:
    """Lists of strings by key, of one reader, below ``cache_dir()/readings``.

    A file a reading, written atomically. A thread holds the lock of the key's stripe (one of 256) while it reads, so
    threads and processes wait for one another's readings instead of repeating them. Who holds several waits for none,
    so they cannot deadlock. Every file is sealed; one that is damaged is read anew. Where nothing can be kept, a
    reading is kept while the process lasts.
    """

    def __init__(self, reader_id: str) -> None:
        self.reader_id = reader_id
        # the readable part of the folder's name may be cut short or collide; the digest does not
        self._segments = (FOLDER, f"{path_segment(reader_id)}-{digest_json(reader_id, 8)}")
        self._place: Path | None = None

    def get(self, key: str, read: Callable[[], Sequence[str]]) -> tuple[Strings, bool]:
        """The reading of ``key`` (hex digits), and whether ``read`` had to be called for it."""
        known = self.known(key)
        if known is not None:
            return known, False
        with alone_in(self._folder(), _lock(key)):
            known = self.known(key)
            return (known, False) if known is not None else (self._keep(key, read()), True)

    def get_all(self, keys: Sequence[str], read: Callable[[list[str]], Iterable[Sequence[str]]]) -> dict[str, Strings]:
        """Readings of different keys: by one call of ``read`` what nobody else is reading, then the rest one by one."""
        found: dict[str, Strings] = {}
        with claimed(self._folder(), sorted({_lock(key) for key in keys})) as mine:
            free = [key for key in keys if _lock(key) in mine]
            found |= {key: known for key in free if (known := self.known(key)) is not None}
            missing = [key for key in free if key not in found]
            if missing:
                found |= {key: self._keep(key, strings) for key, strings in zip(missing, read(missing), strict=True)}
        for key in keys:
            if key not in found:
                found[key], _ = self.get(key, lambda key=key: next(iter(read([key]))))  # type: ignore[misc]
        return found

    def known(self, key: str) -> Strings | None:
        """A reading that is there and whole."""
        loaded = (self._load(_path(folder, key), key) for folder in places(*self._segments))
        return next((strings for strings in loaded if strings is not None), None)

    def _folder(self) -> Path:
        if self._place is None:
            self._place = kept_in(*self._segments)
        return self._place

    def _keep(self, key: str, read: Sequence[str]) -> Strings:
        strings = tuple(read)
        told = sealed({"reader": self.reader_id, "key": key, "strings": strings})
        with optional():
            write_text(_path(self._folder(), key), json.dumps(told, ensure_ascii=True))
        return strings

    def _load(self, path: Path, key: str) -> Strings | None:
        try:
            content = unsealed(load_json(read_bytes(path).decode("utf-8")))
        except (OSError, ValueError, RecursionError, MemoryError):  # a broken seal is a ValueError
            return None
        if (content.get("reader"), content.get("key")) != (self.reader_id, key):
            return None
        strings = content.get("strings")
        if not isinstance(strings, list) or not all(isinstance(string, str) for string in strings):
            return None
        return tuple(strings)


def _path(folder: Path, key: str) -> Path:
    return folder / key[:_STRIPE_DIGITS] / f"{key}.json"


def _lock(key: str) -> str:
    return f"{key[:_STRIPE_DIGITS]}.lock"


class CachedReader:
    """A reader that remembers. ``read_count`` and ``hit_count`` say how often the engine ran and how often it need not.

    Images that are missing are given to the engine by as many as it likes to have at once, its ``at_once``, and kept as
    soon as they are read; to an engine that is ``concurrent``, by as many threads as torch has.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.id = id_with_code(reader, reader.id)
        self.languages = reader.languages
        self.required_assets = reader.required_assets
        self.concurrent = bool(getattr(reader, "concurrent", False))
        self.at_once = int(getattr(reader, "at_once", 1))
        self.read_count = 0
        self.hit_count = 0
        self._counting = threading.Lock()
        self._store = ReadingStore(self.id)

    def read(self, images: list[Tensor]) -> list[ReadResult]:
        """``uint8 [3,H,W]`` images to one result each."""
        keys = [image_digest(image) for image in images]
        of_key = dict(zip(keys, images, strict=True))
        found = {key: known for key in of_key if (known := self._store.known(key)) is not None}
        before = self.read_count
        for readings in self._read_anew({key: image for key, image in of_key.items() if key not in found}):
            found |= readings
        self.hit_count += len(keys) - (self.read_count - before)
        return [ReadResult(found[key][0], found[key][1:]) for key in keys]

    def _read_anew(self, missing: Mapping[str, Tensor]) -> list[dict[str, Strings]]:
        """Readings of distinct images, in groups."""
        threads = min(len(missing), torch_threads()) if self.concurrent else 1
        size = min(self.at_once, -(-len(missing) // max(threads, 1))) or 1
        keys = list(missing)
        groups = [keys[start : start + size] for start in range(0, len(keys), size)]

        def read(group: list[str]) -> dict[str, Strings]:
            return self._store.get_all(group, lambda asked: self._strings([missing[key] for key in asked]))

        if threads <= 1:
            return [read(group) for group in groups]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(read, groups))

    def _strings(self, images: list[Tensor]) -> list[Strings]:
        """The text, then the lines, of each: a reader's text need not be its lines joined."""
        results = self.reader.read([image.cpu() for image in images])
        with self._counting:
            self.read_count += len(images)
        return [(result.text, *result.lines) for result in results]


def torch_threads() -> int:
    """Threads that torch computes with in this process."""
    import torch

    return torch.get_num_threads()


class CachedBoxReader:
    """The same for the texts of given boxes: one reading is one image with one list of boxes."""

    def __init__(self, reader: BoxReader) -> None:
        self.reader = reader
        self.id = id_with_code(reader, reader.id)
        self.languages = reader.languages
        self.required_assets = reader.required_assets
        self.read_count = 0
        self.hit_count = 0
        self._store = ReadingStore(self.id)

    def read_boxes(self, image: Tensor, boxes: Sequence[Box]) -> list[str]:
        """A ``uint8 [3,H,W]`` image and its boxes to one text each."""
        key = digest_json([image_digest(image), [[float(edge) for edge in box] for box in boxes]])
        texts, fresh = self._store.get(key, lambda: self.reader.read_boxes(image, boxes))
        self.read_count += fresh
        self.hit_count += not fresh
        return list(texts)


def image_digest(image: Tensor) -> str:
    """SHA-256 of an image's dtype, shape and pixels; equal wherever they are equal."""
    return digest_arrays({"image": image.cpu().numpy()})
