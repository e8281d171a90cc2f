from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from vtbench.core.errors import SampleError, UsageError
from vtbench.data.parquet import ParquetShards


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
