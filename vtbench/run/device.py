"""Device, dtype and determinism: set once a process, and written into the record."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch.utils import deterministic

from vtbench.core.errors import UsageError
from vtbench.run.worker import Worker

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str, worker: Worker) -> torch.device:
    """``auto`` takes a GPU where there is one (its own under a launcher), else the CPU.

    Raises:
        UsageError: the device is unknown or not there.
    """
    if name in ("auto", "cuda") and torch.cuda.is_available():
        return torch.device("cuda", worker.local_rank % torch.cuda.device_count())
    if name == "auto":
        return torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"unknown device {name!r}", "use auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"device {name!r} is not on this machine", f"{torch.cuda.device_count()} GPUs are visible")
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"device {name!r} is not supported", "use auto, cpu, cuda or cuda:N")
    return device


def choose_dtype(name: str) -> torch.dtype:
    """The torch dtype of that name.

    Raises:
        UsageError: not one of float32, bfloat16, float16.
    """
    if name not in DTYPES:
        raise UsageError(f"unknown dtype {name!r}", f"use {', '.join(DTYPES)}")
    return DTYPES[name]


def make_deterministic() -> dict[str, Any]:
    """Full float32, no autotuning, deterministic kernels; returns the flags for the record."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.set_deterministic_debug_mode("warn")  # same switch, without importing the compiler
    # The switch above also fills every new tensor with NaN, to show reads of unset memory: slow, and moves no number.
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # set through a property
    return {
        "tf32": False,
        "cudnn_benchmark": False,
        "deterministic_algorithms": True,
        "threads": torch.get_num_threads(),
    }


def synchronize(device: torch.device) -> None:
    """Wait for the device, so that a clock read afterwards measures work done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory_mb(device: torch.device) -> float:
    """Peak memory so far in MB: allocated on the GPU, or this process's resident set."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return _resident_peak_mb()


def _resident_peak_mb() -> float:
    """Of this process alone: ``ru_maxrss``, the fallback, may count what the launcher held before it."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.is_file() else []
    for line in lines:
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) / 1024
    import resource
    import sys

    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes on macOS, in KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
