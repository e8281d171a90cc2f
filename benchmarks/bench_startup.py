"""Processor time of commands that run no model, against an interpreter that does nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from machine import use_threads
from reporting import parser, publish, table

RECORDS = 100
TASK = """
name: startup
version: 1
kind: reconstruction
summary: One cheap metric.
data: {source: photos-mini}
preprocess: {preset: native@1}
image_metrics: [psnr, mae]
"""


def cpu_seconds(command: list[str]) -> float:
    """User and system time of a process and those it waited for."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} failed with exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def write_records(folder: Path) -> Path:
    """Copies of one real record, each as the record of its own run."""
    from vtbench.results.records.record import RECORD_FILE, find_records

    task = folder / "startup.yaml"
    task.write_text(TASK)
    runs = folder / "runs"
    given = ["--tokenizer", "jpeg,quality=30", "--task", str(task), "--limit", "16", "--out", str(runs)]
    subprocess.run([sys.executable, "-m", "vtbench", "run", *given], check=True, capture_output=True)
    content = find_records(runs)[0].read_bytes()
    for index in range(RECORDS):
        copy = folder / "records" / f"{index:03d}" / RECORD_FILE
        copy.parent.mkdir(parents=True)
        copy.write_bytes(content)
    return folder / "records"


def main() -> None:
    chosen = parser(__doc__ or "").parse_args()
    use_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as folder:
        records = write_records(Path(folder))
        python = sys.executable
        commands = {
            "`python -c pass`": [python, "-c", "pass"],
            "`vtbench --help`": [python, "-m", "vtbench", "--help"],
            "`vtbench list`": [python, "-m", "vtbench", "list"],
            f"`vtbench.load_records`, {RECORDS} records": [
                python,
                "-c",
                f"import vtbench; assert len(vtbench.load_records({str(records)!r})) == {RECORDS}",
            ],
            "for scale: `import torch`": [python, "-c", "import torch"],
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(2 * chosen.rounds + 1):
            for name, command in commands.items():
                taken[name].append(cpu_seconds(command))
    nothing, torch = (median(taken[name]) for name in ("`python -c pass`", "for scale: `import torch`"))
    rows = [
        [name, f"{median(times):.2f} s", f"{median(times) / nothing:.1f}×", f"{median(times) / torch:.2f}×"]
        for name, times in taken.items()
    ]
    header = ["command", "processor time", "/ empty interpreter", "/ `import torch`"]
    publish("startup", [f"Medians of {2 * chosen.rounds + 1}, taken in turn.", table(header, rows)], chosen.write)


if __name__ == "__main__":
    main()
