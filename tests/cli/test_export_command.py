"""``vtbench export``: what it prints, and its exit codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Vt = Callable[..., Any]


@pytest.fixture
def measured(vt: Vt, images: Callable[..., Any]) -> Path:
    images("d", 4)
    done = vt("run", "--task", "quick.yaml", "--data", "d", "-t", "jpeg,quality=5", "-t", "identity")
    assert done.code == 0, done.err
    return Path("runs")


def test_what_was_written_is_a_table_on_stdout(vt: Vt, measured: Path) -> None:
    pytest.importorskip("tensorboard")
    first, second = (vt("export", measured, "--to", "tensorboard", "--dest", "tb", "--json") for _ in range(2))
    assert (first.code, second.code) == (0, 0), first.err
    assert [row["run"] for row in first.rows] == ["quick/identity", "quick/jpeg,quality=5"]
    assert {row["what"] for row in first.rows} == {"written"} and {row["what"] for row in second.rows} == {
        "already there"
    }
    assert all(Path(row["where"]).is_file() and row["rows"] for row in first.rows)
    plain = vt("export", measured, "--to", "csv")
    assert plain.out.splitlines()[0] == "run\twhat\trows\timages\twhere" and "exported/csv/runs.csv" in plain.out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--to", "tensorbord"], 2, "did you mean tensorboard"),
        (["--to", "parquet", "--step", "3"], 2, "parquet has no use for --step"),
        (["--to", "hub-card"], 2, "--dest README.md"),
        (["--to", "tensorboard", "--run-name", "a"], 2, "would hold quick twice"),
    ],
)
def test_faults_are_told_in_two_lines(words: list[str], code: int, told: str, vt: Vt, measured: Path) -> None:
    pytest.importorskip("tensorboard")
    done = vt("export", measured, *words)
    assert (done.code, done.out) == (code, "") and told in done.err and len(done.err.splitlines()) == 2


def test_a_limited_run_enters_no_card(vt: Vt, images: Callable[..., Any]) -> None:
    images("d", 4)
    assert vt("run", "--task", "quick.yaml", "--data", "d", "-t", "identity", "--limit", "2").code == 0
    done = vt("export", "runs", "--to", "hub-card", "--dest", "README.md")
    assert done.code == 2 and "limited: 2 of 4 samples" in done.err and not Path("README.md").exists()


def test_wandb_without_an_account_tells_both_ways(
    vt: Vt, measured: Path, command_line: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    pytest.importorskip("wandb")
    clean = {"WANDB_ERROR_REPORTING": "false", "WANDB_MODE": "online", "WANDB_API_KEY": "", "VTBENCH_OFFLINE": ""}
    clean["HOME"] = str(tmp_path)  # no account
    refused = command_line("export", "runs", "--to", "wandb", env=clean)
    assert refused.returncode == 1 and "wandb login" in refused.stderr and "--offline" in refused.stderr
    assert "Traceback" not in refused.stderr
    done = command_line("export", "runs", "--to", "wandb", "--offline", env=clean)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("offline-run-") == 2
