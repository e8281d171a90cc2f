"""Every block of ``docs/export.md`` does what it says, as printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vtbench.export.destinations import DESTINATIONS

PAGE = (Path(__file__).parents[3] / "docs" / "export.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_every_destination_is_shown() -> None:
    shown = "".join(block for _, block in BLOCKS)
    assert {name for name in DESTINATIONS if f"--to {name} " not in shown} == set()


@pytest.mark.parametrize(
    ("language", "block"), BLOCKS, ids=[block.split("--to ")[-1][:12].strip() for _, block in BLOCKS]
)
def test_the_block_runs_as_printed(language: str, block: str, make_run: Callable[..., Path], tmp_path: Path) -> None:
    for library in ("tensorboard", "wandb", "mlflow"):
        if library in block:
            pytest.importorskip(library)
    make_run("runs/a")
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "WANDB_ERROR_REPORTING": "false", "PATH": beside}
    command = ["bash", "-euc", block] if language == "bash" else [sys.executable, "-c", block]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **quiet}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "written" in done.stdout
    kept = {path.name for path in tmp_path.iterdir()} - {"runs"}
    assert kept and kept <= {"tb", "wandb", "mlruns", "README.md", "tables"}
