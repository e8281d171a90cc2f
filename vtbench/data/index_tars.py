"""Write the index of tars: ``python -m vtbench.data.index_tars 'shards/{000..127}.tar' index.parquet``.

Every tar is read once, whole; where they lie in a store, give their URLs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vtbench.core.disk.files import atomic_path, user_path
from vtbench.core.errors import UsageError
from vtbench.data.sources.archives.members import Span
from vtbench.data.sources.tars import WebDatasetTars


def write_index(dataset: WebDatasetTars, path: Path) -> None:
    """The members of every sample, sorted by id, with the SHA-256 of their bytes.

    Args:
        dataset: of tars, opened without an index.
        path: ``.parquet``, or ``.json`` for fewer than a million samples.

    Raises:
        UsageError: another suffix.
    """
    rows = [row for index, name in enumerate(dataset.ids) for row in _rows(dataset, index, name)]
    with atomic_path(path) as temporary:
        if path.suffix == ".json":
            temporary.write_text(json.dumps({"members": rows}) + "\n", encoding="utf-8")
        elif path.suffix == ".parquet":
            _write_parquet(rows, temporary)
        else:
            raise UsageError(f"{path} is neither a .parquet nor a .json file", "name the index so")


def _rows(dataset: WebDatasetTars, index: int, name: str) -> list[dict[str, Any]]:
    spans = [dataset.samples.image(index), *dataset.samples.truth(index).values()]
    return [_row(name, span) for span in spans]


def _row(name: str, span: Span) -> dict[str, Any]:
    place = {"offset": span.offset, "size": span.size, "sha256": span.digest()}
    return {"id": name, "shard": span.shard.name, "extension": span.extension, **place}


def _write_parquet(rows: Sequence[dict[str, Any]], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    columns["sha256"] = pa.array([bytes.fromhex(text) for text in columns["sha256"]], pa.binary(32))
    pq.write_table(pa.table(columns), path, use_dictionary=["shard", "extension"], compression="zstd")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and write."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("tars", help="a path, a URL or a pattern")
    options.add_argument("index", type=user_path, help="the .parquet or .json file to write")
    options.add_argument("--image-key", help="extension of the image, where samples hold several")
    chosen = options.parse_args(arguments)
    dataset = WebDatasetTars(chosen.tars, chosen.image_key)
    write_index(dataset, chosen.index)
    print(f"{len(dataset):,} samples in {chosen.index}")


if __name__ == "__main__":
    main()
