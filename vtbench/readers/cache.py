"""Readings kept on disk: a distinct image is read once ever by each reader, whichever process asks first."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vtbench.core.code_identity import id_with_code
from vtbench.core.digests import digest_arrays, digest_json
from vtbench.core.disk.caches import alone_in, kept_in, optional, places
from vtbench.core.disk.files import path_segment, write_text
from vtbench.core.outside.parsing import load_json, read_bytes
from vtbench.core.outside.seals import sealed, unsealed
from vtbench.readers.contract import Box, BoxReader, Reader, ReadResult

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = "readings"
_STRIPE_DIGITS = 2


class ReadingStore:
    """Lists of strings by key, of one reader, below ``cache_dir()/readings``.

    A file a reading, written atomically. A thread holds the lock of the key's stripe (one of 256) while it reads, and
    never two at once, so threads and processes wait for one another's readings instead of repeating them and cannot
    deadlock. Every file is sealed; one that is damaged is read anew. Where nothing can be kept, a reading is kept while
    the process lasts.
    """

    def __init__(self, reader_id: str) -> None:
        self.reader_id = reader_id
        # the readable part of the folder's name may be cut short or collide; the digest does not
        self._segments = (FOLDER, f"{path_segment(reader_id)}-{digest_json(reader_id, 8)}")
        self._place: Path | None = None

    def get(self, key: str, read: Callable[[], Sequence[str]]) -> tuple[tuple[str, ...], bool]:
        """The reading of ``key`` (hex digits), and whether ``read`` had to be called for it."""
        known = self._known(key)
        if known is not None:
            return known, False
        if self._place is None:
            self._place = kept_in(*self._segments)
        with alone_in(self._place, f"{key[:_STRIPE_DIGITS]}.lock"):
            known = self._known(key)
            if known is not None:
                return known, False
            strings = tuple(read())
            told = sealed({"reader": self.reader_id, "key": key, "strings": strings})
            with optional():
                write_text(_path(self._place, key), json.dumps(told, ensure_ascii=True))
            return strings, True

    def _known(self, key: str) -> tuple[str, ...] | None:
        loaded = (self._load(_path(folder, key), key) for folder in places(*self._segments))
        return next((strings for strings in loaded if strings is not None), None)

    def _load(self, path: Path, key: str) -> tuple[str, ...] | None:
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


class CachedReader:
    """A reader that remembers. ``read_count`` and ``hit_count`` say how often the engine ran and how often it need not.

    Images that are missing are given to the engine one by one, each kept as soon as it is read.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.id = id_with_code(reader, reader.id)
        self.languages = reader.languages
        self.required_assets = reader.required_assets
        self.concurrent = bool(getattr(reader, "concurrent", False))
        self.read_count = 0
        self.hit_count = 0
        self._counting = threading.Lock()
        self._store = ReadingStore(self.id)

    def read(self, images: list[Tensor]) -> list[ReadResult]:
        """``uint8 [3,H,W]`` images to one result each."""
        return [self._read_one(image) for image in images]

    def _read_one(self, image: Tensor) -> ReadResult:
        (text, *lines), fresh = self._store.get(image_digest(image), lambda: self._strings(image))
        with self._counting:
            self.read_count += fresh
            self.hit_count += not fresh
        return ReadResult(text, tuple(lines))

    def _strings(self, image: Tensor) -> tuple[str, ...]:
        """The text, then the lines: a reader's text need not be its lines joined."""
        result = self.reader.read([image])[0]
        return result.text, *result.lines


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
