"""Baselines: exact, self-contained, updated job by job, and calibrated by repeats."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats

from vtbench.core.errors import NotComparableError, UsageError, VtbenchError
from vtbench.results.comparing.baseline import is_baseline, read_baseline, write_baseline
from vtbench.results.comparing.baseline_update import calibrated, opened, updated
from vtbench.results.comparing.check import CheckReport, Finding, check
from vtbench.results.comparing.sources import load_measurements

N = 48


@pytest.fixture
def baseline(runs: ModuleType, tmp_path: Path) -> Path:
    """A baseline file of one run, as ``--update`` writes it."""
    run = runs.write_run(tmp_path / "before", runs.samples_of(runs.columns(N)))
    write_baseline(updated(opened(tmp_path / "baseline.json"), load_measurements(run)), tmp_path / "baseline.json")
    return tmp_path / "baseline.json"


def found(report: CheckReport, metric: str) -> Finding:
    return next(finding for finding in report.findings if finding.metric == metric)


def with_value(runs: ModuleType, folder: Path, value: float, **ends: Any) -> Path:
    samples = runs.samples_of(runs.columns(N))
    results = [result for result in runs.results_of(samples) if result["metric"] != "kid_efflite0"]
    set_metric = {"metric": "kid_efflite0", "value": value, "n": N, "higher_is_better": False, **ends}
    return Path(runs.write_run(folder, samples, results=[*results, set_metric]))


def test_a_set_metric_is_held_to_its_measured_repeatability(runs: ModuleType, tmp_path: Path) -> None:
    values = (0.0100, 0.0102, 0.0099, 0.0103)
    repeats = [with_value(runs, tmp_path / "repeats" / str(value), value) for value in values]
    path = tmp_path / "baseline.json"
    measured = [found for run in repeats for found in load_measurements(run)]
    write_baseline(calibrated(opened(path), measured), path)
    stored = read_baseline(path).jobs[0]
    assert stored.repeats[0].values == values and {entry.metric for entry in stored.repeats} == {"kid_efflite0"}

    tests = 8  # metrics with a direction
    spread = float(np.std(values, ddof=1))
    margin = stats.t.ppf(1 - 0.025 / tests, 3) * spread * math.sqrt(2)
    near, far = (with_value(runs, tmp_path / name, 0.01 + k * margin) for name, k in (("near", 0.98), ("far", 1.02)))
    assert check([near], path).exit_code == 0
    report = check([far], path)
    assert report.exit_code == 1 and found(report, "kid_efflite0").why.startswith("4 repeats allow 0.00")


def test_without_repeats_the_intervals_or_the_tolerance_decide_and_it_says_so(runs: ModuleType, tmp_path: Path) -> None:
    wide = {"ci_method": "jackknife"}
    before = with_value(runs, tmp_path / "a", 0.01, ci_low=0.008, ci_high=0.012, **wide)
    within = with_value(runs, tmp_path / "b", 0.012, ci_low=0.01, ci_high=0.014, **wide)
    beyond = with_value(runs, tmp_path / "c", 0.014, ci_low=0.012, ci_high=0.016, **wide)
    assert "not told from noise: unpaired" in found(check([within], before), "kid_efflite0").why
    report = check([beyond], before)
    assert report.exit_code == 1 and "unpaired" in found(report, "kid_efflite0").why
    bare = [with_value(runs, tmp_path / name, value) for name, value in (("d", 0.01), ("e", 0.0102))]
    report = check([bare[1]], bare[0])
    assert report.exit_code == 1 and "the tolerance alone decides" in found(report, "kid_efflite0").why


def test_repeats_must_be_repeats(runs: ModuleType, tmp_path: Path) -> None:
    samples = runs.samples_of(runs.columns(N))
    one = load_measurements(runs.write_run(tmp_path / "a", samples))
    other = load_measurements(runs.write_run(tmp_path / "b", samples, data={"fingerprint": "2" * 64}))
    with pytest.raises(UsageError, match="a spread needs 2"):
        calibrated(opened(tmp_path / "none.json"), one)
    with pytest.raises(NotComparableError, match="is no repeat of grains"):
        calibrated(opened(tmp_path / "none.json"), [*one, *other])


def test_a_baseline_is_self_contained_small_and_exact(runs: ModuleType, baseline: Path) -> None:
    (stored,) = load_measurements(baseline)
    (measured,) = load_measurements(baseline.parent / "before")
    assert stored.results == measured.results and stored.rows is not None and measured.rows is not None
    for name, column in measured.rows.metrics.items():
        np.testing.assert_array_equal(stored.rows.metrics[name], column)
    assert stored.rows.ids == tuple(measured.rows.ids) and list(stored.rows.strata) == ["glyph_px"]
    assert (stored.rows.height == 64).all() and stored.tolerances == runs.TOLERANCES
    assert baseline.stat().st_size < 40_000


def test_rows_that_are_infinite_missing_or_failed_survive(runs: ModuleType, tmp_path: Path) -> None:
    psnr = np.array([np.inf, 31.5, np.nan, 20.125, -0.0, 1e-300])
    run = runs.write_run(tmp_path / "run", runs.samples_of({"psnr": psnr}, failed=(3,)))
    write_baseline(updated(opened(tmp_path / "b.json"), load_measurements(run)), tmp_path / "b.json")
    (stored,) = load_measurements(tmp_path / "b.json")
    assert stored.rows is not None
    np.testing.assert_array_equal(stored.rows.metrics["psnr"], np.where(np.arange(6) == 3, np.nan, psnr))
    assert stored.rows.status[3] == "failed" and check([run], tmp_path / "b.json").exit_code == 0


def test_update_replaces_one_job_and_keeps_the_others(runs: ModuleType, baseline: Path, tmp_path: Path) -> None:
    rows = runs.columns(N)
    other = runs.write_run(tmp_path / "other", runs.samples_of(rows), "other")
    better = runs.write_run(tmp_path / "better", runs.samples_of({**rows, "psnr": rows["psnr"] + 1}))
    for run in (other, better):
        write_baseline(updated(opened(baseline), load_measurements(run)), baseline)
    jobs = {job.model: job for job in read_baseline(baseline).jobs}
    assert set(jobs) == {"grains", "other"} and check([better], baseline).exit_code == 0
    assert check([other], baseline).exit_code == 0, "a single run: the other jobs are not missed"
    assert not list(tmp_path.glob(".*partial"))
    with pytest.raises(UsageError, match="more than once"):
        updated(opened(baseline), [*load_measurements(better), *load_measurements(better)])


def test_repeats_outlive_an_update_of_the_same_protocol_only(runs: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    measured = [load_measurements(with_value(runs, tmp_path / str(v), v))[0] for v in (0.01, 0.011)]
    write_baseline(calibrated(opened(path), measured), path)
    assert updated(opened(path), measured[:1]).jobs[0].repeats
    samples = runs.samples_of(runs.columns(N))
    moved = runs.write_run(tmp_path / "moved", samples, task={"protocol_id": "grains-mini@2+00000000"})
    assert not updated(opened(path), load_measurements(moved)).jobs[0].repeats


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ('{"kind": "vtbench baseline", "schema_version": 99}', VtbenchError, "layout 99"),
        ('{"kind": "vtbench baseline", "jobs": [{"model": "x"}]}', VtbenchError, "jobs.0"),
        ("[1, 2", VtbenchError, "JSON"),
    ],
)
def test_a_broken_baseline_is_refused(
    runs: ModuleType, tmp_path: Path, text: str, error: type[Exception], told: str
) -> None:
    (tmp_path / "b.json").write_text(text)
    run = runs.write_run(tmp_path / "run", runs.samples_of(runs.columns(4)))
    with pytest.raises(error, match=told):
        check([run], tmp_path / "b.json")


def test_a_job_that_was_edited_since_is_refused_by_name(runs: ModuleType, baseline: Path, tmp_path: Path) -> None:
    other = runs.write_run(tmp_path / "other", runs.samples_of(runs.columns(N)), "other")
    write_baseline(updated(opened(baseline), load_measurements(other)), baseline)
    whole = json.loads(baseline.read_text())
    for change in ({"tolerances": {"psnr": 99.0}}, {"results": []}, {"n_failed": 1}):
        first, second = whole["jobs"]
        baseline.write_text(json.dumps({**whole, "jobs": [first, {**second, **change}]}))
        with pytest.raises(VtbenchError, match=r"baseline.json is damaged, or was edited: other on grains-mini is not"):
            check([other], baseline)


def test_jobs_of_two_branches_and_of_earlier_versions_are_read(runs: ModuleType, baseline: Path) -> None:
    whole = json.loads(baseline.read_text())
    (job,) = whole["jobs"]
    unsealed = {key: value for key, value in job.items() if key != "sha256"}
    baseline.write_text(json.dumps({**whole, "jobs": [job, {**unsealed, "model": "of a branch"}]}))
    assert [job.model for job in read_baseline(baseline).jobs] == ["grains", "of a branch"]


def test_a_flipped_bit_is_told_or_is_none(baseline: Path) -> None:
    before, data, draw = read_baseline(baseline), baseline.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(200):
        flipped = bytearray(data)
        flipped[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        baseline.write_bytes(flipped)
        try:
            assert read_baseline(baseline) == before
        except VtbenchError as problem:
            told = str(problem)
            refused += 1
        else:
            continue
        assert baseline.name in told
    assert refused > 150


def test_only_a_baseline_is_written_over(runs: ModuleType, tmp_path: Path) -> None:
    run = runs.write_run(tmp_path / "run", runs.samples_of(runs.columns(4)))
    with pytest.raises(UsageError, match="is no baseline"):
        opened(run / "record.json")
    assert not is_baseline(run / "record.json") and not is_baseline(run)
