"""Suites from a file of one's own: what they hold, where their tasks lie, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from vtbench.core.errors import UsageError
from vtbench.run.planning.selection import select, select_tasks
from vtbench.tasks import is_suite_file, load_suite, load_task

TASK = """
name: {name}
version: 1
kind: reconstruction
summary: Pixels as they are.
preprocess: {{preset: native@1}}
image_metrics: [psnr]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "suites"
    place.mkdir()
    (place / "near.yaml").write_text(TASK.format(name="near"))
    (tmp_path / "far.yaml").write_text(TASK.format(name="far"))
    return place


def written(folder: Path, text: str) -> str:
    (folder / "mine.yaml").write_text(text)
    return str(folder / "mine.yaml")


def test_tasks_are_names_or_paths_from_the_folder_of_the_suite(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = tmp_path / "far.yaml"
    suite = f"summary: s\ntasks: [./near.yaml, ../far.yaml, {far}, photos-mini]\ntokenizers: [identity]\n"
    path = written(folder, suite)
    monkeypatch.chdir("/")
    assert [load_task(task).name for task in load_suite(path).tasks] == ["near", "far", "far", "photos-mini"]
    assert is_suite_file(path) and not is_suite_file(str(folder / "near.yaml")) and not is_suite_file("mini")


def test_it_runs_its_models_unless_others_are_given(folder: Path) -> None:
    path = written(
        folder, "summary: s\ntasks: [near.yaml, generation-mini]\ntokenizers: [identity]\ngenerators: [tiny-ar]\n"
    )
    whole = select((), (), (), path, has_data=False)
    assert (whole.tokenizers, whole.generators) == (("identity",), ("tiny-ar",)) and len(whole.tasks) == 2
    given = select(("jpeg",), (), (), path, has_data=False)
    assert (given.tokenizers, given.generators) == (("jpeg",), ())
    assert [Path(task).name for task in given.tasks] == ["near.yaml"]
    assert len(select_tasks((), path)) == 2


def test_models_may_be_left_to_the_command_line_and_must_then_be_given(folder: Path) -> None:
    path = written(folder, "summary: s\ntasks: [near.yaml]\n")
    assert select(("jpeg",), (), (), path, has_data=False).tokenizers == ("jpeg",)
    with pytest.raises(UsageError, match="names no tokenizer") as told:
        select((), (), (), path, has_data=False)
    assert "--tokenizer" in str(told.value)
    with pytest.raises(UsageError, match="no task for these models"):
        select((), ("tiny-ar",), (), path, has_data=False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tasks: [photos-mini]", "summary: Field required"),
        ("summary: s\ntasks: []", "tasks"),
        ("summary: s\ntasks: [a, a]", "a is listed twice"),
        ("summary: s\ntasks: [a]\ntokenizer: [b]", "tokenizer: Extra inputs"),
        ("mini: {summary: s, tasks: [a]}", "holds several suites (mini)"),
        ("- a", "must hold a mapping"),
        ("summary: s\ntasks: [!!python/name:os.system '']", "is not YAML"),
    ],
)
def test_a_file_that_is_no_suite_is_refused_by_name(folder: Path, text: str, told: str) -> None:
    path = written(folder, text)
    with pytest.raises(UsageError) as refused:
        load_suite(path)
    assert told in str(refused.value) and path in str(refused.value)


def test_an_unknown_suite_gets_a_suggestion(folder: Path) -> None:
    with pytest.raises(UsageError, match="did you mean multilingual"):
        load_suite("multilingal")
    with pytest.raises(UsageError, match=r"absent\.yaml cannot be read"):
        load_suite(str(folder / "absent.yaml"))
