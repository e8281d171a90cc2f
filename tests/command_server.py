"""A process that has imported what every command imports, and forks a child for each: ``python -m vtbench`` at once.

Started as ``python command_server.py``. Reads a JSON line a command on stdin (``arguments``, ``cwd``, ``env``, ``out``,
``err``, ``timeout``), answers each with its exit code, negative for a signal. A child has imported no module of a test
and no user's file; its environment, folder, arguments and streams are those of a new process. Linux alone.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import sys
from typing import Any


def import_what_commands_import() -> None:
    import pandas
    import pyarrow.parquet
    import safetensors.numpy
    import scipy.linalg
    import threadpoolctl
    import torch.utils.data
    import torchvision

    import vtbench.cli.main
    import vtbench.data.embedded.photographs.photos_mini
    import vtbench.run.session

    assert all((pandas, pyarrow.parquet, safetensors.numpy, scipy.linalg, threadpoolctl, torch.utils.data, torchvision))
    assert vtbench.cli.main and vtbench.data.embedded.photographs.photos_mini and vtbench.run.session
    gc.freeze()


def next_command() -> list[str] | None:
    """In a child, the arguments that it is to run; in the server ``None``, once nothing more is asked."""
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(asked)
            return list(asked["arguments"])
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return None


def _become(asked: dict[str, Any]) -> None:
    """Take on the folder, environment and streams of a command; what runs too long is ended by a signal."""
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream, file in ((1, asked["out"]), (2, asked["err"])):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), stream)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.path[0] = asked["cwd"]  # as of ``python -m``
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, asked["timeout"])


if __name__ == "__main__":
    import_what_commands_import()
    arguments = next_command()
    if arguments is not None:
        sys.argv = ["vtbench", *arguments]
        runpy.run_module("vtbench", run_name="__main__", alter_sys=True)
