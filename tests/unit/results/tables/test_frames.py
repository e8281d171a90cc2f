import math

import numpy as np
import pandas as pd
import pytest

from vtbench.core.errors import UsageError
from vtbench.results.records.record import write_record
from vtbench.results.records.samples import Samples, write_samples
from vtbench.results.tables import frames
from vtbench.results.tables.frames import metrics_frame, runs_frame, samples_frame


@pytest.fixture
def records(make_record):
    return [
        make_record("identity", perfect=True),
        make_record("jpeg,quality=10", seed=1, code={"git_commit": None, "git_dirty": None}),
        make_record("x", results=[{"metric": "psnr", "stratum": "dark", "value": math.nan, "n": 0, "unit": "dB"}]),
    ]


def dtypes(frame):
    return {name: str(kind) for name, kind in frame.dtypes.items()}


FRAMES = {
    "runs": (runs_frame, frames.RUNS_COLUMNS),
    "metrics": (metrics_frame, frames.METRICS_COLUMNS),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_columns_and_dtypes_are_the_documented_ones_even_when_empty(records, kind):
    build, columns = FRAMES[kind]
    for given in (records, []):
        assert dtypes(build(given)) == columns
    assert len(build([])) == 0
    assert len(pd.concat([build([]), build(records)])) == len(build(records))


@pytest.mark.parametrize("kind", FRAMES)
def test_a_path_stands_for_its_records(records, kind, tmp_path):
    build, _ = FRAMES[kind]
    for number, record in enumerate(records):
        write_record(record, tmp_path / str(number) / "record.json")
    for given in (tmp_path, str(tmp_path)):
        pd.testing.assert_frame_equal(build(given), build(records))
    assert len(runs_frame(tmp_path / "1")) == 1
    with pytest.raises(UsageError, match="does not exist"):
        build(tmp_path / "nowhere")


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_survive_csv_and_parquet(records, kind, tmp_path):
    build, columns = FRAMES[kind]
    frame = build(records)
    times = [name for name, dtype in columns.items() if dtype == frames.TIME]
    frame.to_csv(tmp_path / "f.csv", index=False)
    back = pd.read_csv(tmp_path / "f.csv", dtype=frames.csv_dtypes(columns), parse_dates=times)
    back = back.astype(dict.fromkeys(times, frames.TIME))
    pd.testing.assert_frame_equal(back, frame, rtol=1e-14, atol=0)
    frame.to_parquet(tmp_path / "f.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "f.parquet").astype(columns), frame, check_exact=True)


def test_a_run_is_a_row(records):
    frame = runs_frame(records)
    assert frame["model"].tolist() == ["identity", "jpeg,quality=10", "x"]
    row = frame.iloc[1]
    assert (row["codebook_sizes"], row["input_size"], row["seed"], row["wall_s"]) == ("1024 512", "256", 0, 12.5)
    assert row["run"] == records[1].run_id and row["finished"] == records[1].finished
    assert pd.isna(row["git_commit"]) and pd.isna(row["git_dirty"]) and pd.isna(row["revision"])
    assert bool(frame["git_dirty"].iloc[0]) is True


def test_a_result_is_a_row(records):
    frame = metrics_frame(records)
    assert len(frame) == sum(len(record.results) for record in records)
    psnr = frame[(frame["metric"] == "psnr") & (frame["model"] == "identity")].iloc[0]
    assert psnr["value"] == math.inf and psnr["unit"] == "dB" and psnr["n"] == 64
    usage = frame[frame["metric"] == "codebook_usage"].iloc[0]
    assert math.isnan(usage["ci_low"]) and pd.isna(usage["ci_method"])


def test_the_wide_frame_has_a_row_a_run(records):
    frame = metrics_frame(records, wide=True)
    assert list(frame.columns[:9]) == [
        "run", "model", "task", "protocol_id", "data_fingerprint", "n_scored",
        "bits_per_pixel", "bits_per_pixel_ci_low", "bits_per_pixel_ci_high",
    ]  # fmt: skip
    assert frame["psnr"].tolist()[0] == math.inf and math.isnan(frame["psnr"].tolist()[2])
    assert frame["psnr"][1] == records[1].result("psnr").value
    assert frame["ssim_ci_high"][1] == records[1].result("ssim").ci_high
    assert {"psnr[dark]", "psnr[dark]_ci_low"} <= set(frame.columns)
    assert dtypes(frame)["lpips_alex"] == "float64"
    assert list(metrics_frame([], wide=True).columns) == [*frames.KEY_COLUMNS, "n_scored"]


def rows(n, **metrics):
    size = np.full(n, 256, dtype=np.int32)
    return Samples(
        ids=[f"i{k}" for k in range(n)], index=np.arange(n), status=["scored"] * n, stage=[""] * n, message=[""] * n,
        height=size, width=size, metrics=metrics,
    )  # fmt: skip


def test_samples_of_many_runs_are_one_frame(make_record, tmp_path):
    for name, samples in (
        ("a", rows(3, psnr=np.array([1.0, math.inf, math.nan]))),
        ("b", rows(2, psnr=np.zeros(2), ssim=np.ones(2))),
        ("c", None),
    ):
        write_record(make_record(name), tmp_path / name / "k" / "record.json")
        if samples is not None:
            write_samples(samples, tmp_path / name / "k" / "samples.parquet")
    frame = samples_frame(tmp_path)
    assert frame["model"].tolist() == ["a"] * 3 + ["b"] * 2
    assert dtypes(frame) == {**frames.SAMPLES_COLUMNS, "psnr": "float64", "ssim": "float64"}
    assert frame["psnr"].tolist()[:2] == [1.0, math.inf] and frame["ssim"].isna().tolist() == [True] * 3 + [False] * 2
    assert frame["id"].tolist() == ["i0", "i1", "i2", "i0", "i1"]
    assert len(samples_frame(tmp_path / "b")) == 2
    empty = samples_frame(tmp_path / "c")
    assert len(empty) == 0 and dtypes(empty) == frames.SAMPLES_COLUMNS
    with pytest.raises(UsageError):
        samples_frame(tmp_path / "nowhere")


def test_strata_are_text_beside_runs_without_any(make_record, tmp_path):
    for name, strata in (("a", {}), ("b", {"language": ["fr", ""]})):
        write_record(make_record(name), tmp_path / name / "record.json")
        fixed = {"status": ["scored"] * 2, "stage": [""] * 2, "message": [""] * 2}
        size = {"index": np.arange(2), "height": np.full(2, 8, np.int32), "width": np.full(2, 8, np.int32)}
        rows = Samples(ids=["x", "y"], **fixed, **size, metrics={"psnr": np.array([20.0, math.nan])}, strata=strata)
        write_samples(rows, tmp_path / name / "samples.parquet")
    frame = samples_frame(tmp_path)
    assert list(frame.columns) == [*frames.SAMPLES_COLUMNS, "stratum_language", "psnr"]
    assert dtypes(frame)["stratum_language"] == "string" and dtypes(frame)["psnr"] == "float64"
    assert frame["stratum_language"].isna().tolist() == [True, True, False, True]
