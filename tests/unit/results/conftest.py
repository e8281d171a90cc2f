"""Records for these tests: the statistics are computed here from seeded rows, nothing is a measured result."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from vtbench.results.records.record import RunRecord
from vtbench.results.records.statistics import aggregate, bootstrap_interval, interval_method

TABLE = ["bits_per_pixel", "tokens_per_image", "codebook_usage", "psnr", "ssim", "lpips_alex", "kid_efflite0"]
BERLIN = timezone(timedelta(hours=1))


def result(
    name: str, rows: np.ndarray, unit: str = "", higher: bool | None = None, how: str = "mean"
) -> dict[str, Any]:
    value, n, details = aggregate(rows, how)
    low, high = bootstrap_interval(rows, how)
    return {
        "metric": name,
        "value": value,
        "n": n,
        "ci_low": low,
        "ci_high": high,
        "ci_method": interval_method(),
        "unit": unit,
        "higher_is_better": higher,
        "version": 1,
        "details": details,
    }


def content(label: str, seed: int = 0, n: int = 64, perfect: bool = False, **changes: Any) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    psnr = np.full(n, np.inf) if perfect else generator.normal(24 + seed, 3, n)
    ssim = np.ones(n) if perfect else generator.beta(8 + seed, 2, n)
    lpips = np.zeros(n) if perfect else generator.beta(2, 8 + seed, n)
    kid = {"metric": "kid_efflite0", "value": 0.0123 / (seed + 1), "n": n, "higher_is_better": False, "version": 1}
    kid |= {"ci_low": 0.009 / (seed + 1), "ci_high": 0.017 / (seed + 1), "ci_method": "2.5–97.5 % of 100 subsets"}
    usage = {"metric": "codebook_usage", "value": 0.5 + seed / 100, "n": n, "higher_is_better": True}
    results = [
        result("psnr", psnr, "dB", True, "mean_finite"),
        result("ssim", ssim, "", True),
        result("lpips_alex", lpips, "", False),
        kid,
        usage,
        result("bits_per_pixel", np.full(n, 0.0390625 * (seed + 1)), "bits"),
        result("tokens_per_image", np.full(n, 256.0 * (seed + 1)), "tokens"),
    ]
    base: dict[str, Any] = {
        "status": "complete",
        "created": datetime(2025, 3, 1, 12, 0, 0, 123456, tzinfo=BERLIN),
        "finished": datetime(2025, 3, 1, 11, 5, tzinfo=timezone.utc),
        "job_key": f"{seed:08x}",
        "command": ["vtbench", "run", "--tokenizer", label],
        "config": {"given": {"seed": 0}, "resolved": {"seed": 0, "batch_size": 16, "out": "runs"}},
        "model": {
            "reference": label,
            "label": label,
            "name": label.split(",")[0],
            "kind": "discrete",
            "codebook_sizes": [1024, 512],
            "weights": [{"name": "w.safetensors", "sha256": "ab" * 32}],
            "args": {"sizes": (1, 2), "quality": 10},
            "tokens_per_image": 256.0 * (seed + 1),
            "bits_per_image": 2560.0 * (seed + 1),
            "input_size": (256, 256),
        },
        "task": {
            "name": "photos-mini",
            "version": 1,
            "protocol_id": "photos-mini@1+0a1b2c3d",
            "spec": {"table": tuple(TABLE), "preprocess": {"preset": "native@1", "size": None}},
        },
        "data": {
            "source": "photos-mini",
            "fingerprint": "feedc0de" * 8,
            "n_expected": n,
            "n_scored": n,
            "scored_size": (256, 256),
            "reference": {"description": "the task's own preprocessed images", "n": n, "digest": "00ff"},
        },
        "environment": {"python": "3.11", "platform": "Linux", "packages": {"torch": "2", "numpy": "2"}},
        "code": {"vtbench_version": "0.1", "git_commit": "c0ffee", "git_dirty": True},
        "results": results,
        "performance": {"wall_s": 12.5, "images_per_s": 5.12, "shares": {"model": 0.5, "io": 0.1}},
    }
    for section, change in changes.items():
        base[section] = {**base.get(section, {}), **change} if isinstance(change, dict) else change
    return base


@pytest.fixture(scope="session")
def make_content() -> Callable[..., dict[str, Any]]:
    """A record's content as plain Python, before validation."""
    return content


@pytest.fixture(scope="session")
def make_record() -> Callable[..., RunRecord]:
    """A whole record; keyword arguments replace parts of it."""
    return lambda label, **more: RunRecord.model_validate(content(label, **more))
