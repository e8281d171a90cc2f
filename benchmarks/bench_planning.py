"""Planning a job of millions of images in tars that an index tells of, and making ready to measure: time, and memory of
the whole process.

The index is synthetic: ids, places and digests of images that nobody has. Nothing but the index is read when a run of
them is planned, so that no tar has to be there.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import in_own_process, peak_memory_mb, use_threads
from reporting import parser, publish, table

ROWS_AT_ONCE = 1_000_000
BYTES = 100_000
TASK = """
name: planned
version: 1
kind: reconstruction
summary: Cheap metrics of many images.
preprocess: {preset: adm-center-crop@1, size: 256}
image_metrics: [psnr]
block_size: 64
"""


def write_index(path: Path, samples: int, shards: int) -> None:
    """Rows of ``samples`` images, as many in each tar."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    random, written = np.random.default_rng(0), None
    each = -(-samples // shards)
    for start in range(0, samples, ROWS_AT_ONCE):
        rows = np.arange(start, min(start + ROWS_AT_ONCE, samples))
        shard, place = rows // each, rows % each
        columns = {
            "id": [f"train-{s:05d}/{p:08d}" for s, p in zip(shard.tolist(), place.tolist(), strict=True)],
            "shard": pa.array([f"train-{s:05d}.tar" for s in shard.tolist()]),
            "extension": ["jpg"] * len(rows),
            "offset": place * (BYTES + 1024) + 512,
            "size": np.full(len(rows), BYTES),
            "sha256": pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(32), len(rows), [None, pa.py_buffer(random.bytes(32 * len(rows)))]
            ),
        }
        part = pa.table(columns)
        written = written or pq.ParquetWriter(path, part.schema, use_dictionary=["shard", "extension"])
        written.write_table(part)
    if written is not None:
        written.close()


def plan(folder: Path, samples: int, shards: int) -> None:
    """Plan one job and print what it took, as JSON: in a process of its own."""
    from vtbench.run.options import RunOptions
    from vtbench.run.planning.models import source_of
    from vtbench.run.session import plan_session
    from vtbench.tasks import load_task

    wall, cpu = time.perf_counter(), time.process_time()
    pattern = f"memory://bucket/train-{{00000..{shards - 1:05d}}}.tar"
    data = f"webdataset,path='{pattern}',index={folder / 'index.parquet'}"
    (folder / "planned.yaml").write_text(TASK)
    task, options = load_task(str(folder / "planned.yaml")), RunOptions(out=folder / "runs")
    session = plan_session([lambda: source_of("jpeg,quality=30")], [task], data, options)
    (job,) = session.jobs
    missing = len(job.store.missing(job.data.share(session.peers.worker)))
    if len(job.data.ids) != samples:
        raise SystemExit(f"{len(job.data.ids)} samples were planned, not {samples}")
    took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "blocks": missing, "key": job.key}
    planned = peak_memory_mb()
    make_ready(job)
    print(json.dumps({**took, "peak": planned, "ready": peak_memory_mb()}))


def make_ready(job: Any) -> None:
    """Everything that measuring holds beside the plan, before its first block."""
    import torch

    from vtbench.run.executing.reconstruction import reconstructed_blocks
    from vtbench.run.measuring.evaluators import build_evaluators

    device = torch.device("cpu")
    if list(reconstructed_blocks(job, job.data, build_evaluators(job.task, device), device, [])):
        raise SystemExit("a block was measured though none was asked for")


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--samples", type=int, nargs="+", default=[1_000_000, 10_000_000])
    options.add_argument("--shards", type=int, default=1000)
    options.add_argument(
        "--plan", nargs=3, metavar=("FOLDER", "SAMPLES", "SHARDS"), help="one measurement; prints JSON"
    )
    chosen = options.parse_args()
    if chosen.plan:
        plan(Path(chosen.plan[0]), int(chosen.plan[1]), int(chosen.plan[2]))
        return
    use_threads(chosen.threads)
    rows = []
    for samples in chosen.samples:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "index.parquet"
            write_index(path, samples, chosen.shards)
            size = path.stat().st_size / 2**20
            took = json.loads(in_own_process("--plan", folder, str(samples), str(chosen.shards)))
        rows.append(
            [
                f"{samples:,}",
                f"{size:,.0f} MiB",
                f"{took['blocks']:,}",
                f"{took['wall']:.1f} s",
                f"{took['cpu']:.1f} s",
                f"{took['peak']:,.0f} MiB",
                f"{took['ready']:,.0f} MiB",
            ]
        )
    header = ["images", "index", "blocks", "wall clock", "processor", "peak memory", "ready to measure"]
    publish("planning", [table(header, rows)], chosen.write)


if __name__ == "__main__":
    main()
