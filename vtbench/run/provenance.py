"""Where and with what a run took place: packages, processor, device, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from vtbench.results.records.schema import CodeSection, EnvironmentSection
from vtbench.version import __version__

PACKAGES = (
    "torch", "torchvision", "numpy", "scipy", "pillow", "scikit-image", "scikit-learn", "safetensors", "pyarrow",
    "torch-fidelity", "clean-fid", "lpips", "efficientnet-lite-pytorch", "open-clip-torch", "diffusers", "transformers",
    "ftfy", "beautifulsoup4",
)  # fmt: skip


def environment(device: torch.device) -> EnvironmentSection:
    """Versions of every package that can move a number, and the hardware."""
    return EnvironmentSection(
        python=platform.python_version(),
        platform=platform.platform(),
        cpu=_cpu_name(),
        device=str(device),
        device_name=torch.cuda.get_device_name(device) if device.type == "cuda" else "",
        threads=torch.get_num_threads(),
        packages={name: found for name in PACKAGES if (found := _version(name))},
    )


def code() -> CodeSection:
    """The version, and the commit where vtbench runs from its own checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return CodeSection(vtbench_version=__version__)
    commit = _git(root, "rev-parse", "HEAD")
    status = _git(root, "status", "--porcelain", "--untracked-files=no")
    return CodeSection(
        vtbench_version=__version__,
        git_commit=commit or None,
        git_dirty=None if status is None else bool(status),
    )


def _git(root: Path, *arguments: str) -> str | None:
    try:
        found = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} ({os.cpu_count()} logical cores)" if names else platform.processor()
