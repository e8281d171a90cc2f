"""Processes of torchrun on this machine: the same command, once a GPU."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import torch

from vtbench.core.errors import UsageError
from vtbench.run.launching.launch import Launch

_FLAGS = ("--launcher", "--world")


def run_under_torchrun(launch: Launch, words: Sequence[str]) -> int:
    """Start the processes and wait for them; the exit code of the whole.

    Args:
        launch: how many there are; as many as there are GPUs unless it says.
        words: the command line behind ``vtbench``.

    Raises:
        UsageError: it does not say, and there are no GPUs.
    """
    count = launch.world or torch.cuda.device_count()
    if not count:
        raise UsageError("--launcher torchrun starts a process a GPU, and there is none", "give --world N")
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    return subprocess.run([*start, "-m", "vtbench", *without(words, _FLAGS)], check=False).returncode


def without(words: Sequence[str], flags: Sequence[str]) -> list[str]:
    """A command line without some of its flags and their values."""
    left, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in flags:
            skip = True
        elif word.partition("=")[0] not in flags:
            left.append(word)
    return left
