"""An index of tars: where members lie, so that no tar is looked through. Columns of numbers, not an object a sample.

A row is a member: ``id`` (of its sample), ``shard`` (file name of its tar), ``extension``, ``offset`` and ``size``,
and, where it is known, ``sha256``. As Parquet these are columns; as JSON,
``{"members": [{"id": …, "shard": …, …}, …]}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtbench.core.errors import UsageError
from vtbench.core.outside.parsing import MOST_TEXT_BYTES, boundary, load_json
from vtbench.data.ids import PackedIds
from vtbench.data.sources.archives.members import TRUTH, Span, kind_of
from vtbench.data.stores.files import StoredFile

COLUMNS = ("id", "shard", "extension", "offset", "size")
SHA256 = "sha256"
_MOST_BYTES, _MOST_RATIO = 256 << 20, 100
"""An index may unfold to this much, or to so many times its size."""
_DIGEST_BYTES = 32
_MOST_NARROW = 2**31 - 1


class IndexedTars:
    """Samples as an index tells them: about 90 bytes of memory each, and the id.

    Args:
        table: :data:`COLUMNS` and :data:`SHA256` of an Arrow table, sorted by id; ``shard`` and ``extension`` are
            dictionaries.
        shards: the tars, by file name.
        image_key: extension of the image where samples hold several.

    Raises:
        ValueError: what it says cannot be.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, table: Any, shards: Mapping[str, StoredFile], image_key: str | None) -> None:
        self._shard, names = _coded(table["shard"])
        self._files = [shards[name] for name in names]
        self._extension, kinds = _coded(table["extension"])
        self._kinds = kinds
        self._offset, self._size = (_numbers(table[name]) for name in ("offset", "size"))
        self._sha256 = _digests(table[SHA256]) if SHA256 in table.column_names else None
        ids = _one(table["id"])
        sample = _sample_numbers(ids)
        wanted = [kind for kind in kinds if kind_of(kind) == "image" and image_key in (None, kind)]
        self._image = np.flatnonzero(np.isin(self._extension, [kinds.index(kind) for kind in wanted]))
        _refuse_several(sample[self._image], lambda row: ids[int(self._image[row])].as_py(), image_key)
        self.ids: Sequence[str] = PackedIds(ids if len(self._image) == len(ids) else ids.take(self._image))
        self._truth: dict[str, NDArray[Any]] = {}
        for kind in TRUTH:
            rows = np.flatnonzero(self._extension == kinds.index(kind)) if kind in kinds else np.empty(0, np.int64)
            if len(rows):
                self._truth[kind] = _beside(sample[self._image], sample[rows], rows, kind)

    def image(self, index: int) -> Span:
        """The encoded image of a sample."""
        return self._span(int(self._image[index]))

    def truth(self, index: int) -> Mapping[str, Span]:
        """Members that hold its truth, by extension, sorted."""
        rows = {kind: int(of[index]) for kind, of in self._truth.items()}
        return {kind: self._span(row) for kind, row in rows.items() if row >= 0}

    def digests(self, start: int, stop: int) -> Iterator[str] | None:
        """Content digests of a run of samples, from the index alone; ``None`` where it has no SHA-256."""
        if self._sha256 is None:
            return None
        of_images = _hex(self._sha256[self._image[start:stop]])
        if not self._truth:
            return of_images
        return ("+".join([first, *self._of_truth(start + place)]) for place, first in enumerate(of_images))

    def _of_truth(self, index: int) -> list[str]:
        return [span.sha256 or "" for span in self.truth(index).values()]

    def _span(self, row: int) -> Span:
        sha256 = None if self._sha256 is None else self._sha256[row].tobytes().hex()
        shard, kind = self._files[self._shard[row]], self._kinds[self._extension[row]]
        return Span(shard, kind, int(self._offset[row]), int(self._size[row]), sha256)


def indexed(file: StoredFile, shards: Sequence[StoredFile], image_key: str | None) -> IndexedTars:
    """The samples that an index tells of some tars; rows of other tars are left out.

    Raises:
        UsageError: it cannot be read, is no index, or does not know one of the tars.
    """
    by_name = {shard.name: shard for shard in shards}
    with boundary(f"{file.shown} cannot be read as an index of tars", "write it again", UsageError):
        table = _sorted(_of_these(_table(file.identified()), by_name, file))
        return IndexedTars(table, by_name, image_key and image_key.lower())


def _table(file: StoredFile) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if file.name.lower().endswith(".json"):
        size = file.size or 0
        if size > MOST_TEXT_BYTES:
            raise ValueError(f"it is larger than the {MOST_TEXT_BYTES >> 20} MiB that are read: write it as Parquet")
        rows = load_json(file.read(0, size).decode("utf-8"))["members"]
        table = pa.Table.from_pylist(rows)
        coded = {name: table[name].dictionary_encode() for name in ("shard", "extension")}
        return pa.table({name: coded.get(name, table[name]) for name in _present(table.column_names)})
    with pq.ParquetFile(file.stream(), read_dictionary=["shard", "extension"]) as parquet:
        groups = [parquet.metadata.row_group(group) for group in range(parquet.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > max(_MOST_BYTES, _MOST_RATIO * (file.size or 0)):
            raise ValueError("it would unfold beyond reason")
        names = _present(parquet.schema_arrow.names)  # one after the other: none is in memory twice beside all others
        return pa.table({name: _one(parquet.read([name], use_threads=False)[name]) for name in names})


def _present(names: Sequence[str]) -> list[str]:
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ValueError(f"it has no {missing[0]}")
    return [*COLUMNS, *([SHA256] if SHA256 in names else [])]


def _of_these(table: Any, shards: Mapping[str, StoredFile], file: StoredFile) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if any(table[name].null_count for name in table.column_names):
        raise ValueError("it has empty cells")
    if not (pa.types.is_string(table["id"].type) or pa.types.is_large_string(table["id"].type)):
        raise ValueError(f"an id is a text, not {table['id'].type}")
    known = set(pc.unique(table["shard"]).to_pylist())
    unknown = sorted(set(shards) - known)
    if unknown:
        raise UsageError(f"{file.shown} knows no tar {unknown[0]}", "is it the index of these files?")
    return table if known == set(shards) else table.filter(pc.is_in(table["shard"], pa.array(sorted(shards))))


def _sorted(table: Any) -> Any:
    import pyarrow.compute as pc

    ids = _one(table["id"])
    if len(ids) > 1 and not pc.all(pc.less_equal(ids.slice(0, len(ids) - 1), ids.slice(1))).as_py():
        table = table.take(pc.sort_indices(table["id"]))
    return table


def _one(column: Any) -> Any:
    """A column as one array with one dictionary; texts of more than 2 GiB need wide offsets."""
    import pyarrow as pa

    if isinstance(column, pa.Array):
        return column
    if pa.types.is_string(column.type) and column.nbytes > _MOST_NARROW:
        column = column.cast(pa.large_string())
    column = column.unify_dictionaries()
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _coded(column: Any) -> tuple[NDArray[Any], list[str]]:
    """Codes of a dictionary column, and the texts that they stand for, without those that no row has."""
    one = _one(column)
    codes, names = one.indices.to_numpy(zero_copy_only=False), one.dictionary.to_pylist()
    used = np.flatnonzero(np.bincount(codes, minlength=len(names)))
    if len(used) < len(names):
        codes = np.searchsorted(used, codes).astype(np.int32)
    return codes, [str(names[code]) for code in used]


def _numbers(column: Any) -> NDArray[np.int64]:
    found: NDArray[np.int64] = column.to_numpy().astype(np.int64, casting="safe", copy=False)
    if len(found) and found.min() < 0:
        raise ValueError("an offset or a size is negative")
    return found


def _digests(column: Any) -> NDArray[np.uint8]:
    """``uint8 [N,32]`` of 32 bytes, or of 64 hexadecimal digits."""
    import pyarrow as pa

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        flat = b"".join(map(bytes.fromhex, column.to_pylist()))
    else:
        one = _one(column.cast(pa.binary(_DIGEST_BYTES)))
        values = one.buffers()[1]
        return np.frombuffer(values, np.uint8).reshape(-1, _DIGEST_BYTES)[one.offset : one.offset + len(one)]
    if len(flat) != _DIGEST_BYTES * len(column):
        raise ValueError("a sha256 has not 64 hexadecimal digits")
    return np.frombuffer(flat, np.uint8).reshape(-1, _DIGEST_BYTES)


def _hex(digests: NDArray[np.uint8]) -> Iterator[str]:
    text = digests.tobytes().hex()
    return (text[place : place + 2 * _DIGEST_BYTES] for place in range(0, len(text), 2 * _DIGEST_BYTES))


def _sample_numbers(ids: Any) -> NDArray[np.int64]:
    """Of each row, the number of its sample: rows of one id are neighbours."""
    import pyarrow.compute as pc

    number = np.zeros(len(ids), np.int64)
    if len(ids) > 1:
        number[1:] = pc.not_equal(ids.slice(0, len(ids) - 1), ids.slice(1)).to_numpy(zero_copy_only=False)
    return np.cumsum(number, out=number)


def _refuse_several(samples: NDArray[np.int64], named: Any, image_key: str | None) -> None:
    again = np.flatnonzero(samples[1:] == samples[:-1])
    if len(again):
        hint = "choose one with image_key=" if image_key is None else "pack every sample once"
        raise UsageError(f"sample {named(int(again[0]))} has several images in the index", hint)


def _beside(images: NDArray[np.int64], samples: NDArray[np.int64], rows: NDArray[Any], kind: str) -> NDArray[Any]:
    """Of each sample with an image the row of its truth of one kind, or -1."""
    if (samples[1:] == samples[:-1]).any():
        raise ValueError(f"a sample has two {kind} members")
    found = np.full(len(images), -1, np.int64)
    place = np.searchsorted(images, samples)
    there = (place < len(images)) & (images[np.minimum(place, len(images) - 1)] == samples)
    found[place[there]] = rows[there]
    return found
