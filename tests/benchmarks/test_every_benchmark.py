"""Every benchmark runs, tiny: what is measured by hand now and then still runs then. No time is looked at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
TINY = {
    "bench_evaluator.py": "--images 4 --side 64 --rounds 1",
    "bench_frechet.py": "--images 64 --width 16 --rounds 1",
    "bench_generators.py": "--size tiny --grid 3 --batches 2 --rounds 1",
    "bench_integrity.py": "--limit 4",
    "bench_memory.py": "--images 512 520 --widths 16",
    "bench_metrics.py": "--images 10 --batch 5 --rounds 1 --no-memory",
    "bench_planning.py": "--samples 1000 --shards 10",
    "bench_readers.py": "--pages 2 --rounds 1",
    "bench_set_metrics.py": "--images 300 --peer-images 300 --manifold-images 300 --rounds 1",
    "bench_startup.py": "--rounds 0",
    "bench_strategies.py": "--size tiny --rounds 1",
    "bench_threads.py": "--images 2 --side 64 --rounds 1 --counts 1 2 --parts psnr ssim lpips_alex efflite0",
    "bench_tokenizers.py": "--names llamagen-ds16 --side 64",
}
"""Arguments that make it small."""


def test_every_benchmark_is_run_here() -> None:
    assert sorted(file.name for file in FOLDER.glob("bench_*.py")) == sorted(TINY)


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_it_runs_and_prints_its_table(name: str) -> None:
    command = [sys.executable, str(FOLDER / name), *TINY[name].split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "| --- |" in done.stdout, done.stdout


@pytest.mark.slow
def test_what_a_card_is_measured_with_runs_without_one(tmp_path: Path) -> None:
    """``benchmarks/gpu/run.sh``: all of its sections, and on one device they agree to the bit."""
    command = ["bash", str(FOLDER / "gpu" / "run.sh"), "--device", "cpu", "--tiny"]
    environment = {**os.environ, "PYTHON": sys.executable, "OUT": str(tmp_path), "WHEELS": str(tmp_path / "none")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    assert {apart for apart, _ in found["agreement"].values()} == {0.0} and len(found["agreement"]) == 8
    assert (
        found["floor"] > 0 and found["loop"]["pairs"] == 4 and len(found["peers"]) == 2 and len(found["sampling"]) == 4
    )
    assert (tmp_path / "gpu.md").read_text(encoding="utf-8").count("| --- |") == 5
