"""``vtbench`` in a process of its own that starts at once; the other fixtures are those of every test."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Done


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
