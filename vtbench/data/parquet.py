"""Images in Parquet files."""

from __future__ import annotations

import bisect
from itertools import accumulate
from pathlib import Path
from typing import Any

from vtbench.core.contracts import Sample
from vtbench.core.errors import UsageError
from vtbench.core.files import user_path
from vtbench.data.cells import digest_cell, image_bytes
from vtbench.data.decode import decode_image
from vtbench.data.fingerprint import Fingerprinted
from vtbench.data.ids import row_ids
from vtbench.data.listing import suffix_of, walk


class ParquetShards(Fingerprinted):
    """Rows of one Parquet file, or of every ``*.parquet`` below a folder in path order, numbered from ``00000000``.

    One row group of the image column is held in memory at a time (in each worker process).

    Args:
        path: a file or folder.
        image_column: binary (encoded images) or ``struct{bytes, path}``.

    Raises:
        UsageError: nothing there, a file that is not Parquet, or no such column.
    """

    def __init__(self, path: str | Path, image_column: str = "image") -> None:
        self.image_column = image_column
        self._groups: list[tuple[Path, int]] = []
        rows: list[int] = []
        for file in _shards(user_path(path)):
            for group, count in enumerate(_group_rows(file, image_column)):
                self._groups.append((file, group))
                rows.append(count)
        self._ends = list(accumulate(rows))
        self.ids = row_ids(self._ends[-1] if self._ends else 0)
        if not self.ids:
            raise UsageError(f"no rows in {path}", "check the path")
        self._held: tuple[int, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_held": None}

    def __getitem__(self, index: int) -> Sample:
        name = self.ids[index]
        return Sample(id=name, image=decode_image(image_bytes(self._cell(index), name), name))

    def content_digest(self, index: int) -> str:
        """SHA-256 of the encoded image."""
        return digest_cell(self._cell(index), self.ids[index])

    def _cell(self, index: int) -> Any:
        group = bisect.bisect_right(self._ends, index)
        first = self._ends[group - 1] if group else 0
        if self._held is None or self._held[0] != group:
            file, number = self._groups[group]
            self._held = (group, _read_group(file, number, self.image_column))
        return self._held[1][index - first].as_py()


def _shards(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = sorted(path / name for name in walk(path) if suffix_of(name) == ".parquet") if path.is_dir() else []
    if not found:
        raise UsageError(f"no Parquet files at {path}", "give a .parquet file or a folder that holds some")
    return found


def _group_rows(file: Path, image_column: str) -> list[int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as parquet:
            schema = parquet.schema_arrow
            groups = [parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)]
    except (pa.ArrowInvalid, OSError) as error:
        raise UsageError(f"cannot read {file} as Parquet: {error}", "check that the file is whole") from error
    if image_column not in schema.names:
        raise UsageError(
            f"{file} has no column {image_column!r}", f"columns: {', '.join(schema.names)}; choose with image_column="
        )
    kind = schema.field(image_column).type
    if not (pa.types.is_struct(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise UsageError(f"column {image_column!r} of {file} holds {kind}, not encoded images")
    return groups


def _read_group(file: Path, group: int, image_column: str) -> Any:
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as parquet:
        return parquet.read_row_group(group, columns=[image_column], use_threads=False).column(image_column)
