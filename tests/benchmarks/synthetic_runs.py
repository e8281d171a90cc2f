"""Runs made of seeded rows, and how fast thousands of them are compared. Nothing here is a measured result.

Run as ``python tests/benchmarks/synthetic_runs.py --records 10000 [--rows]``; tests import the builders.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from vtbench.results.records.ratios import ratio, ratio_difference, ratio_interval
from vtbench.results.records.record import RECORD_FILE, RunRecord, write_record
from vtbench.results.records.samples import FAILED, SAMPLES_FILE, SCORED, Samples, write_samples
from vtbench.results.records.statistics import PEAK, aggregate, bootstrap_interval, interval_method

Column = np.ndarray[Any, np.dtype[np.float64]]
NOW = datetime(2025, 3, 1, tzinfo=timezone.utc)
TOLERANCES = {"psnr": 0.05, "psnr_pooled": 0.05, "ssim": 0.001, "mae": 0.05, "lpips_alex": 0.001, "cer": 0.005}
IMAGE_METRICS = {  # name: unit, higher is better, aggregation, column
    "psnr": ("dB", True, "mean_finite", "psnr"),
    "psnr_pooled": ("dB", True, "pooled_psnr", "mse"),
    "ssim": ("", True, "mean", "ssim"),
    "mae": ("levels", False, "mean", "mae"),
    "lpips_alex": ("", False, "mean", "lpips_alex"),
    "bits_per_pixel": ("bits", None, "mean", "bits_per_pixel"),
}


def columns(n: int, seed: int = 0) -> dict[str, Column]:
    """Rows of ``n`` images whose metrics agree with each other, as those of real images do."""
    generator = np.random.default_rng(seed)
    psnr = generator.normal(24.0, 3.0, n)
    length = generator.integers(40, 120, n).astype(float)
    edits = generator.binomial(length.astype(int), 0.2).astype(float)
    words = np.ceil(length / 6)
    floor = np.minimum(edits, generator.binomial(length.astype(int), 0.02))
    return {
        "psnr": psnr,
        "mse": PEAK**2 * 10 ** (-psnr / 10),
        "ssim": np.clip(0.6 + 0.02 * (psnr - 20) + generator.normal(0, 0.02, n), 0, 1),
        "mae": 30 - 0.8 * psnr + generator.normal(0, 0.5, n),
        "lpips_alex": np.clip(0.6 - 0.015 * psnr + generator.normal(0, 0.02, n), 0, 1),
        "bits_per_pixel": np.full(n, 0.140625),
        "text_edits": edits,
        "text_length": length,
        "text_max_length": length + 2,
        "text_word_edits": np.minimum(edits, words),
        "text_words": words,
        "text_exact": (edits == 0).astype(float),
        "floor_text_edits": floor,
        "floor_text_length": length,
    }


def samples_of(rows: Mapping[str, Column], failed: tuple[int, ...] = (), first: int = 0) -> Samples:
    """Rows as samples of 64×64 pixels; the failed ones have no values."""
    n = len(next(iter(rows.values())))
    lost = np.isin(np.arange(n), failed)
    return Samples(
        ids=[f"image-{first + index:05d}" for index in range(n)],
        index=np.arange(n),
        status=[FAILED if gone else SCORED for gone in lost],
        stage=["model" if gone else "" for gone in lost],
        message=["out of memory" if gone else "" for gone in lost],
        height=np.full(n, 64, dtype=np.int32),
        width=np.full(n, 64, dtype=np.int32),
        metrics={name: np.where(lost, np.nan, column) for name, column in rows.items()},
        strata={"glyph_px": [str(8 * (1 + index % 2)) for index in range(n)]},
    )


def results_of(samples: Samples) -> list[dict[str, Any]]:
    """Image metrics, ``cer``, its excess, and a set metric that the rows cannot give."""
    rows = {name: column[[status == SCORED for status in samples.status]] for name, column in samples.metrics.items()}
    found = [
        _image_result(name, rows[IMAGE_METRICS[name][3]]) for name in IMAGE_METRICS if IMAGE_METRICS[name][3] in rows
    ]
    if "text_edits" in rows:
        read = (rows["text_edits"], rows["text_length"])
        floor = (rows["floor_text_edits"], rows["floor_text_length"])
        excess, ends = ratio_difference(read, floor)
        found += [
            _result("cer", ratio(*read).value, len(read[0]), ratio_interval(*read), higher_is_better=False),
            _result("cer_excess", excess.value, excess.n, ends, higher_is_better=False),
        ]
    value = float(np.mean(rows["mae"])) / 1000 if "mae" in rows else 0.01
    return [
        *found,
        _result("kid_efflite0", value, len(samples), (value - 0.002, value + 0.002), higher_is_better=False),
    ]


def record_of(samples: Samples, label: str = "grains", **changes: Any) -> RunRecord:
    """A whole record; keyword arguments change its sections, ``results`` replaces them."""
    failed = sum(status == FAILED for status in samples.status)
    content: dict[str, Any] = {
        "status": "partial" if failed else "complete",
        "created": NOW,
        "finished": NOW,
        "model": {"reference": label, "label": label, "name": label, "kind": "discrete"},
        "task": {
            "name": "grains-mini",
            "version": 1,
            "protocol_id": "grains-mini@1+0a1b2c3d",
            "spec": {"tolerances": TOLERANCES},
        },
        "data": {
            "source": "seeded rows",
            "fingerprint": "feedc0de" * 8,
            "n_expected": len(samples),
            "n_scored": len(samples) - failed,
            "n_failed": failed,
        },
        "environment": {"python": "3.11", "platform": "Linux", "packages": {"torch": "2.5"}},
        "code": {"vtbench_version": "0.1"},
        "results": results_of(samples),
    }
    for section, change in changes.items():
        content[section] = {**content.get(section, {}), **change} if isinstance(change, dict) else change
    return RunRecord.model_validate(content)


def write_run(folder: Path, samples: Samples, label: str = "grains", rows: bool = True, **changes: Any) -> Path:
    """A run folder with its record and, unless told otherwise, its rows."""
    if rows:
        write_samples(samples, folder / SAMPLES_FILE)
    write_record(record_of(samples, label, **changes), folder / RECORD_FILE)
    return folder


def _image_result(name: str, column: Column) -> dict[str, Any]:
    unit, higher, how, _ = IMAGE_METRICS[name]
    found = aggregate(column, how)
    ends = bootstrap_interval(column, how)
    return _result(name, found.value, found.n, ends, unit=unit, higher_is_better=higher, details=found.details)


def _result(name: str, value: float, n: int, ends: tuple[float, float], **more: Any) -> dict[str, Any]:
    interval = {"ci_low": ends[0], "ci_high": ends[1], "ci_method": interval_method()}
    return {"metric": name, "value": value, "n": n, **interval, **more}


def _many(folder: Path, records: int, rows: bool) -> None:
    for side, shift in (("before", 0.0), ("after", -0.01)):
        for number in range(records // 2):
            found = columns(64, seed=number)
            found["ssim"] = found["ssim"] + shift
            write_run(folder / side / f"model-{number}", samples_of(found), f"model-{number}", rows=rows)


def _timed(name: str, work: Callable[[], Any]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    count = len(work())
    print(f"{name}\t{count} rows\t{time.perf_counter() - wall:.1f} s\t{time.process_time() - cpu:.1f} s of CPU")


def main() -> None:
    """Write the runs, then time what reads them."""
    import vtbench
    from vtbench.results.comparing.compare import compare

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--rows", action="store_true", help="with samples.parquet, so that differences are paired")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _many(folder, chosen.records, chosen.rows)
        _timed("compare", lambda: compare([folder / "before", folder / "after"]).rows)
        _timed("frame", lambda: vtbench.metrics_frame(vtbench.load_records(folder)))


if __name__ == "__main__":
    main()
