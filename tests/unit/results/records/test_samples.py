import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.results.records.samples import Samples, join_samples, read_samples, write_samples


def some(n=3, start=0, **metrics):
    return Samples(
        ids=[f"a/{i}" for i in range(start, start + n)],
        index=np.arange(start, start + n),
        status=["scored"] * (n - 1) + ["failed"],
        stage=[""] * (n - 1) + ["decode"],
        message=[""] * (n - 1) + ["cut short"],
        height=np.array([256] * (n - 1) + [0], dtype=np.int32),
        width=np.array([384] * (n - 1) + [0], dtype=np.int32),
        metrics=metrics or {"psnr": np.array([math.inf, 27.1, math.nan]), "mse": np.array([0.0, 0.1 + 0.2, math.nan])},
    )


def test_rows_are_read_back_bit_by_bit(tmp_path):
    write_samples(some(), tmp_path / "deep" / "samples.parquet")
    back = read_samples(tmp_path / "deep" / "samples.parquet")
    assert list(back.ids) == ["a/0", "a/1", "a/2"] and len(back) == 3
    assert list(back.status) == ["scored", "scored", "failed"] and back.message[2] == "cut short"
    for name, column in some().metrics.items():
        assert back.metrics[name].tobytes() == column.tobytes()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["samples.parquet"]


def test_the_schema_is_the_documented_one(tmp_path):
    write_samples(some(), tmp_path / "samples.parquet")
    schema = pq.read_schema(tmp_path / "samples.parquet")
    kinds = {entry.name: str(entry.type) for entry in schema}
    assert kinds == {
        "id": "string", "index": "int64", "status": "string", "stage": "string", "message": "string",
        "height": "int32", "width": "int32", "psnr": "double", "mse": "double",
    }  # fmt: skip


def test_equal_rows_are_equal_files(tmp_path):
    for name in ("a", "b"):
        write_samples(some(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_rows_without_metrics_and_no_rows_at_all(tmp_path):
    empty = join_samples([])
    write_samples(empty, tmp_path / "empty")
    assert len(read_samples(tmp_path / "empty")) == 0


def test_blocks_join_in_order_whatever_the_cut(tmp_path):
    first, second = some(psnr=np.arange(3.0)), some(start=3, psnr=np.arange(3.0, 6.0), ssim=np.ones(3))
    joined = join_samples([first, second])
    assert list(joined.ids) == [f"a/{i}" for i in range(6)] and joined.index.tolist() == list(range(6))
    assert joined.metrics["psnr"].tolist() == list(range(6))
    assert np.isnan(joined.metrics["ssim"][:3]).all() and joined.metrics["ssim"][3:].tolist() == [1, 1, 1]
    assert (joined.index.dtype, joined.height.dtype) == (np.int64, np.int32)
    with pytest.raises(ValueError, match="not unique: a/0"):
        join_samples([first, first])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"metrics": {"psnr": np.zeros(2)}}, "unequal length"),
        ({"metrics": {"width": np.zeros(3)}}, "width"),
        ({"status": ["scored", "lost", "failed"]}, "lost"),
        ({"ids": ["x", "y", "x"]}, "not unique: x"),
    ],
)
def test_senseless_rows_are_refused(change, problem):
    with pytest.raises(ValueError, match=problem):
        Samples(**{**vars(some()), **change})


def test_unreadable_files_are_told_with_their_path(tmp_path):
    with pytest.raises(UsageError, match="absent"):
        read_samples(tmp_path / "absent")
    (tmp_path / "text").write_text("no parquet")
    pq.write_table(pa.table({"id": ["a"], "psnr": [1.0]}), tmp_path / "other")
    for name in ("text", "other"):
        with pytest.raises(VtbenchError, match=name):
            read_samples(tmp_path / name)


@pytest.mark.parametrize("column", ["id", "status", "index", "psnr"])
def test_a_cell_without_a_value_is_damage(tmp_path, column):
    write_samples(some(), tmp_path / "s.parquet")
    table = pq.read_table(tmp_path / "s.parquet")
    field = table.schema.field(column)
    holed = pa.array([None, *table[column].to_pylist()[1:]], field.type)
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, field.with_nullable(True), holed), tmp_path / "s.parquet")
    with pytest.raises(VtbenchError, match=rf"s.parquet does not hold rows .*: no value in a cell of '{column}'"):
        read_samples(tmp_path / "s.parquet")


def test_a_column_given_twice_is_damage(tmp_path):
    write_samples(some(), tmp_path / "s.parquet")
    table = pq.read_table(tmp_path / "s.parquet")
    pq.write_table(table.append_column("psnr", table["psnr"]), tmp_path / "s.parquet")
    with pytest.raises(VtbenchError, match=r"s.parquet does not hold rows of samples: several columns 'psnr'"):
        read_samples(tmp_path / "s.parquet")
