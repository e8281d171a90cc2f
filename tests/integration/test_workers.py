"""Workers share the run folder and nothing else; the record is the same for one, two and three of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vtbench.results.records.record import RunRecord, load_records


def torchrun(workers: int, cwd: Path) -> RunRecord:
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(workers),
            "-m", "vtbench", "run", "--task", "small.yaml", "--limit", "22", "--workers", "0",
            "--tokenizer", "./grains.py:Grains", "--out", f"runs{workers}",
        ],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", "VTBENCH_CACHE": str(cwd / f"cache{workers}")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("model\treference") == 1, f"the table is printed once, not {done.stdout!r}"
    (record,) = load_records(cwd / f"runs{workers}")
    return record


@pytest.mark.slow
def test_the_record_is_the_same_for_one_two_and_three_workers(workplace: Path) -> None:
    link_assets(workplace)
    records = [torchrun(workers, workplace) for workers in (1, 2, 3)]
    assert {record.results_digest() for record in records} == {records[0].results_digest()}
    assert all(record.data.n_scored == 22 for record in records)
    tables = [next((workplace / f"runs{n}").rglob("samples.parquet")).read_bytes() for n in (1, 2, 3)]
    assert tables[0] == tables[1] == tables[2]


def link_assets(workplace: Path) -> None:
    """Separate caches, so that no worker count finds the reference features of another; weights are shared."""
    from vtbench.core.disk.files import cache_dir

    for workers in (1, 2, 3):
        folder = workplace / f"cache{workers}"
        folder.mkdir()
        (folder / "assets").symlink_to(cache_dir() / "assets")
