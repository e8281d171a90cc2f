"""The pages under docs are run as printed, with fewer samples, and what is generated is current."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

import vtbench
from vtbench.results.tables.frames import SAMPLES_COLUMNS
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
            fewer = (
                ["--limit", "24" if "generation/mini" in line or "--suite" in line else "3"]
                if words[1] == "run"
                else []
            )
            done = command_line(*words[1:], *fewer, cwd=tmp_path)
            assert done.returncode == 0, f"{line}\n{done.stderr}"
            assert done.stdout.strip()
            ran += 1
    assert ran > 6


@pytest.mark.parametrize("page", ["analysis.md", "records.md", "quickstart.md"])
def test_every_page_on_results_reads_a_folder_of_every_kind_of_task(
    page: str, every_kind_of_task: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(every_kind_of_task)
    names: dict[str, object] = {}
    read = [block for _, block in blocks(page, "python") if not block.startswith("# mine.py")]
    assert read
    for block in read:
        exec(compile(block, page, "exec"), names)  # noqa: S102 - the page's own code
    shown = capsys.readouterr().out
    if page == "analysis.md":
        assert "photos-mini@2+" in shown and "english-mini@1+" in shown and "jpeg,quality=30" in shown


def test_a_frame_of_samples_holds_every_kind_of_task(every_kind_of_task: Path) -> None:
    frame = vtbench.samples_frame(every_kind_of_task / "runs")
    records = vtbench.load_records(every_kind_of_task / "runs")
    assert {str(record.task.spec["kind"]) for record in records} == {"reconstruction", "detail", "text", "generation"}
    assert len(frame) == sum(record.data.n_expected for record in records) and frame["run"].nunique() == len(records)
    strata = [name for name in frame.columns if name.startswith("stratum_")]
    metrics = [name for name in frame.columns if name not in {*SAMPLES_COLUMNS, *strata}]
    assert {"stratum_glyph_px", "stratum_kind"} <= set(strata) and {"psnr", "text_edits"} <= set(metrics)
    assert list(frame.columns) == [*SAMPLES_COLUMNS, *strata, *metrics]
    assert {str(frame[name].dtype) for name in strata} == {"string"}
    assert {str(frame[name].dtype) for name in metrics} == {"float64"}
    of_text = frame[frame["task"] == "english-mini"]
    assert of_text["stratum_glyph_px"].notna().all() and of_text["stratum_kind"].isna().all()


def test_the_task_page_shows_a_task_that_is_one(tmp_path: Path) -> None:
    from vtbench.tasks import load_task

    (_, shown), *_ = blocks("adding-a-task.md", "yaml")
    (tmp_path / "my-task.yaml").write_text(shown, encoding="utf-8")
    task = load_task(str(tmp_path / "my-task.yaml"))
    assert task.protocol_id.startswith("my-task@1+") and task.preprocess.size == 256


@pytest.fixture(scope="module")
def helps() -> dict[tuple[str, ...], CompletedProcess[str]]:
    """What ``--help`` of each verb printed: asked for once."""
    return {}


PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_every_page_has_the_options_it_shows(
    page: str, command_line: CommandLine, helps: dict[tuple[str, ...], CompletedProcess[str]]
) -> None:
    commands = [line.partition(" #")[0].split() for _, block in blocks(page, "bash") for line in block.splitlines()]
    for words in (words for words in commands if words[:1] == ["vtbench"] and len(words) > 1):
        verb = tuple(words[1:3] if words[1] in ("stats", "leaderboard") else words[1:2])
        if verb not in helps:
            helps[verb] = command_line(*verb, "--help", env={"COLUMNS": "200", "NO_COLOR": "1"})
        assert helps[verb].returncode == 0, f"{page}: {' '.join(words)}"
        for option in (word for word in words if word.startswith("--")):
            assert option.partition("=")[0] in helps[verb].stdout, f"{page}: {' '.join(words)} has no {option}"
