"""``samples.parquet``: one row an image, with an explicit schema, written atomically through pyarrow.

The file's metadata hold a seal: what the rows are of, and a digest of their content, which reading checks.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from vtbench.core.digests import canonical_json, digest_arrays, digest_json
from vtbench.core.disk.files import atomic_path
from vtbench.core.errors import DamagedFileError, UsageError
from vtbench.core.outside.parsing import reason
from vtbench.core.outside.seals import REPAIR, BrokenSealError, sealed, unsealed

SAMPLES_FILE = "samples.parquet"
SCORED, FAILED = "scored", "failed"
FIXED_FIELDS = (
    pa.field("id", pa.string(), nullable=False),
    pa.field("index", pa.int64(), nullable=False),
    pa.field("status", pa.string(), nullable=False),
    pa.field("stage", pa.string(), nullable=False),
    pa.field("message", pa.string(), nullable=False),
    pa.field("height", pa.int32(), nullable=False),
    pa.field("width", pa.int32(), nullable=False),
)
FIXED_COLUMNS = tuple(entry.name for entry in FIXED_FIELDS)
STRATUM_PREFIX = "stratum_"
_SEAL = b"vtbench"


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """Rows of a run, column by column, in the order of the data set.

    Attributes:
        ids: stable unique sample ids.
        index: ``int64 [N]``, position in the data set.
        status: ``"scored"`` or ``"failed"``.
        stage: where a failed sample failed (``decode``, ``preprocess``, ``model``, ``metric``); else empty.
        message: why it failed; else empty.
        height: ``int32 [N]`` pixels at which the sample was scored; 0 where it failed before that was known.
        width: as ``height``.
        metrics: column name to ``float64 [N]``; NaN where the metric does not apply or the sample failed.
        strata: what the sample belongs to, by kind of stratum (``glyph_px``, ``language``); empty where it has none.
            Columns of the file carry the prefix ``stratum_``.

    Raises:
        ValueError: columns of unequal length, a repeated id, an unknown status, or a metric named like a fixed column.
    """

    ids: Sequence[str]
    index: NDArray[np.int64]
    status: Sequence[str]
    stage: Sequence[str]
    message: Sequence[str]
    height: NDArray[np.int32]
    width: NDArray[np.int32]
    metrics: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    strata: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        columns = {**self._fixed(), **self._labels(), **self.metrics}
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of unequal length: {lengths}")
        clashes = sorted(set(self.metrics) & {*FIXED_COLUMNS, *self._labels()})
        if clashes:
            raise ValueError(f"a metric cannot be named {', '.join(clashes)}")
        if len(set(self.ids)) != len(self.ids):
            repeated = sorted(name for name, count in Counter(self.ids).items() if count > 1)
            raise ValueError(f"sample ids are not unique: {', '.join(repeated[:3])}")
        if not set(self.status) <= {SCORED, FAILED}:
            raise ValueError(f"a status is {SCORED} or {FAILED}, got {sorted(set(self.status) - {SCORED, FAILED})}")

    def __len__(self) -> int:
        return len(self.ids)

    def _fixed(self) -> dict[str, Sequence[Any] | NDArray[Any]]:
        columns = (self.ids, self.index, self.status, self.stage, self.message, self.height, self.width)
        return dict(zip(FIXED_COLUMNS, columns, strict=True))

    def _labels(self) -> dict[str, Sequence[str]]:
        return {f"{STRATUM_PREFIX}{name}": labels for name, labels in self.strata.items()}

    def to_arrow(self) -> pa.Table:
        """The rows as an Arrow table of the documented schema; metrics keep their order."""
        labels = [pa.field(name, pa.string(), nullable=False) for name in self._labels()]
        measured = [pa.field(name, pa.float64(), nullable=False) for name in self.metrics]
        schema = pa.schema([*FIXED_FIELDS, *labels, *measured])
        return pa.table({**self._fixed(), **self._labels(), **self.metrics}, schema=schema)


def join_samples(parts: Sequence[Samples]) -> Samples:
    """Rows of several blocks, in the order given; a metric that one part lacks is NaN there."""
    names = list(dict.fromkeys(name for part in parts for name in part.metrics))
    kinds = list(dict.fromkeys(name for part in parts for name in part.strata))
    return Samples(
        ids=[value for part in parts for value in part.ids],
        index=_concatenate([part.index for part in parts], np.int64),
        status=[value for part in parts for value in part.status],
        stage=[value for part in parts for value in part.stage],
        message=[value for part in parts for value in part.message],
        height=_concatenate([part.height for part in parts], np.int32),
        width=_concatenate([part.width for part in parts], np.int32),
        metrics={
            name: _concatenate([part.metrics.get(name, np.full(len(part), np.nan)) for part in parts], np.float64)
            for name in names
        },
        strata={name: [v for part in parts for v in part.strata.get(name, [""] * len(part))] for name in kinds},
    )


def write_samples(samples: Samples, path: Path, of: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write the rows atomically, with a seal over their content and what they are ``of``; returns the seal."""
    table = samples.to_arrow()
    seal = sealed({"of": dict(of or {}), "content": _content(table)})
    with atomic_path(path) as temporary:
        pq.write_table(table.replace_schema_metadata({_SEAL: canonical_json(seal)}), temporary)
    return seal


def read_samples(path: Path) -> Samples:
    """Read the rows back.

    Raises:
        UsageError: there is no such file.
        DamagedFileError: not parquet, not rows of samples, or not the rows that were written.
    """
    return read_sealed_samples(path)[0]


def read_sealed_samples(path: Path) -> tuple[Samples, dict[str, Any] | None]:
    """As :func:`read_samples`, with the seal; ``None`` where an earlier version wrote the file."""
    table = _read_table(path)
    seal = _checked_seal(table, path)
    try:
        return _samples_of(table), seal
    except ValueError as error:
        raise DamagedFileError(path, f"does not hold rows of samples: {error}", REPAIR) from None


def _seal(schema: pa.Schema, path: Path) -> dict[str, Any] | None:
    text = (schema.metadata or {}).get(_SEAL)
    if text is None:
        return None
    try:
        seal = json.loads(text)
        seal = {**unsealed(seal), "sha256": seal["sha256"]}
        return seal if {"of", "content"} <= set(seal) else None
    except BrokenSealError as error:
        raise DamagedFileError(path, str(error), REPAIR) from None
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(path, f"has metadata that are damaged: {reason(error)}", REPAIR) from None


def _checked_seal(table: pa.Table, path: Path) -> dict[str, Any] | None:
    seal = _seal(table.schema, path)
    try:
        if seal is not None and seal["content"] != _content(table):
            raise DamagedFileError(path, "is damaged, or was edited: other rows than were written", REPAIR)
    except (pa.ArrowException, ValueError) as error:
        raise DamagedFileError(path, f"is damaged: {reason(error)}", REPAIR) from None
    return seal


def content_digest(samples: Samples) -> str:
    """Digest of the rows, as their file's seal holds it."""
    return _content(samples.to_arrow())


def _content(table: pa.Table) -> str:
    """Digest of names, kinds and values of all columns, in their order."""
    return digest_json(
        [[name, str(table.schema.field(name).type), _values(table[name])] for name in table.column_names]
    )


def _values(column: pa.ChunkedArray) -> str:
    if pa.types.is_string(column.type) or column.null_count:
        return digest_json([str(value) for value in column.to_pylist()])
    return digest_arrays({"": column.to_numpy()})


def _samples_of(table: pa.Table) -> Samples:
    return Samples(
        ids=table["id"].to_pylist(),
        index=table["index"].to_numpy(),
        status=table["status"].to_pylist(),
        stage=table["stage"].to_pylist(),
        message=table["message"].to_pylist(),
        height=table["height"].to_numpy(),
        width=table["width"].to_numpy(),
        metrics={name: table[name].to_numpy() for name in _metric_columns(table)},
        strata={
            name.removeprefix(STRATUM_PREFIX): table[name].to_pylist()
            for name in table.column_names
            if name.startswith(STRATUM_PREFIX)
        },
    )


def _metric_columns(table: pa.Table) -> list[str]:
    return [name for name in table.column_names if name not in FIXED_COLUMNS and not name.startswith(STRATUM_PREFIX)]


def read_sample_table(path: Path) -> pa.Table:
    """As :func:`read_samples`, as an Arrow table."""
    table = _read_table(path)
    _checked_seal(table, path)
    return table.replace_schema_metadata(None)


def _check_columns(table: pa.Table, path: Path) -> None:
    """A name is one column, and no cell is empty: rows are written without nulls.

    Raises:
        DamagedFileError: names the column.
    """
    twice = next((name for name, count in Counter(table.column_names).items() if count > 1), None)
    if twice is not None:
        raise DamagedFileError(path, f"does not hold rows of samples: several columns {twice!r}", REPAIR)
    empty = next((name for name in table.column_names if table[name].null_count), None)
    if empty is not None:
        raise DamagedFileError(path, f"does not hold rows of samples: no value in a cell of {empty!r}", REPAIR)


def _read_table(path: Path) -> pa.Table:
    try:
        # By name and on this thread: a Python stream would be let go by a thread of Arrow's, which may outlive Python.
        with pq.ParquetFile(str(path)) as file:
            table = file.read(use_threads=False)
    except FileNotFoundError:
        raise UsageError(
            f"there is no {path}", "a run writes its rows just before its record: is it finished?"
        ) from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DamagedFileError(path, f"is not a parquet file: {reason(error)}", REPAIR) from None
    _check_columns(table, path)
    measured = [table.schema.field(name) for name in _metric_columns(table)]
    fixed_fit = all(
        entry.name in table.column_names and table.schema.field(entry.name).type == entry.type for entry in FIXED_FIELDS
    )
    if not fixed_fit or any(entry.type != pa.float64() for entry in measured):
        raise DamagedFileError(path, f"does not hold rows of samples: {table.schema.names}", REPAIR)
    return table


def _concatenate(arrays: Sequence[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *arrays]).astype(dtype, copy=False)
