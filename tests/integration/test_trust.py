"""Data are no code: whatever a file names, nothing of it runs unless the file is trusted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from vtbench.core.errors import UsageError
from vtbench.core.naming.trust import PROSE
from vtbench.core.outside.seals import unsealed
from vtbench.results.records import strict_json
from vtbench.run.config.reading import read_config
from vtbench.run.config.schema import RunConfig
from vtbench.tasks import Suite, TaskSpec, load_suite, load_task

CommandLine = Callable[..., CompletedProcess[str]]
HOSTILE = """
from pathlib import Path

Path("ran").touch()


class M:
    def __init__(self, *args, **kwargs):
        Path("ran").touch()
"""
TASK: dict[str, Any] = {
    "name": "t",
    "version": 1,
    "kind": "reconstruction",
    "summary": "s",
    "data": {"source": "photos-mini"},
    "preprocess": {"preset": "native@1"},
    "image_metrics": ["mae"],
    "block_size": 4,
    "previews": {"by": "mae"},
}


def places(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every field of a model, and of the models in it, that can hold a text."""
    for name, field in model.model_fields.items():
        kinds = [field.annotation, *get_args(field.annotation)]
        nested = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if nested is not None and get_origin(field.annotation) is not tuple:
            yield from places(nested, (*prefix, name))
        elif "str" in str(field.annotation) or nested is not None:
            yield (*prefix, name)


def with_value(content: dict[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    first, *rest = place
    inner = with_value(content.get(first) or {}, tuple(rest), value) if rest else value
    return {**content, first: inner}


@pytest.mark.parametrize("place", list(places(TaskSpec)), ids=".".join)
@pytest.mark.parametrize("code", ["./m.py:M", "os:system", "boxes,reader=./m.py:M"])
def test_no_field_of_a_task_runs_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[str, ...], code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(HOSTILE)
    for value in (code, [code], [{"name": code}], {code: 1}):
        content = with_value(TASK, place, value)
        Path("t.yaml").write_text(yaml.safe_dump(content))
        if place[-1] in PROSE:
            continue
        with pytest.raises(UsageError, match="names code of its own"):
            load_task("t.yaml")
    assert not Path("ran").exists()


@pytest.mark.parametrize("field", ["tasks", "tokenizers", "generators"])
@pytest.mark.parametrize("code", ["./m.py:M", "os:system", 'command,run="touch ran"'])
def test_no_field_of_a_suite_runs_code(tmp_path: Path, field: str, code: str) -> None:
    content = {"summary": "s", "tasks": ["photos-mini"], "tokenizers": ["identity"], field: [code]}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UsageError, match="names code of its own"):
        load_suite(str(path))
    assert isinstance(load_suite(str(path), [tmp_path]), Suite)


@pytest.mark.parametrize("place", list(places(RunConfig)), ids=".".join)
@pytest.mark.parametrize("code", ["./m.py:M", "os:system", "boxes,reader=./m.py:M", 'command,run="touch ran"'])
def test_no_field_of_a_run_config_runs_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[str, ...], code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(HOSTILE)
    apart = [{"model": "m", "name": code}, {"model": "m", "args": {"k": [{"deep": code}]}}, {"model": code, "args": {}}]
    for value in (code, [code], [{"model": code}], {code: 1}, *([each] for each in apart)):
        Path("run.yaml").write_text(yaml.safe_dump({"tokenizers": ["identity"], **with_value({}, place, value)}))
        with pytest.raises(UsageError, match="names code of its own"):
            read_config("run.yaml")
        with pytest.raises(UsageError, match="names code of its own"):
            read_config("run.yaml", [tmp_path / "m.py", tmp_path / "other"])
    assert not Path("ran").exists()


def test_every_field_of_a_run_config_that_takes_a_reference_is_walked() -> None:
    walked = {place[0] for place in places(RunConfig)}
    assert {"tokenizers", "generators", "tasks", "suite", "data", "reference", "out", "samples", "device"} <= walked


def test_a_run_config_imports_nothing_before_it_is_trusted(tmp_path: Path, command_line: CommandLine) -> None:
    (tmp_path / "m.py").write_text(HOSTILE)
    for field in ("tokenizers: ['./m.py:M']", "tokenizers: [{model: ./m.py:M}]", "data: ./m.py:M", "reference: m:M"):
        (tmp_path / "run.yaml").write_text(field)
        for words in ((), ("--dry-run",), ("--dry-run", "--save-config", "other.yaml", "-t", "identity")):
            done = command_line("run", "--config", "run.yaml", "--task", "photos-mini", *words)
            assert done.returncode == 2 and "--trust run.yaml" in done.stderr and done.stdout == "", done.stderr
        shown = command_line("show", "run.yaml")
        assert shown.returncode == 0 and ":M (" in shown.stdout and "--trust run.yaml" in shown.stdout
    assert not (tmp_path / "ran").exists() and not (tmp_path / "other.yaml").exists()
    command_line("run", "--config", "run.yaml", "-t", "./m.py:M", "--task", "photos-mini", "--trust", "run.yaml")
    assert (tmp_path / "ran").exists()  # the very code that was not run before


def test_a_command_line_imports_nothing_that_a_file_names(tmp_path: Path, command_line: CommandLine) -> None:
    (tmp_path / "m.py").write_text(HOSTILE)
    for source, metric in (("./m.py:M", "mae"), ("photos-mini", "./m.py:M")):
        content = {**TASK, "data": {"source": source}, "image_metrics": [metric]}
        (tmp_path / "t.yaml").write_text(yaml.safe_dump(content))
        for words in (("run", "--task", "t.yaml", "-t", "identity"), ("run", "--task", "t.yaml", "--dry-run")):
            done = command_line(*words, "--limit", "4")
            assert done.returncode == 2 and "--trust t.yaml" in done.stderr and done.stdout == "", done.stderr
        shown = command_line("show", "t.yaml")
        assert shown.returncode == 0 and "./m.py:M" in shown.stdout and "--trust" in shown.stdout
    assert not (tmp_path / "ran").exists()


def test_a_trusted_file_runs_its_code_and_a_received_plan_does_not(tmp_path: Path, command_line: CommandLine) -> None:
    (tmp_path / "m.py").write_text(
        "from vtbench.core.info import MetricInfo\nfrom vtbench.metrics.images.pixel import Mae\n\n\n"
        'class M(Mae):\n    info = MetricInfo(name="mine", version=1, kind="image", higher_is_better=False)\n'
    )
    (tmp_path / "t.yaml").write_text(yaml.safe_dump({**TASK, "image_metrics": ["mae", "./m.py:M"]}))
    words = ("run", "--task", "t.yaml", "-t", "jpeg,quality=10", "--limit", "4", "--json", "--trust", "t.yaml")
    first = command_line(*words)
    assert first.returncode == 0, first.stderr
    results = json.loads(first.stdout)[0]["results"]
    assert results["mine"]["value"] == results["mae"]["value"]
    again = command_line(*words)
    assert again.returncode == 0 and json.loads(again.stdout)[0]["results"] == results
    refused = command_line("rescore", "runs")
    assert refused.returncode == 2 and "names code of its own: ./m.py:M" in refused.stderr
    scored = command_line("rescore", "runs", "--trust", "runs", "--json")
    assert scored.returncode == 0 and json.loads(scored.stdout)[0]["results"] == results

    (plan,) = (tmp_path / "runs").rglob("plan.json")
    content = unsealed(json.loads(plan.read_text()))
    content["task"]["image_metrics"].append({"name": "./evil.py:M", "params": {}})
    plan.write_text(strict_json.dumps_sealed(content))  # whoever forges a plan can seal it, too
    (tmp_path / "evil.py").write_text(HOSTILE)
    assert command_line("rescore", "runs").returncode == 2
    (plan.parent / "record.json").unlink()
    mended = command_line(*words)
    assert mended.returncode == 0 and json.loads(mended.stdout)[0]["results"] == results, mended.stderr
    assert not (tmp_path / "ran").exists()
