"""``vtbench run --config``: every option has its key, flags go before it, and what is saved plans the same jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.conftest import Done
from vtbench.cli.completion import yaml_files
from vtbench.cli.flags import PARAMETERS
from vtbench.cli.main import app
from vtbench.cli.panels import PANELS
from vtbench.run.config.refusals import OF_ONE_CALL
from vtbench.run.config.schema import RunConfig

Vt = Callable[..., Done]
RUN = typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]
DRY = ("run", "--dry-run", "--json")


def test_every_option_of_run_has_its_key_with_its_default_and_every_key_its_option() -> None:
    options = {parameter.name: parameter for parameter in RUN.params if parameter.name != "help"}
    names = {PARAMETERS.get(key, key): key for key in RunConfig.model_fields}
    assert set(options) - set(names) == set(OF_ONE_CALL) and set(names) <= set(options)
    defaults = RunConfig.model_validate({})
    for option, key in names.items():
        default = options[option].default
        assert getattr(defaults, key) == (() if key in PARAMETERS else str(default) if key == "out" else default), key
        assert options[option].multiple is (key in PARAMETERS)
        if isinstance(default, bool):
            assert options[option].secondary_opts == [f"--no-{option.replace('_', '-')}"]


@pytest.mark.parametrize("verb", ["run", "score"])
def test_help_groups_every_option(vt: Vt, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    parameters = typer.main.get_command(app).commands[verb].params  # type: ignore[attr-defined]
    used = {one.rich_help_panel for one in parameters} & set(PANELS)
    panels = [line.split("─ ")[1].split(" ─")[0] for line in vt(verb, "--help").out.splitlines() if "╭" in line]
    assert panels[:2] == ["Options", "Models and tasks"] and set(panels[1:]) == used
    assert [one.name for one in parameters if one.rich_help_panel not in PANELS and one.name != "help"] == []


def jobs(done: Done) -> list[tuple[Any, ...]]:
    """Model, protocol id and folder, whose last part is the job key."""
    assert done.code == 0, done.err
    return [(row["model"], row["protocol"], row["folder"], row["samples"]) for row in done.rows]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("-t", "jpeg,quality=10", "-t", "jpeg,quality=30,subsampling=4:2:0,name=mine", "--task", "photos-mini"),
        ("--suite", "own.yaml", "-t", "identity"),
        ("--data", "d", "-t", "images,path=d", "--limit", "2"),
        ("-g", "tiny-ar,temperature=0.5", "--task", "generation/mini", "--seed", "7", "--dtype", "float32"),
        ("-t", "patch-vq", "-g", "tiny-ar", "--suite", "mini", "--limit", "3", "--workers-of", "none", "--out", "o"),
        ("-t", "identity", "--task", "quick.yaml", "--data", "photos-mini", "--strict", "--fresh"),
    ],
    ids=" ".join,
)
def test_what_was_saved_plans_the_same_jobs(vt: Vt, images: Callable[..., Any], words: tuple[str, ...]) -> None:
    images("d", 3)
    Path("own.yaml").write_text("summary: s\ntasks: [quick.yaml, photos-mini]\ntokenizers: [jpeg]\n")
    data = ("--data", "d") if "own.yaml" in words else ()
    planned = jobs(vt(*DRY, *words, *data, "--save-config", "configs/saved.yaml"))
    assert planned == jobs(vt(*DRY, *words, *data))
    assert jobs(vt(*DRY, "--config", "configs/saved.yaml", "--save-config", "again.yaml")) == planned
    first, again = (Path(name).read_text().splitlines()[2:] for name in ("configs/saved.yaml", "again.yaml"))
    assert [line for line in again if "quick.yaml" not in line] == [line for line in first if "quick.yaml" not in line]
    assert not list(Path().rglob("plan.json"))


def test_a_model_at_several_settings_is_so_many_models(vt: Vt) -> None:
    wanted = ["jpeg,quality=10", "jpeg,quality=30", "webp,quality=5"]
    words = ("--task", "photos-mini")
    rows = vt(*DRY, "-t", "jpeg,quality=10|30", "-t", "webp,quality=5", *words).rows
    assert [row["model"] for row in rows] == wanted
    models = "[{model: jpeg, args: {quality: 10|30}}, 'webp,quality=5']"
    Path("run.yaml").write_text(f"tokenizers: {models}\ntasks: [photos-mini]\n", encoding="utf-8")
    assert [row["model"] for row in vt(*DRY, "--config", "run.yaml").rows] == wanted
    told = vt(*DRY, "-t", "jpeg,quality=10|30", "-t", "jpeg,quality=30", *words)
    assert told.code == 2 and "jpeg,quality=30 is given twice" in told.err


def test_flags_go_before_the_file(vt: Vt, images: Callable[..., Any]) -> None:
    images("d", 4)
    Path("run.yaml").write_text(
        "tokenizers: [jpeg, webp]\ntasks: [quick.yaml]\ndata: d\nlimit: 2\nout: a\nstrict: true\noffline: false\n"
    )

    def of(*words: str) -> dict[str, Any]:
        saved = Path("saved.yaml")
        saved.unlink(missing_ok=True)
        rows = vt(*DRY, "--config", "run.yaml", *words, "--save-config", str(saved)).rows
        text = saved.read_text()
        return {"models": [row["model"] for row in rows], "samples": {row["samples"] for row in rows}, "text": text}

    assert of()["models"] == ["jpeg", "webp"] and of()["samples"] == {2}
    assert of("-t", "identity")["models"] == ["identity"]
    assert of("--limit", "3")["samples"] == {3}
    assert "strict: true" in of()["text"] and "strict: false" in of("--no-strict")["text"]
    assert "out: a" in of()["text"] and "out: runs\n" in of("--out", "runs")["text"]
    assert "seed: 0" in of("--seed", "0")["text"]
    both = vt("run", "--config", "run.yaml", "--task", "photos-mini", "--suite", "mini")
    assert both.code == 2 and "--suite and --task exclude each other" in both.err
    replaced = vt(*DRY, "--config", "run.yaml", "--suite", "mini", "--limit", "1")
    assert {row["protocol"].split("@")[0] for row in replaced.rows} > {"photos-mini"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tokenizers: [{model: jpeg, arg: {}}]", "run.yaml is not a valid run config: tokenizers.0.arg: no such key;"),
        ("lmit: 3", "lmit: no such key; did you mean limit?"),
        ("tokenizers: [jpg]", "did you mean jpeg"),
        ("tokenizers: [{model: jpeg, args: {qualty: 3}}]", "did you mean quality"),
        ("tokenizers: ['./m.py:M']", "--trust run.yaml"),
        ("tasks: [photo-mini]", "did you mean photos-mini"),
        ("device: tpu", "tpu"),
    ],
)
def test_what_is_wrong_in_a_file_exits_with_2(vt: Vt, text: str, told: str) -> None:
    Path("run.yaml").write_text(text)
    done = vt("run", "--config", "run.yaml")
    assert (done.code, done.out) == (2, "") and told in done.err
    assert not list(Path().rglob("plan.json"))


def test_a_mistake_in_a_file_is_told_without_torch(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("lmit: 3")
    code = (
        "import sys\nsys.argv = ['vtbench', 'run', '--config', 'run.yaml']\nfrom vtbench.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(end.code, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"] and "did you mean limit?" in done.stderr


def test_the_record_holds_the_invocation_and_its_results_do_not_depend_on_how_it_came(
    vt: Vt, images: Callable[..., Any]
) -> None:
    from vtbench.results.records.record import find_records, read_record

    images("d", 4)
    words = ("-t", "jpeg,quality=20", "--task", "quick.yaml", "--data", "d", "--limit", "3")
    assert vt("run", *words, "--out", "flags", "--save-config", "run.yaml").code == 0
    assert vt("run", "--config", "run.yaml", "--out", "file").code == 0
    of_flags, of_file = (read_record(find_records(out)[0]) for out in ("flags", "file"))
    assert of_flags.results_digest() == of_file.results_digest()
    assert (of_flags.job_key, of_flags.run_id) == (of_file.job_key, of_file.run_id)
    assert of_file.config.run == {**of_flags.config.run, "out": "file"}
    assert of_flags.config.run["tokenizers"] == ["jpeg,quality=20"] and of_flags.config.run["limit"] == 3
    assert {**of_flags.config.given, "out": "file"} == dict(of_file.config.given)
    assert of_file.command[1:4] == ("run", "--config", "run.yaml")
    Path("run.json").write_text(json.dumps(of_file.config.run))  # JSON is YAML
    again = vt("run", "--config", "run.json", "--json")
    assert again.code == 0 and "reuse" in again.err


def test_a_record_without_an_invocation_is_read(vt: Vt, images: Callable[..., Any]) -> None:
    from vtbench.core.outside.seals import unsealed
    from vtbench.results.records.record import RunRecord, find_records

    images("d", 2)
    assert vt("run", "-t", "identity", "--task", "quick.yaml", "--data", "d").code == 0
    content = unsealed(json.loads(find_records("runs")[0].read_text()))
    digest = RunRecord.model_validate(content).results_digest()
    del content["config"]["run"]
    old = RunRecord.model_validate(content)
    assert old.config.run == {} and old.results_digest() == digest


def test_a_file_is_shown_by_what_it_holds(vt: Vt) -> None:
    Path("run.yaml").write_text(
        "tokenizers: [jpeg, {model: jpeg, args: {quality: 3}}]\ntasks: [./quick.yaml]\nlimit: 3\n"
    )
    shown = {row["field"]: row["value"] for row in vt("show", "run.yaml", "--json").rows}
    assert shown["kind"] == "run config" and shown["tokenizers"] == "jpeg\njpeg,quality=3"
    assert (shown["tasks"], shown["limit"], shown["out"]) == ("quick.yaml", 3, "runs")
    Path("run.yaml").write_text("tokenizers: ['./m.py:M']\n")
    shown = {row["field"]: row["value"] for row in vt("show", "run.yaml", "--json").rows}
    assert "./m.py:M (tokenizers.0)" in shown["code"] and "--trust run.yaml" in shown["note"]


def test_files_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("run.yaml", "rest.yml", "run.txt", "sub/deep.yaml", ".hidden.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert yaml_files("") == ["rest.yml", "run.yaml", "sub/"]
    assert yaml_files("ru") == ["run.yaml"] and yaml_files("sub/") == yaml_files("sub/d") == ["sub/deep.yaml"]
    assert yaml_files("none/") == [] and yaml_files(".h") == [".hidden.yaml"]
    assert yaml_files(f"{tmp_path}/r") == [f"{tmp_path}/rest.yml", f"{tmp_path}/run.yaml"]
