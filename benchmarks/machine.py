"""What a measurement was made on, and the one clock and memory gauge that every benchmark uses."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def use_threads(count: int) -> None:
    """Start this script again with ``count`` threads, which libraries read only when they are first imported."""
    wanted = dict.fromkeys(THREAD_VARIABLES, str(count))
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **wanted})


@dataclass(frozen=True)
class Spent:
    """Seconds: of the processor, over all threads of this process, and on the wall clock."""

    cpu: float = 0.0
    wall: float = 0.0

    @classmethod
    def now(cls) -> Spent:
        return cls(time.process_time(), time.perf_counter())

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.cpu + other.cpu, self.wall + other.wall)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.cpu - other.cpu, self.wall - other.wall)


class Run(NamedTuple):
    """Time spent on a number of images that grows with the set, on the scores at the end, and what they were."""

    images: Spent
    scores: Spent
    values: dict[str, float]


def peak_memory_mb() -> float:
    """Peak resident memory of this process in MiB.

    Linux carries ``ru_maxrss`` over from the process that forked this one, so the kernel's own gauge is read there.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def in_own_process(*arguments: str) -> str:
    """The last line that this script prints when it is started afresh with ``arguments``."""
    done = subprocess.run([sys.executable, sys.argv[0], *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def description() -> str:
    """Processor, threads and the versions that matter, on one line."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "scipy"))
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return (
        f"{_processor()}, {os.cpu_count()} cores, {threads} thread(s); Python {platform.python_version()}, {packages}"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
