"""What every test may rely on: repeatable settings, and the command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Set before anything imports torch. Several test processes share few cores, and no test may reach a model hub.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

# No deadline: a busy machine is not a failure. Derandomized: a red build is red for everyone.
settings.register_profile("vtbench", deadline=None, derandomize=True)
settings.load_profile("vtbench")

CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """``command_line("run", "--limit", "2", env={...}) -> CompletedProcess``, in ``tmp_path`` unless told otherwise.

    The exit code is not checked: tests do, so that a failure shows what was printed.
    """

    def run(
        *arguments: str, cwd: Path = tmp_path, env: dict[str, str] | None = None, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vtbench", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run
