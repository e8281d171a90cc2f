from __future__ import annotations

import hashlib
import io
import pickle
import resource
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from vtbench.core.errors import SampleError, UsageError
from vtbench.data.sources.parquet import ParquetShards


@pytest.fixture
def encoded(photo: np.ndarray) -> list[bytes]:
    pictures = []
    for shift in range(7):
        buffer = io.BytesIO()
        Image.fromarray(np.roll(photo, shift, axis=0)).save(buffer, format="PNG")
        pictures.append(buffer.getvalue())
    return pictures


def write(path: Path, cells: list[object], kind: pa.DataType) -> Path:
    pq.write_table(pa.table({"image": pa.array(cells, kind), "n": list(range(len(cells)))}), path, row_group_size=2)
    return path


STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), STRUCT])
def test_one_file_and_shards_give_the_same_samples(
    tmp_path: Path, encoded: list[bytes], photo: np.ndarray, kind: pa.DataType
) -> None:
    cells: list[object] = [{"bytes": data, "path": None} for data in encoded] if kind == STRUCT else list(encoded)
    whole = ParquetShards(write(tmp_path / "all.parquet", cells, kind))
    (tmp_path / "shards/more").mkdir(parents=True)
    write(tmp_path / "shards/a.parquet", cells[:3], kind)
    write(tmp_path / "shards/more/b.parquet", cells[3:], kind)
    shards = ParquetShards(tmp_path / "shards")
    assert whole.ids == shards.ids == tuple(f"{row:08d}" for row in range(7))
    assert whole.fingerprint == shards.fingerprint
    for index in (6, 0, 3, 2, 5):  # any order
        expected = np.roll(photo, index, axis=0)
        for dataset in (whole, shards, pickle.loads(pickle.dumps(whole))):
            assert np.array_equal(dataset[index].image.permute(1, 2, 0).numpy(), expected)


def test_a_row_without_an_image_is_a_sample_error(tmp_path: Path, encoded: list[bytes]) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(encoded[0])
    cells: list[object] = [{"bytes": None, "path": str(secret)}, {"bytes": encoded[1], "path": None}, None]
    dataset = ParquetShards(write(tmp_path / "x.parquet", cells, STRUCT))
    for index in (0, 2):  # a table must not name files of this machine
        with pytest.raises(SampleError, match=f"^{index:08d}: the row holds no image bytes"):
            dataset[index]
    assert dataset[1].image.shape[0] == 3
    assert len(dataset.fingerprint) == 64


def test_what_is_wrong_is_told(tmp_path: Path, encoded: list[bytes]) -> None:
    with pytest.raises(UsageError, match="no Parquet files"):
        ParquetShards(tmp_path)
    file = write(tmp_path / "x.parquet", list(encoded), pa.binary())
    with pytest.raises(UsageError, match=r"no column 'picture'[\s\S]*image, n"):
        ParquetShards(file, image_column="picture")
    with pytest.raises(UsageError, match="not encoded images"):
        ParquetShards(file, image_column="n")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UsageError, match=r"cannot read .*x\.parquet"):
        ParquetShards(file)
    write(file, [], pa.binary())
    with pytest.raises(UsageError, match="no rows"):
        ParquetShards(file)


def test_a_damaged_row_group_costs_its_own_samples(tmp_path: Path, encoded: list[bytes]) -> None:
    path = tmp_path / "rows.parquet"
    data = [encoded[index % 7] + bytes([index]) for index in range(40)]
    pq.write_table(pa.table({"image": pa.array(data, pa.binary())}), path, row_group_size=20, compression="none")
    whole = bytearray(path.read_bytes())
    column = pq.ParquetFile(path).metadata.row_group(1).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    whole[start : start + 40] = b"\xff" * 40
    path.write_bytes(whole)
    rows = ParquetShards(path)
    assert rows[19].image.shape[0] == 3
    with pytest.raises(SampleError, match=r"00000025: row 5 of row group 1 of .*rows\.parquet cannot be read"):
        rows[25]
    assert rows.content_digest(25) == "unreadable" and rows.content_digest(3) != "unreadable"


def test_rows_are_read_in_any_order(tmp_path: Path, encoded: list[bytes]) -> None:
    path = tmp_path / "rows.parquet"
    data = [encoded[index % 7] + bytes([index]) for index in range(50)]
    pq.write_table(pa.table({"image": pa.array(data, pa.binary())}), path, row_group_size=40)
    rows = ParquetShards(path)
    for index in (0, 17, 3, 49, 40, 39, 0):
        assert rows.content_digest(index) == hashlib.sha256(data[index]).hexdigest()


def test_a_dictionary_that_unfolds_to_gigabytes_is_read_row_by_row(tmp_path: Path, encoded: list[bytes]) -> None:
    path = tmp_path / "rows.parquet"
    big = encoded[0] + bytes(200_000)
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), pa.array([big], pa.binary()))
    pq.write_table(pa.table({"image": column}), path, store_schema=False)
    assert path.stat().st_size < 1 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = ParquetShards(path)
    assert rows._cell(3) == big and len(rows) == 20_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10


def test_a_column_given_twice_is_refused(tmp_path: Path, encoded: list[bytes]) -> None:
    column = pa.array(encoded[:2], pa.binary())
    pq.write_table(pa.table([column, column], names=["image", "image"]), tmp_path / "p.parquet")
    with pytest.raises(UsageError, match=r"p.parquet has several columns 'image'"):
        ParquetShards(tmp_path / "p.parquet")
