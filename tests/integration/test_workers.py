"""Workers share the run folder and nothing else; the record is the same for one, two and three of them, and on any
number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vtbench.results.records.record import RunRecord, load_records

THREADS = {1: 2, 2: 1, 3: 1}
"""Of each worker, by their number: a single process has more, as on the machine of whoever tries it first."""
NETWORK = (
    "ldm-vq,channels=8,multipliers=[1,2],latent_channels=6,codebook_dim=4,codebook_size=32,norm_groups=4,blocks=1,"
    "encoder_attention=0,decoder_attention=0,random_weights_seed=1"
)
"""Small, but with the convolutions and norms whose last digits follow the number of threads."""


def torchrun(workers: int, cwd: Path) -> list[RunRecord]:
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(workers),
            "-m", "vtbench", "run", "--task", "small.yaml", "--limit", "14", "--workers", "0",
            "--tokenizer", "./grains.py:Grains", "--tokenizer", NETWORK, "--out", f"runs{workers}",
        ],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": str(THREADS[workers]), "VTBENCH_CACHE": str(cwd / f"cache{workers}")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("model\treference") == 1, f"the table is printed once, not {done.stdout!r}"
    return sorted(load_records(cwd / f"runs{workers}"), key=lambda record: record.model.name)


@pytest.mark.slow
def test_the_record_is_the_same_for_one_two_and_three_workers(workplace: Path) -> None:
    link_assets(workplace)
    runs = [torchrun(workers, workplace) for workers in (1, 2, 3)]
    digests = [[record.results_digest() for record in records] for records in runs]
    assert digests[0] == digests[1] == digests[2] and len(set(digests[0])) == 2
    assert all(record.data.n_scored == 14 for records in runs for record in records)
    assert [records[0].environment.threads for records in runs] == [2, 1, 1]
    tables = [sorted(file.read_bytes() for file in (workplace / f"runs{n}").rglob("samples.parquet")) for n in THREADS]
    assert tables[0] == tables[1] == tables[2]


def link_assets(workplace: Path) -> None:
    """Separate caches, so that no worker count finds the reference features of another; weights are shared."""
    from vtbench.core.disk.files import cache_dir

    for workers in (1, 2, 3):
        folder = workplace / f"cache{workers}"
        folder.mkdir()
        (folder / "assets").symlink_to(cache_dir() / "assets")
