"""The first N samples of a data set."""

from __future__ import annotations

from typing import Any

from vtbench.core.contracts import ImageDataset, Sample
from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.data.fingerprint import notes_of
from vtbench.data.ids import PackedIds


class Subset:
    """The first ``limit`` samples, with a fingerprint of those alone.

    A source that can say ``fingerprint_of(n)`` is asked for it, so a limit never hashes the rest; of any other, the
    whole fingerprint and the ids are digested. A limit beyond the end gives the whole data set.

    Raises:
        UsageError: a limit below one.
    """

    def __init__(self, dataset: ImageDataset, limit: int) -> None:
        if limit < 1:
            raise UsageError(f"a limit of {limit} leaves no samples", "give a limit of at least 1")
        self.dataset = dataset
        first = dataset.ids[:limit]
        self.ids = first if isinstance(first, PackedIds) else tuple(first)
        self.notes = notes_of(dataset)
        self.frames: int | None = getattr(dataset, "frames", None)
        self.in_shards = bool(getattr(dataset, "in_shards", False))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.dataset[index]

    @property
    def fingerprint(self) -> str:
        """Digest of the chosen samples."""
        return self.fingerprint_of(len(self))

    def fingerprint_of(self, n: int) -> str:
        """Digest of the first ``n`` samples."""
        source: Any = self.dataset
        if hasattr(source, "fingerprint_of"):
            return str(source.fingerprint_of(n))
        if n == len(source):
            return str(source.fingerprint)
        return digest_json({"of": source.fingerprint, "ids": list(self.ids[:n])})
