"""Differences of two runs: against the paired statistics they must equal, closed forms, and every refusal."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats

from vtbench.core.errors import NotComparableError, UsageError
from vtbench.results.comparing import tables as comparison_tables
from vtbench.results.comparing.compare import compare
from vtbench.results.comparing.intervals import pair, unpaired_interval
from vtbench.results.comparing.statistics import find_statistic
from vtbench.results.leaderboards.columns import columns_of
from vtbench.results.records import strict_json
from vtbench.results.records.ratios import mean_of_ratios, mean_of_ratios_interval, ratio_difference
from vtbench.results.records.record import read_record
from vtbench.results.records.samples import Samples
from vtbench.results.records.schema import MetricResult
from vtbench.results.records.statistics import paired_bootstrap


@pytest.fixture
def two(runs: ModuleType, tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """``two(change)``: a run, and one whose rows ``change`` made of the first's."""

    def make(change: Callable[[dict[str, Any]], dict[str, Any]], n: int = 48, **record: Any) -> tuple[Path, Path]:
        rows = runs.columns(n)
        before = runs.write_run(tmp_path / "before", runs.samples_of(rows))
        after = runs.write_run(tmp_path / "after", runs.samples_of(change(dict(rows))), **record)
        return before, after

    return make


def by_metric(rows: Any) -> dict[str, Any]:
    return {row.metric: row for row in rows if row.stratum == "all"}


def as_mapping(samples: Samples, column: str) -> Mapping[str, float]:
    return dict(zip(samples.ids, samples.metrics[column].tolist(), strict=True))


@pytest.mark.parametrize(
    ("metric", "column", "how"),
    [("psnr", "psnr", "mean_finite"), ("psnr_pooled", "mse", "pooled_psnr"), ("ssim", "ssim", "mean")],
)
def test_paired_differences_equal_the_paired_bootstrap(runs: ModuleType, metric: str, column: str, how: Any) -> None:
    first, second = (runs.samples_of(runs.columns(50, seed)) for seed in (1, 2))
    results = [runs.record_of(samples).result(metric) for samples in (first, second)]
    found = pair((results[0], first), (results[1], second))
    assert found is not None
    expected = paired_bootstrap(as_mapping(first, column), as_mapping(second, column), how)
    assert found.difference == pytest.approx(expected.difference, rel=1e-12)
    assert found.interval() == pytest.approx((expected.ci_low, expected.ci_high), rel=1e-9)
    assert len(found) == expected.n == 50


def test_paired_rates_equal_the_difference_of_ratios(runs: ModuleType) -> None:
    first, second = (runs.samples_of(runs.columns(50, seed)) for seed in (1, 2))
    rates = [(s.metrics["text_edits"], s.metrics["text_length"]) for s in (first, second)]
    results = [runs.record_of(samples).result("cer") for samples in (first, second)]
    found = pair((results[0], first), (results[1], second))
    expected, ends = ratio_difference(rates[1], rates[0])
    assert found is not None
    assert found.difference == pytest.approx(expected.value, rel=1e-12)
    assert found.interval() == pytest.approx(ends, rel=1e-9)


def test_rows_on_shared_samples_only_and_in_any_order(runs: ModuleType) -> None:
    rows = runs.columns(40)
    before = runs.samples_of(rows)
    turned = {name: column[::-1].copy() for name, column in rows.items()}
    after = runs.samples_of(turned)
    after = Samples(**{**after.__dict__, "ids": before.ids[::-1]})
    result = runs.record_of(before).result("ssim")
    found = pair((result, before), (result, after))
    assert found is not None and found.difference == 0 and found.interval() == (0, 0)
    shifted = runs.samples_of({name: column[10:] for name, column in rows.items()}, first=10)
    found = pair((result, before), (runs.record_of(shifted).result("ssim"), shifted))
    assert found is not None and len(found) == 30 and found.difference == 0


BUCKETS = ("small", "medium", "large")


def words(n: int = 30, seed: int = 3) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    counts = {f"instances_{bucket}": generator.integers(1, 5, n).astype(float) for bucket in BUCKETS}
    return counts | {f"t_acc_{b}": np.floor(counts[f"instances_{b}"] * generator.random(n)) for b in BUCKETS}


def text(seed: int = 4, n: int = 30) -> dict[str, Any]:
    length = np.random.default_rng(seed).integers(0, 9, n).astype(float)
    edits = np.minimum(length, np.random.default_rng(seed + 1).integers(0, 5, n))
    return {"text_edits": edits, "text_length": length, "text_max_length": length, "text_exact": (edits == 0) * 1.0}


def folded_values() -> list[tuple[str, str, dict[str, Any], float]]:
    """Metric, stratum, rows, and the value that the fold of a run gives them."""
    from vtbench.metrics.texts.error_rates import ned, row_rates

    bands = {f"band_error_{low}": np.random.default_rng(5).random(30) for low in ("0", "0.25")}
    pooled = aggregate_of(bands["band_error_0"] + bands["band_error_0.25"], "pooled_error_db")
    peaks = {"compat_vtbench_mse": np.full(30, 4.0), "compat_vtbench_peak": np.linspace(100, 200, 30)}
    parts = [(words()[f"t_acc_{bucket}"], words()[f"instances_{bucket}"]) for bucket in BUCKETS]
    rates = [rate for rate in row_rates(text()["text_edits"], text()["text_length"]) if rate == rate]
    return [
        ("band_error", "all", bands, pooled),
        ("band_error", "band=0.25", bands, aggregate_of(bands["band_error_0.25"], "pooled_error_db")),
        ("compat_vtbench_psnr", "all", peaks, 10 * math.log10(200**2 / 4)),
        ("t_acc", "all", words(), mean_of_ratios(parts).value),
        ("t_acc", "bucket=small", words(), parts[0][0].sum() / parts[0][1].sum()),
        ("cer_macro", "all", text(), float(np.mean(rates))),
        ("ned", "all", text(), ned(text()["text_edits"], text()["text_max_length"])),
        ("text_accuracy", "all", text(), float(text()["text_exact"].mean())),
    ]


def aggregate_of(rows: Any, how: Any) -> float:
    from vtbench.results.records.statistics import aggregate

    return aggregate(rows, how).value


@pytest.mark.parametrize(("metric", "stratum", "rows", "value"), folded_values(), ids=lambda entry: str(entry)[:20])
def test_the_rows_of_every_kind_of_metric_are_understood(
    runs: ModuleType, metric: str, stratum: str, rows: dict[str, Any], value: float
) -> None:
    samples = runs.samples_of(rows)
    result = MetricResult(metric=metric, stratum=stratum, value=value, n=30)
    assert find_statistic([(result, samples)]) is not None
    wrong = MetricResult(metric=metric, stratum=stratum, value=value + 1e-3, n=30)
    assert find_statistic([(wrong, samples)]) is None, "rows that do not give the value are not paired"


def test_the_mean_of_buckets_has_the_interval_of_the_fold(runs: ModuleType) -> None:
    parts = [(words()[f"t_acc_{bucket}"], words()[f"instances_{bucket}"]) for bucket in BUCKETS]
    result = MetricResult(metric="t_acc", value=mean_of_ratios(parts).value, n=30)
    nothing = {name: np.zeros(30) if name.startswith("t_acc") else column for name, column in words().items()}
    before, after = runs.samples_of(nothing), runs.samples_of(words())
    found = pair((MetricResult(metric="t_acc", value=0.0, n=30), before), (result, after))
    assert found is not None and found.interval() == pytest.approx(mean_of_ratios_interval(parts), rel=1e-9)


def test_a_copy_that_is_no_longer_perfect_is_not_left_out(runs: ModuleType) -> None:
    perfect = runs.samples_of({"psnr": np.full(8, np.inf)})
    spoilt = runs.samples_of({"psnr": np.where(np.arange(8) < 2, 40.0, np.inf)})
    sides = [(runs.record_of(samples).result("psnr"), samples) for samples in (perfect, spoilt)]
    found = pair(*sides)
    one_level_off = 10 * math.log10(255**2 * 3 * 64 * 64)
    assert found is not None and found.n_imperfect == 2
    assert found.difference == pytest.approx(40 - one_level_off)
    same = pair(sides[0], sides[0])
    assert same is not None and same.difference == 0 and same.n_imperfect == 0


def test_two_intervals_make_one_as_of_independent_normals() -> None:
    a = MetricResult(metric="m", value=10, n=9, ci_low=10 - 1.96 * 3, ci_high=10 + 1.96 * 3, ci_method="normal")
    b = MetricResult(metric="m", value=12, n=9, ci_low=12 - 1.96 * 4, ci_high=12 + 1.96 * 4, ci_method="normal")
    assert unpaired_interval(a, b) == pytest.approx((2 - 1.96 * 5, 2 + 1.96 * 5))
    assert unpaired_interval(a, MetricResult(metric="m", value=12, n=9)) is None


@pytest.mark.parametrize("n", [5, 12, 60])
def test_the_tested_interval_is_never_narrower_than_students(runs: ModuleType, n: int) -> None:
    first, second = (runs.samples_of(runs.columns(n, seed)) for seed in (1, 2))
    found = pair(*((runs.record_of(samples).result("ssim"), samples) for samples in (first, second)))
    gaps = second.metrics["ssim"] - first.metrics["ssim"]
    expected = stats.t.interval(1 - 2 * 0.004, n - 1, gaps.mean(), stats.sem(gaps))
    assert found is not None and found.jackknife_interval(0.004) == pytest.approx(expected)
    low, high = found.tested_interval(0.004)
    assert low <= expected[0] + 1e-12 and high >= expected[1] - 1e-12
    assert (low, high) == pytest.approx(expected, abs=0.3 * (expected[1] - expected[0]))


def test_the_jackknife_error_of_a_rate_is_that_of_its_linearisation(runs: ModuleType) -> None:
    """Cochran 1977, equation 6.13, without the finite-population factor; one side is free of errors."""
    rows = runs.columns(400)
    before, after = runs.samples_of({**rows, "text_edits": np.zeros(400)}), runs.samples_of(rows)
    found = pair(*((runs.record_of(samples).result("cer"), samples) for samples in (before, after)))
    edits, length = rows["text_edits"], rows["text_length"]
    residual = edits - length * edits.sum() / length.sum()
    error = residual.std(ddof=1) / math.sqrt(400) / length.mean()
    assert found is not None
    low, high = found.jackknife_interval(0.025)
    assert high - low == pytest.approx(2 * stats.t.ppf(0.975, 399) * error, rel=0.01)


def test_better_worse_same_and_differs(two: Callable[..., tuple[Path, Path]]) -> None:
    def change(rows: dict[str, Any]) -> dict[str, Any]:
        noise = np.random.default_rng(9).normal(0, 0.01, len(rows["ssim"]))
        return {
            **rows,
            "psnr": rows["psnr"] + 0.1,
            "lpips_alex": rows["lpips_alex"] + 0.02,
            "ssim": rows["ssim"] + noise - noise.mean(),
            "bits_per_pixel": rows["bits_per_pixel"] * 2,
        }

    report = compare(two(change))
    rows = by_metric(report.rows)
    assert {name: rows[name].verdict for name in ("psnr", "lpips_alex", "ssim", "bits_per_pixel", "mae")} == {
        "psnr": "better",
        "lpips_alex": "worse",
        "ssim": "same",
        "bits_per_pixel": "differs",
        "mae": "same",
    }
    assert rows["psnr"].difference == pytest.approx(0.1) and rows["psnr"].method == "paired bootstrap, 95%"
    assert (rows["psnr"].ci_low, rows["psnr"].ci_high) == pytest.approx((0.1, 0.1))
    assert rows["ssim"].ci_low < 0 < rows["ssim"].ci_high
    assert report.alone == ()


def test_float_noise_is_no_difference(two: Callable[..., tuple[Path, Path]]) -> None:
    rows = by_metric(compare(two(lambda rows: {**rows, "ssim": rows["ssim"] + 3e-7})).rows)
    assert rows["ssim"].difference > 0 and rows["ssim"].verdict == "same"


def test_without_rows_the_intervals_are_combined_and_it_says_so(runs: ModuleType, tmp_path: Path) -> None:
    before = runs.write_run(tmp_path / "a", runs.samples_of(runs.columns(40)), rows=False)
    changed = {**runs.columns(40), "ssim": runs.columns(40)["ssim"] - 0.2}
    after = runs.write_run(tmp_path / "b", runs.samples_of(changed))
    row = by_metric(compare([before, after]).rows)["ssim"]
    assert row.verdict == "worse" and "unpaired" in row.why and row.ci_low < -0.2 < row.ci_high < 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"task": {"protocol_id": "grains-mini@2+ffffffff"}}, "protocol grains-mini@1+0a1b2c3d, now grains-mini@2"),
        ({"data": {"fingerprint": "0" * 64}}, "data feedc0defeed, now 000000000000"),
    ],
)
def test_other_protocols_and_data_do_not_compare(
    two: Callable[..., tuple[Path, Path]], change: dict[str, Any], told: str
) -> None:
    report = compare(two(dict, **change))
    assert {row.verdict for row in report.rows} == {"not comparable"}
    assert {row.difference for row in report.rows} == {None} and all(told in row.why for row in report.rows)
    with pytest.raises(NotComparableError, match="nothing compares") as caught:
        report.require_comparable()
    assert told in str(caught.value)


def test_one_metric_may_not_compare(runs: ModuleType, two: Callable[..., tuple[Path, Path]]) -> None:
    results = runs.results_of(runs.samples_of(runs.columns(48)))
    changed = [{**result, "version": 2} if result["metric"] == "ssim" else result for result in results]
    changed = [result for result in changed if result["metric"] != "mae"]
    changed = [{**r, "value": math.nan} if r["metric"] == "psnr" else r for r in changed]
    changed = [{**r, "details": {"reader": "other"}} if r["metric"] == "cer" else r for r in changed]
    rows = by_metric(compare(two(dict, results=changed)).rows)
    assert "version 1 of the metric, now 2" in rows["ssim"].why
    assert rows["mae"].why == "only the baseline has it" and rows["mae"].value is None
    assert rows["psnr"].why == "not a number in the candidate"
    assert rows["cer"].verdict == "same", "the baseline does not say which reader it had"
    assert {rows[name].verdict for name in ("ssim", "mae", "psnr")} == {"not comparable"}


def test_runs_of_unequal_length_are_paired_or_refused(runs: ModuleType, tmp_path: Path) -> None:
    rows = runs.columns(40)
    before = runs.write_run(tmp_path / "a", runs.samples_of(rows))
    half = {name: column[:20] for name, column in rows.items()}
    after = runs.write_run(tmp_path / "b", runs.samples_of(half))
    found = by_metric(compare([before, after]).rows)
    assert found["psnr"].difference == 0 and found["psnr"].why == "n 40, now 20; paired on 20 samples"
    assert found["kid_efflite0"].why == "40 samples, now 20, and no rows to pair"


def test_one_shared_sample_gives_no_interval_and_says_so(runs: ModuleType, tmp_path: Path) -> None:
    rows = runs.columns(40)
    before = runs.write_run(tmp_path / "a", runs.samples_of(rows))
    one = {name: column[:1] + (name == "ssim") * 0.01 for name, column in rows.items()}
    found = by_metric(compare([before, runs.write_run(tmp_path / "b", runs.samples_of(one))]).rows)["ssim"]
    assert found.ci_low is None and found.method == ""
    assert found.why == "n 40, now 1; one sample, no interval: the sign alone"


def test_folders_are_matched_by_task_and_model(runs: ModuleType, tmp_path: Path) -> None:
    samples = runs.samples_of(runs.columns(12))
    for side, labels in (("a", ("jpeg", "webp")), ("b", ("webp", "avif")), ("c", ("webp", "jpeg"))):
        for label in labels:
            runs.write_run(tmp_path / side / label, samples, label)
    report = compare([tmp_path / side for side in "abc"])
    assert {(row.baseline, row.candidate) for row in report.rows} == {("jpeg", "jpeg"), ("webp", "webp")}
    assert len({row.source for row in report.rows}) == 3
    assert [told for told in report.alone if "avif" in told] == [f"avif on grains-mini is in {tmp_path / 'b'} alone"]
    single = compare([tmp_path / "a" / "jpeg", tmp_path / "b" / "avif"])
    assert {(row.baseline, row.candidate) for row in single.rows} == {("jpeg", "avif")}, "one each: no label needed"
    runs.write_run(tmp_path / "a" / "again", samples, "jpeg")
    with pytest.raises(UsageError, match="more than once"):
        compare([tmp_path / "a", tmp_path / "c"])


def test_strata_are_given_on_request(runs: ModuleType, tmp_path: Path) -> None:
    rows = runs.columns(40)
    odd = np.arange(40) % 2 == 1
    changed = {**rows, "ssim": np.where(odd, rows["ssim"] - 0.1, rows["ssim"])}
    folders = []
    for name, found in (("a", rows), ("b", changed)):
        part = {"metric": "ssim", "stratum": "glyph_px=16", "value": found["ssim"][odd].mean(), "n": 20}
        results = [*runs.results_of(runs.samples_of(found)), {**part, "higher_is_better": True}]
        folders.append(runs.write_run(tmp_path / name, runs.samples_of(found), results=results))
    assert {row.stratum for row in compare(folders).rows} == {"all"}
    row = next(row for row in compare(folders, strata=True).rows if row.stratum == "glyph_px=16")
    assert row.verdict == "worse" and row.difference == pytest.approx(-0.1) and row.why == "paired on 20 samples"


def test_a_row_of_a_leaderboard_is_a_side(runs: ModuleType, tmp_path: Path) -> None:
    run = runs.write_run(tmp_path / "run", runs.samples_of(runs.columns(40)))
    table = tmp_path / "board.csv"
    facts = {"revision": "1", "dtype": "float32", "n_scored": 40, "scored_size": 256, "device": "cpu"}
    numbers = {"psnr": 35, "psnr_ci_low": 34.5, "psnr_ci_high": 35.5, "bits_per_pixel": 0.140625}
    ours = [
        {"model": "good", "protocol_id": "grains-mini@1+0a1b2c3d", **facts, **numbers},
        {"model": "old", "protocol_id": "grains-mini@1+00000000", **facts, **numbers},
    ]
    with table.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns_of("reconstruction"))
        writer.writeheader()
        writer.writerows(ours)
    rows = by_metric(compare([f"{table}#good", run]).rows)
    assert rows["psnr"].verdict == "worse" and rows["psnr"].baseline == "good" and "unpaired" in rows["psnr"].why
    assert rows["bits_per_pixel"].verdict == "same" and "scored_size" not in rows
    assert "protocol" in by_metric(compare([f"{table}#old", run]).rows)["psnr"].why
    assert by_metric(compare([f"{table}#good@1", run]).rows)["psnr"].verdict == "worse"
    with pytest.raises(UsageError, match="no model 'bad'"):
        compare([f"{table}#bad", run])
    table.write_text("name,psnr\ngood,35\n")
    with pytest.raises(UsageError, match="no column model"):
        compare([f"{table}#good", run])


def test_formats_say_the_same(two: Callable[..., tuple[Path, Path]]) -> None:
    report = compare(two(lambda rows: {**rows, "psnr": rows["psnr"] - 0.25}))
    listed = json.loads(comparison_tables.as_json(report.rows))
    assert [entry["metric"] for entry in listed] == [row.metric for row in report.rows]
    header, first, *_ = comparison_tables.as_csv(report.rows).splitlines()
    assert header.split(",") == list(comparison_tables.COLUMNS) and first.startswith("grains-mini,psnr,all,grains,")
    lines = comparison_tables.as_markdown(report.rows).splitlines()
    assert any(line.startswith("| psnr | ") and "| -0.25 | [-0.25, -0.25] | worse |" in line for line in lines)
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


def test_two_arguments_are_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a baseline"):
        compare([tmp_path])
    with pytest.raises(UsageError, match="does not exist"):
        compare([tmp_path / "a", tmp_path / "b"])


def test_a_thousand_records_in_a_moment(runs: ModuleType, tmp_path: Path) -> None:
    """A tenth of what must take under ten seconds; processor time, so that a busy machine is no failure."""
    import time

    record = read_record(runs.write_run(tmp_path / "one", runs.samples_of(runs.columns(8)), rows=False))
    for number in range(500):
        model = record.model.model_copy(update={"label": f"grains-{number}"})
        text = strict_json.dumps_sealed(record.model_copy(update={"model": model}).model_dump())
        for side in "ab":
            folder = tmp_path / side / str(number)
            folder.mkdir(parents=True)
            (folder / "record.json").write_text(text)
    started = time.process_time()
    assert len(compare([tmp_path / "a", tmp_path / "b"]).rows) == 500 * 9
    assert time.process_time() - started < 4
