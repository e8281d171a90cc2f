"""What every test may rely on: repeatable settings, the command line in a process of its own or in this one, images."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

# Set before anything imports torch. Several test processes share few cores, and no test may reach a model hub.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

# Tests that run in the background (``make test &``, under ``nohup``) inherit ignored signals, and so would the commands
# that they interrupt.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)

# No deadline: a busy machine is not a failure. Derandomized: a red build is red for everyone.
settings.register_profile("vtbench", deadline=None, derandomize=True)
settings.load_profile("vtbench")

_ANSWERED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """A command that ran in this process answers signals; the tests after it must not."""
    before = {number: signal.getsignal(number) for number in _ANSWERED}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]

QUICK = """
name: quick
version: 1
kind: reconstruction
summary: Pixels as they are, PSNR and MAE only.
preprocess: {preset: native@1}
image_metrics: [psnr, mae]
code_metrics: [bits_per_pixel, tokens_per_image]
block_size: 4
table: [bits_per_pixel, psnr, mae]
"""


# What a command may find otherwise than the server did: nothing that was imported there has read these.
_READ_LATER = ("VTBENCH_", "PYTEST_")


class CommandServer:
    """``python -m vtbench`` by children of one process that has imported what each of them would: seconds saved a call.

    A new process where there is no such server (not Linux), or where the environment differs in what is read at import.
    """

    def __init__(self) -> None:
        self._environment = dict(os.environ)
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("command_server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def serves(self, environment: dict[str, str]) -> bool:
        differing = dict(self._environment.items() ^ environment.items())
        return all(name.startswith(_READ_LATER) for name in differing)

    def run(
        self, arguments: list[str], cwd: Path, environment: dict[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        assert self._process.stdin is not None and self._process.stdout is not None
        with tempfile.TemporaryDirectory() as told:
            out, err = Path(told, "out"), Path(told, "err")
            asked = {"arguments": arguments, "cwd": str(cwd.absolute()), "env": environment, "timeout": timeout}
            self._process.stdin.write(json.dumps({**asked, "out": str(out), "err": str(err)}) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            read = (file.read_text(encoding="utf-8") for file in (out, err))
            return subprocess.CompletedProcess(["vtbench", *arguments], code, *read)

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="session")
def command_server() -> Iterator[CommandServer | None]:
    """Started by the first test that needs it."""
    if sys.platform != "linux":
        yield None
        return
    server = CommandServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def command_in(command_server: CommandServer | None) -> CommandLine:
    """``command_in(folder, "run", "--limit", "2", env={...}) -> CompletedProcess``."""

    def run(
        cwd: Path, *arguments: str, env: dict[str, str] | None = None, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        words, environment = [*map(str, arguments)], {**os.environ, **(env or {})}
        if command_server is not None and command_server.serves(environment):
            return command_server.run(words, cwd, environment, timeout)
        command = [sys.executable, "-m", "vtbench", *words]
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    return run


@pytest.fixture
def command_line(tmp_path: Path, command_in: CommandLine) -> CommandLine:
    """``command_line("run", "--limit", "2", env={...}) -> CompletedProcess``, in ``tmp_path`` unless told otherwise.

    A process of its own, which has imported nothing of the test's. The exit code is not checked: tests do, so that a
    failure shows what was printed.
    """

    def run(*arguments: str, cwd: Path = tmp_path, **named: Any) -> subprocess.CompletedProcess[str]:
        return command_in(cwd, *arguments, **named)

    return run


@dataclass(frozen=True)
class Done:
    """One ``vtbench`` command that ended: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What ``--json`` printed."""
        rows: list[dict[str, Any]] = json.loads(self.out)
        return rows

    def value(self, metric: str, row: int = 0) -> float:
        return float(self.rows[row]["results"][metric]["value"])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with ``quick.yaml``; nothing in it may touch the network."""
    monkeypatch.chdir(tmp_path)
    for name in ("VTBENCH_OFFLINE", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.setenv(name, "1")
    (tmp_path / "quick.yaml").write_text(QUICK)
    return tmp_path


@pytest.fixture
def vt(place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """``vt("run", "--task", "quick.yaml") -> Done``: the command line in this process, in :func:`place`.

    A module that was imported stays imported: code that is edited between two commands needs ``command_line``.
    """

    def run(*arguments: object) -> Done:
        from vtbench.cli.main import main

        monkeypatch.setattr(sys, "argv", ["vtbench", *map(str, arguments)])
        capfd.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        out, err = capfd.readouterr()
        return Done(code if isinstance(code, int) else int(code is not None), out, err)

    return run


@pytest.fixture
def images(place: Path) -> Callable[..., list[np.ndarray[Any, np.dtype[np.uint8]]]]:
    """``images("d", 4)``: seeded noise as ``d/00.png`` … of 48x40 pixels; returns the arrays."""

    def write(folder: str, count: int, offset: int = 0) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
        rng = np.random.default_rng(0)
        (place / folder).mkdir(parents=True, exist_ok=True)
        made = [rng.integers(0, 256 - offset, (40, 48, 3), dtype=np.uint8) for _ in range(count)]
        for number, array in enumerate(made):
            Image.fromarray(array + np.uint8(offset)).save(place / folder / f"{number:02d}.png")
        return made

    return write
