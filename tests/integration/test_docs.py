"""The pages under docs are run as printed, with fewer samples, and what is generated is current."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from vtbench.tasks.reference import task_reference

DOCS = Path(__file__).parents[2] / "docs"
CommandLine = Callable[..., CompletedProcess[str]]


def blocks(page: str, *languages: str) -> list[tuple[str, str]]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```({'|'.join(languages)})\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def test_the_task_reference_is_what_the_yaml_says() -> None:
    written = (DOCS / "tasks.md").read_text(encoding="utf-8")
    assert written == task_reference(), "run: python -m vtbench.tasks.reference > docs/tasks.md"


@pytest.mark.slow
def test_the_quickstart_runs_as_printed(
    tmp_path: Path, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = 0
    for language, block in blocks("quickstart.md", "bash", "python"):
        if language == "python":
            exec(compile(block, "quickstart.md", "exec"), {})  # noqa: S102 - the page's own code
            continue
        for line in block.splitlines():
            words = line.split()
            assert words[0] == "vtbench"
            fewer = ["--limit", "24" if "generation/mini" in line else "3"] if words[1] == "run" else []
            done = command_line(*words[1:], *fewer, cwd=tmp_path)
            assert done.returncode == 0, f"{line}\n{done.stderr}"
            assert done.stdout.strip()
            ran += 1
    assert ran > 6


def test_the_analysis_page_runs_as_printed(
    tmp_path: Path, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    models = ["jpeg,quality=5", "jpeg,quality=30", "patch-rvq"]
    given = [word for model in models for word in ("--tokenizer", model)]
    done = command_line("run", *given, "--task", "photos-mini", "--limit", "4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for _, block in blocks("analysis.md", "python"):
        exec(compile(block, "analysis.md", "exec"), names)  # noqa: S102 - the page's own code
    shown = capsys.readouterr().out
    assert "photos-mini@1+" in shown and "jpeg,quality=30" in shown
