"""Every benchmark runs, tiny: what is measured by hand now and then still runs then. No time is looked at."""

from __future__ import annotations

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
    "bench_set_metrics.py": "--images 300 --peer-images 300 --manifold-images 300 --rounds 1",
    "bench_startup.py": "--rounds 0",
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
