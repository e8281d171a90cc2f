"""Situations from public reports of other tools' users: a folder, a task that needs no network, and ``vtbench``."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

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


def _child(arguments: tuple[str, ...], path: str, out: Path, err: Path) -> None:
    for stream, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    sys.path[:0] = [path] if path else []
    sys.argv = ["vtbench", *arguments]
    sys.dont_write_bytecode = True  # as edits here follow one another within a second
    from vtbench.cli.main import main

    code: Any = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


@pytest.fixture
def fresh(place: Path, images: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Done]:
    """``vtbench`` in a process that has imported nothing of the test's: a fork, which starts at once."""
    import vtbench.run.session  # noqa: F401 - imported once for all of them

    images("d", 4)
    told = tmp_path_factory.mktemp("told")

    def run(*arguments: object, path: str = str(place)) -> Done:
        out, err = told / "out", told / "err"
        process = multiprocessing.get_context("fork").Process(
            target=_child, args=(tuple(map(str, arguments)), path, out, err)
        )
        process.start()
        process.join(120)
        assert process.exitcode is not None
        return Done(process.exitcode, out.read_text(), err.read_text())

    return run
