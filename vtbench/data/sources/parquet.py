"""Images in Parquet files."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from vtbench.core.contracts import Sample
from vtbench.core.disk.files import user_path
from vtbench.core.errors import SampleError, UsageError
from vtbench.core.outside.parsing import boundary
from vtbench.core.secrets import masked
from vtbench.data.decode import decode_image
from vtbench.data.fingerprint import Fingerprinted
from vtbench.data.ids import row_ids
from vtbench.data.sources.cells import digest_cell, image_bytes
from vtbench.data.sources.listing import suffix_of, walk
from vtbench.data.stores.files import LocalFile, StoredFile
from vtbench.data.stores.patterns import files_of
from vtbench.data.stores.urls import is_url

_ROWS_AT_ONCE = 16
_COLUMNS_SHOWN = 20
_ROWS_OF_ANY_FILE = 1_000_000
_MOST_UNFOLDED, _MOST_RATIO = 256 << 20, 100


class ParquetShards(Fingerprinted):
    """Rows of one Parquet file, or of every ``*.parquet`` below a folder in path order, numbered from ``00000000``.

    A few rows of the image column are held in memory at a time (in each worker process). Of files in a store, the
    footers are read when a run is planned, and of the images what is needed.

    Args:
        path: a file or folder; or a URL (``https``, ``s3``, ``gs``, ``hf``), also with braces or, where the store can
            be listed, ``*``: files in the order of their URLs.
        image_column: binary (encoded images) or ``struct{bytes, path}``.

    Raises:
        UsageError: nothing there, a file that is not Parquet, or no such column.
    """

    def __init__(self, path: str | Path, image_column: str = "image") -> None:
        self.image_column = image_column
        self._groups: list[tuple[StoredFile, int]] = []
        rows: list[int] = []
        shards = _shards(str(path))
        self.in_shards = len(shards) > 1
        for file in shards:
            for group, count in enumerate(_group_rows(file, image_column)):
                self._groups.append((file, group))
                rows.append(count)
        self._ends = list(accumulate(rows))
        self.ids = row_ids(self._ends[-1] if self._ends else 0)
        if not self.ids:
            raise UsageError(f"no rows in {masked(str(path))}", "check the path")
        self._held: _Group | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_held": None}

    def __getitem__(self, index: int) -> Sample:
        name = self.ids[index]
        return Sample(id=name, image=decode_image(image_bytes(self._cell(index), name), name))

    def content_digest(self, index: int) -> str:
        """SHA-256 of the encoded image."""
        try:
            return digest_cell(self._cell(index), self.ids[index])
        except SampleError:
            return "unreadable"

    def columns(self, names: Sequence[str]) -> dict[str, list[Any]]:
        """Other columns of all rows, in order, by name; those that a file lacks are left out."""
        import pyarrow.parquet as pq

        found: dict[str, list[Any]] = {}
        for file in dict.fromkeys(file for file, _ in self._groups):
            opened = pq.ParquetFile(file.stream())
            present = [name for name in names if name in opened.schema_arrow.names]
            for name in present:
                column = opened.read(columns=[name]).column(0).to_pylist()
                found.setdefault(name, []).extend(column)
        return {name: values for name, values in found.items() if len(values) == len(self)}

    def _cell(self, index: int) -> Any:
        group = bisect.bisect_right(self._ends, index)
        row = index - (self._ends[group - 1] if group else 0)
        file, number = self._groups[group]
        with boundary(
            f"{self.ids[index]}: row {row} of row group {number} of {file.shown} cannot be read", kind=SampleError
        ):
            if self._held is None or self._held.group != group or row < self._held.start:
                self._held = _Group(group, file, number, self.image_column)
            return self._held.cell(row)


class _Group:
    """The image column of one row group, a few rows at a time, forwards: a few kB may unfold to gigabytes."""

    def __init__(self, group: int, file: StoredFile, number: int, column: str) -> None:
        import pyarrow.parquet as pq

        self.group, self.start = group, 0
        self._rows: Any = ()
        self._file = pq.ParquetFile(file.stream())
        self._batches = self._file.iter_batches(_ROWS_AT_ONCE, row_groups=[number], columns=[column], use_threads=False)

    def cell(self, row: int) -> Any:
        while row >= self.start + len(self._rows):
            self.start += len(self._rows)
            batch = next(self._batches, None)
            if batch is None:
                raise EOFError(f"the row group ends after {self.start} rows")
            self._rows = batch.column(0)
        return self._rows[row - self.start].as_py()


def _shards(path: str) -> list[StoredFile]:
    if is_url(path):
        return [_identified(file) for file in files_of(path, "train-{00000..00031}.parquet")]
    folder = user_path(path)
    if folder.is_file():
        return [_identified(LocalFile(folder))]
    found = sorted(folder / name for name in walk(folder) if suffix_of(name) == ".parquet") if folder.is_dir() else []
    if not found:
        raise UsageError(f"no Parquet files at {path}", "give a .parquet file or a folder that holds some")
    return [_identified(LocalFile(file)) for file in found]


def _identified(file: StoredFile) -> StoredFile:
    with boundary(f"cannot read {file.shown} as Parquet", "check that it is there", UsageError):
        return file.identified()


def _group_rows(file: StoredFile, image_column: str) -> list[int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with (
        boundary(f"cannot read {file.shown} as Parquet", "check that the file is whole", UsageError),
        file.stream() as stream,
        pq.ParquetFile(stream) as parquet,
    ):
        schema, metadata = parquet.schema_arrow, parquet.metadata
        groups = [metadata.row_group(group) for group in range(parquet.num_row_groups)]
        _check_sizes(groups, file.size or 0)
    if image_column not in schema.names:
        shown = ", ".join(schema.names[:_COLUMNS_SHOWN]) + (", …" if len(schema.names) > _COLUMNS_SHOWN else "")
        raise UsageError(f"{file.shown} has no column {image_column!r}", f"columns: {shown}; choose with image_column=")
    if schema.names.count(image_column) > 1:
        raise UsageError(f"{file.shown} has several columns {image_column!r}", "give each a name of its own")
    kind = schema.field(image_column).type
    if not (pa.types.is_struct(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise UsageError(f"column {image_column!r} of {file.shown} holds {kind}, not encoded images")
    return [group.num_rows for group in groups]


def _check_sizes(groups: Sequence[Any], size: int) -> None:
    """What the file says of itself, before anything is as large as that.

    Raises:
        ValueError: it cannot hold that many images, or a group would unfold beyond reason.
    """
    rows = [group.num_rows for group in groups]
    if min(rows, default=0) < 0 or sum(rows) > max(size, _ROWS_OF_ANY_FILE):
        raise ValueError(f"{sum(rows):,} rows in {size:,} bytes cannot be images")
    for number, group in enumerate(groups):
        if group.total_byte_size > max(_MOST_UNFOLDED, _MOST_RATIO * size):
            raise ValueError(f"row group {number} would unfold to {group.total_byte_size:,} bytes")
