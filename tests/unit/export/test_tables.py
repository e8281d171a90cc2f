"""CSV and Parquet hold the project's frames, whole, harmless and once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import vtbench
from vtbench.export.destinations import export_runs
from vtbench.results.tables.frames import METRICS_COLUMNS, RUNS_COLUMNS, TIME, csv_dtypes

MakeRun = Callable[..., Path]


def frames(folder: Path) -> dict[str, pd.DataFrame]:
    return {
        "runs": vtbench.runs_frame(folder),
        "metrics": vtbench.metrics_frame(folder),
        "samples": vtbench.samples_frame(folder),
    }


def test_parquet_is_read_back_as_the_frames(make_run: MakeRun, tmp_path: Path) -> None:
    root = make_run("runs/a").parent
    make_run("runs/b", "sand", shift=1.0)
    for _ in range(2):
        written = export_runs(root, "parquet", dest=str(tmp_path / "out"))
    for name, frame in frames(root).items():
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / f"{name}.parquet"), frame)
    assert [entry.rows for entry in written] == [len(frame) for frame in frames(root).values()]


def test_csv_is_read_back_with_the_documented_dtypes(make_run: MakeRun, tmp_path: Path) -> None:
    root = make_run("runs/a").parent
    for _ in range(2):
        export_runs([root], "csv", dest=str(tmp_path / "out"))
    times = [name for name, dtype in RUNS_COLUMNS.items() if dtype == TIME]
    kept = {"runs": (RUNS_COLUMNS, times), "metrics": (METRICS_COLUMNS, [])}
    for name, (columns, dates) in kept.items():
        read = pd.read_csv(tmp_path / "out" / f"{name}.csv", dtype=csv_dtypes(columns), parse_dates=dates)
        pd.testing.assert_frame_equal(read.astype(columns), frames(root)[name])
    assert len(pd.read_csv(tmp_path / "out" / "samples.csv")) == 8


def test_no_cell_is_a_formula_and_no_credential_leaves(make_run: MakeRun, tmp_path: Path) -> None:
    secret = "hf_" + "b" * 30
    root = make_run("runs/a", '=HYPERLINK("x")', model={"reference": f"mine,token={secret}"}).parent
    for form in ("csv", "parquet"):
        export_runs(root, form, dest=str(tmp_path / "out"))
    rows = pd.read_csv(tmp_path / "out" / "metrics.csv")
    assert set(rows["model"]) == {'\'=HYPERLINK("x")'} and (rows["value"] == frames(root)["metrics"]["value"]).all()
    assert all(secret.encode() not in file.read_bytes() for file in (tmp_path / "out").iterdir())
    assert set(pd.read_parquet(tmp_path / "out" / "runs.parquet")["reference"]) == {"mine,token=***"}


def test_records_in_memory_have_no_rows_of_images(make_run: MakeRun, tmp_path: Path) -> None:
    records = vtbench.load_records(make_run())
    export_runs(records, "parquet", dest=str(tmp_path / "out"))
    samples = pd.read_parquet(tmp_path / "out" / "samples.parquet")
    assert samples.empty and list(samples.columns) == list(vtbench.samples_frame(make_run("b")).columns)[:12]


@pytest.mark.parametrize("to", ["csv", "parquet"])
def test_the_default_is_a_folder_of_its_own(
    to: str, make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    export_runs(make_run(), to)
    assert sorted(file.name for file in Path("exported", to).iterdir()) == [
        f"{n}.{to}" for n in ("metrics", "runs", "samples")
    ]
