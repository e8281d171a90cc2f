"""The gate: planted regressions are caught, repeats and pure noise pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from vtbench.core.errors import NotComparableError, UsageError
from vtbench.results.comparing.baseline import write_baseline
from vtbench.results.comparing.baseline_update import opened, updated
from vtbench.results.comparing.check import CheckReport, Finding, check
from vtbench.results.comparing.junit import junit_text
from vtbench.results.comparing.measurement import Measurement, from_record
from vtbench.results.comparing.sources import load_measurements
from vtbench.results.comparing.verdict import judge

Rows = dict[str, Any]
Planted = Callable[..., CheckReport]
N = 48


@pytest.fixture
def baseline(runs: ModuleType, tmp_path: Path) -> Path:
    """A baseline file of one run, as ``--update`` writes it."""
    run = runs.write_run(tmp_path / "before", runs.samples_of(runs.columns(N)))
    write_baseline(updated(opened(tmp_path / "baseline.json"), load_measurements(run)), tmp_path / "baseline.json")
    return tmp_path / "baseline.json"


@pytest.fixture
def planted(runs: ModuleType, baseline: Path, tmp_path: Path) -> Planted:
    """``planted(change, failed=(), **record)``: the baseline's rows, changed, checked against it."""

    def make(change: Callable[[Rows], Rows] = dict, failed: tuple[int, ...] = (), **record: Any) -> CheckReport:
        samples = runs.samples_of(change(dict(runs.columns(N))), failed)
        return check([runs.write_run(tmp_path / "after", samples, **record)], baseline)

    return make


def verdicts(report: CheckReport) -> dict[str, str]:
    return {finding.metric: finding.verdict for finding in report.findings}


def found(report: CheckReport, metric: str) -> Finding:
    return next(finding for finding in report.findings if finding.metric == metric)


def test_the_same_run_passes(planted: Planted) -> None:
    report = planted()
    assert report.exit_code == 0 and set(verdicts(report).values()) == {"ok"}
    assert all(finding.difference == 0 for finding in report.findings)


def test_a_tenth_of_a_decibel_on_every_image_is_caught(planted: Planted) -> None:
    report = planted(lambda rows: {**rows, "psnr": rows["psnr"] - 0.1, "mse": rows["mse"] * 10**0.01})
    assert report.exit_code == 1
    assert [name for name, verdict in verdicts(report).items() if verdict == "regression"] == ["psnr", "psnr_pooled"]
    assert found(report, "psnr").difference == pytest.approx(-0.1)


def test_a_point_of_character_errors_is_caught(planted: Planted) -> None:
    def change(rows: Rows) -> Rows:
        wanted = round(0.01 * rows["text_length"].sum())
        more = np.zeros(N)
        more[np.arange(wanted) % N] += 1
        extra = np.bincount(np.arange(wanted) % N, minlength=N)
        return {**rows, "text_edits": rows["text_edits"] + extra}

    report = planted(change)
    assert report.exit_code == 1 and found(report, "cer").verdict == "regression"
    assert found(report, "cer").difference == pytest.approx(0.01, abs=1e-4)


def test_a_dropped_sample_is_caught_and_named(runs: ModuleType, planted: Planted, baseline: Path) -> None:
    report = planted(failed=(7,))
    assert report.exit_code == 1
    assert found(report, "coverage").why == "1 no longer scored: image-00007"
    assert found(report, "psnr").verdict == "ok", "the values of the others are what they were"
    rows = {name: column[:-1] for name, column in runs.columns(N).items()}
    shorter = runs.write_run(baseline.parent / "shorter", runs.samples_of(rows))
    assert found(check([shorter], baseline), "coverage").why == f"1 no longer scored: image-{N - 1:05d}"


@pytest.mark.parametrize("kept", [True, False], ids=["rows", "no rows"])
def test_one_more_failure_is_caught(runs: ModuleType, tmp_path: Path, kept: bool) -> None:
    before = runs.write_run(tmp_path / "a", runs.samples_of(runs.columns(N)), rows=kept)
    after = runs.write_run(tmp_path / "b", runs.samples_of(runs.columns(N), failed=(0, 1)), rows=kept)
    report = check([after], before)
    assert report.exit_code == 1 and found(report, "coverage").why.startswith("2 no longer scored")


def test_what_is_not_a_number_is_caught(runs: ModuleType, planted: Planted) -> None:
    results = runs.results_of(runs.samples_of(runs.columns(N)))
    nan = [{**result, "value": math.nan} if result["metric"] == "kid_efflite0" else result for result in results]
    report = planted(results=nan)
    assert report.exit_code == 1 and found(report, "kid_efflite0").why == "not a number now"
    report = planted(lambda rows: {**rows, "ssim": np.where(np.arange(N) == 3, np.nan, rows["ssim"])})
    assert found(report, "ssim").verdict == "regression"
    assert found(report, "ssim").why == "1 sample without a value now"


def test_a_missing_metric_is_caught(planted: Planted) -> None:
    report = planted(lambda rows: {name: column for name, column in rows.items() if name != "lpips_alex"})
    assert report.exit_code == 1 and found(report, "lpips_alex").why == "missing now"


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"task": {"protocol_id": "grains-mini@2+0a1b2c3d"}}, "protocol grains-mini@1+0a1b2c3d, now grains-mini@2"),
        ({"data": {"fingerprint": "1" * 64}}, "data feedc0defeed, now 111111111111"),
    ],
)
def test_another_protocol_or_data_set_is_not_compared(planted: Planted, record: Rows, told: str) -> None:
    report = planted(lambda rows: {**rows, "psnr": rows["psnr"] - 9}, **record)
    assert report.exit_code == 3
    assert [finding.metric for finding in report.findings] == ["protocol"] and told in report.findings[0].why


def test_another_version_of_a_metric_is_not_compared(runs: ModuleType, planted: Planted) -> None:
    results = runs.results_of(runs.samples_of(runs.columns(N)))
    report = planted(results=[{**r, "version": 2} if r["metric"] == "ssim" else r for r in results])
    assert report.exit_code == 3 and found(report, "ssim").why == "version 1 of the metric, now 2"


def test_a_change_must_be_larger_than_the_tolerance(planted: Planted) -> None:
    report = planted(lambda rows: {**rows, "psnr": rows["psnr"] - 0.04})
    assert report.exit_code == 0 and found(report, "psnr").why == "within the tolerance"


def test_a_change_must_be_real(planted: Planted) -> None:
    def change(rows: Rows) -> Rows:
        noise = np.random.default_rng(0).normal(0, 2, N)
        return {**rows, "psnr": rows["psnr"] + noise - noise.mean() - 0.2}

    report = planted(change)
    psnr = found(report, "psnr")
    assert report.exit_code == 0 and psnr.why.startswith("not told from noise: paired on 48 samples")
    assert psnr.ci_low is not None and psnr.ci_high is not None and psnr.ci_low < -0.2 < 0 < psnr.ci_high


def test_a_perfect_copy_spoilt_is_always_caught(runs: ModuleType, tmp_path: Path) -> None:
    perfect = {"psnr": np.full(N, np.inf)}
    before = runs.write_run(tmp_path / "a", runs.samples_of(perfect))
    one_bad = runs.write_run(tmp_path / "b", runs.samples_of({"psnr": np.where(np.arange(N) == 5, 40.0, np.inf)}))
    report = check([one_bad], before)
    assert report.exit_code == 1 and found(report, "psnr").why == "1 sample no longer reproduced perfectly"
    assert check([before], before).exit_code == 0


def test_a_gain_passes_and_is_told(planted: Planted) -> None:
    report = planted(lambda rows: {**rows, "ssim": rows["ssim"] + 0.01})
    assert report.exit_code == 0 and found(report, "ssim").verdict == "better"


def test_a_rate_that_moved_is_told(planted: Planted) -> None:
    report = planted(lambda rows: {**rows, "bits_per_pixel": rows["bits_per_pixel"] * 2})
    assert report.exit_code == 0 and found(report, "bits_per_pixel").verdict == "changed"


def test_fifty_reruns_with_float_noise_pass(planted: Planted) -> None:
    """What other batch sizes and thread counts do: a few parts in a million, on every row, often in one direction."""
    for seed in range(50):
        generator = np.random.default_rng(seed)

        def change(rows: Rows, generator: np.random.Generator = generator) -> Rows:
            drift = 1 + 1e-6 * generator.uniform(-1, 1)
            return {
                name: column
                if name.startswith(("text", "floor"))
                else column * drift * (1 + generator.normal(0, 1e-6, N))
                for name, column in rows.items()
            }

        report = planted(change)
        assert report.exit_code == 0, (seed, verdicts(report))


@pytest.mark.parametrize("n", [8, 48])
def test_pure_noise_rarely_fails(runs: ModuleType, tmp_path: Path, n: int) -> None:
    """Two draws of one distribution, two hundred times, five independent metrics, tolerances far below the noise."""
    names = ("psnr", "ssim", "mae", "lpips_alex")
    alarms = exceeded = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        base = runs.columns(n, seed)
        first, second = (
            {name: base[name] + generator.normal(0, 0.2, n) for name in names} | {"mse": generator.gamma(4, 25, n)}
            for _ in range(2)
        )
        sides = [measurement(runs, rows) for rows in (first, second)]
        keys = [(name, "all") for name in (*names, "psnr_pooled")]
        told = [judge(sides[0], sides[1], key, 0.025 / len(keys)) for key in keys]
        alarms += any(verdict.verdict == "regression" for verdict in told)
        exceeded += any(verdict.difference and abs(verdict.difference) > (verdict.tolerance or 0) for verdict in told)
    assert exceeded > 190, "tolerances do not do the work here"
    assert alarms <= 10, f"{alarms} of 200"


def measurement(runs: ModuleType, rows: Rows) -> Measurement:
    samples = runs.samples_of(rows)
    results = [
        result
        for name in runs.IMAGE_METRICS
        if runs.IMAGE_METRICS[name][3] in rows
        for result in [light_result(runs, name, rows)]
    ]
    found = from_record(runs.record_of(samples, results=results), Path("nowhere"))
    return Measurement(**{**found.__dict__, "read_rows": lambda: samples})


def light_result(runs: ModuleType, name: str, rows: Rows) -> Rows:
    """Without an interval: a bootstrap of each would be most of the test's time."""
    from vtbench.results.records.statistics import aggregate

    unit, higher, how, column = runs.IMAGE_METRICS[name]
    value, n, _ = aggregate(rows[column], how)
    return {"metric": name, "value": value, "n": n, "unit": unit, "higher_is_better": higher}


def test_stated_tolerances_come_first(runs: ModuleType, baseline: Path, tmp_path: Path) -> None:
    rows = runs.columns(N)
    run = runs.write_run(tmp_path / "after", runs.samples_of({**rows, "psnr": rows["psnr"] - 0.1}))
    assert check([run], baseline, tolerances={"psnr": 0.2}).exit_code == 0
    assert check([run], baseline, tolerances={"psnr": 0.05}).exit_code == 1
    with pytest.raises(UsageError, match="a tolerance for psmr"):
        check([run], baseline, tolerances={"psmr": 0.2})


def test_several_jobs_at_once(runs: ModuleType, tmp_path: Path) -> None:
    rows = runs.columns(N)
    for label in ("one", "two", "three"):
        runs.write_run(tmp_path / "old" / label, runs.samples_of(rows), label)
    runs.write_run(tmp_path / "new" / "one", runs.samples_of(rows), "one")
    runs.write_run(tmp_path / "new" / "two", runs.samples_of({**rows, "ssim": rows["ssim"] - 0.05}), "two")
    runs.write_run(tmp_path / "new" / "four", runs.samples_of(rows), "four")
    report = check([tmp_path / "new"], tmp_path / "old")
    told = {(finding.model, finding.metric): finding.verdict for finding in report.findings}
    assert told["one", "ssim"] == "ok" and told["two", "ssim"] == "regression"
    assert told["four", "coverage"] == "new"
    assert told["three", "coverage"] == "regression", "in the baseline, and not measured now"
    assert check([tmp_path / "new" / "one"], tmp_path / "old").exit_code == 0
    alone = runs.write_run(tmp_path / "alone", runs.samples_of(rows), task={"name": "elsewhere"})
    with pytest.raises(NotComparableError, match="has a counterpart"):
        check([alone], tmp_path / "old")


def test_a_regression_outranks_what_does_not_compare(runs: ModuleType, tmp_path: Path) -> None:
    rows = runs.columns(N)
    for label in ("one", "two"):
        runs.write_run(tmp_path / "old" / label, runs.samples_of(rows), label)
    runs.write_run(tmp_path / "new" / "one", runs.samples_of(rows), "one", data={"fingerprint": "3" * 64})
    runs.write_run(tmp_path / "new" / "two", runs.samples_of({**rows, "ssim": rows["ssim"] - 0.05}), "two")
    report = check([tmp_path / "new"], tmp_path / "old")
    assert report.exit_code == 1 and report.count("not comparable") == 1


def test_beside_a_regression_it_says_what_else_changed(runs: ModuleType, planted: Planted) -> None:
    environment = {"packages": {"torch": "2.6", "numpy": "2"}}
    report = planted(lambda rows: {**rows, "psnr": rows["psnr"] - 1}, environment=environment)
    assert report.changes == ("grains on grains-mini: torch 2.5 → 2.6, numpy none → 2",)
    assert planted(environment=environment).changes == ()


def test_junit_is_well_formed_whatever_the_names(runs: ModuleType, tmp_path: Path) -> None:
    name = "./a&b<c>\"d\".py:T,k='é\x07'"
    rows = runs.columns(N)
    before = runs.write_run(tmp_path / "a", runs.samples_of(rows), name)
    after = runs.write_run(tmp_path / "b", runs.samples_of({**rows, "ssim": rows["ssim"] - 0.05}), name)
    report = check([after], before)
    root = ElementTree.fromstring(junit_text(report.findings).encode())
    cases = root.findall("testsuite/testcase")
    assert len(cases) == len(report.findings) == int(root.get("tests", ""))
    failed = [case.get("name") for case in cases if case.find("failure") is not None]
    assert failed == ["ssim"] and root.get("failures") == "1" and root.get("errors") == "0"
    assert cases[0].get("classname") == f"grains-mini.{name}".replace("\x07", "\ufffd")
