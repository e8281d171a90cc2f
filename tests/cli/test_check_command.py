"""``vtbench check`` on a real run, and the recipes of docs/ci.md as they are printed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from vtbench.cli.main import app
from vtbench.core.errors import UsageError
from vtbench.results.records.record import read_record, write_record
from vtbench.results.records.samples import Samples, read_samples, write_samples
from vtbench.results.records.statistics import aggregate

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]
TASK = """
name: small
version: 1
kind: reconstruction
summary: Photographs, cheap metrics.
data: {source: photos-mini}
preprocess: {preset: native@1}
image_metrics: [psnr, psnr_pooled, ssim, mae]
set_metrics:
  - {name: kid_efflite0, params: {subset_size: 8, subsets: 20, paired: true}}
code_metrics: [bits_per_pixel, tokens_per_image]
block_size: 4
tolerances: {psnr: 0.05, psnr_pooled: 0.05, ssim: 0.001, mae: 0.05}
"""
TOKENIZER = """
import torch
from vtbench.core.codes import Codes
from vtbench.core.info import TokenizerInfo

STEPS = 15


class MyTokenizer:
    info = TokenizerInfo(name="mine", kind="discrete", codebook_sizes=(16,))

    def encode(self, images):
        grey = torch.nn.functional.avg_pool2d(images.mean(1), 4)
        return Codes(levels=((grey * STEPS).round().long(),), image_size=tuple(images.shape[-2:]))

    def decode(self, codes):
        grey = codes.levels[0][:, None].float() / STEPS
        return torch.nn.functional.interpolate(grey, scale_factor=4).expand(-1, 3, -1, -1)
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, command_in: CommandLine) -> Path:
    """The folder of one real run of sixteen photographs."""
    folder = tmp_path_factory.mktemp("measured")
    (folder / "small.yaml").write_text(TASK)
    command = ["run", "--task", "./small.yaml", "-t", "jpeg,quality=20", "--limit", "16", "--out", "runs"]
    done = command_in(folder, *command)
    assert done.returncode == 0, done.stderr
    return next(folder.rglob("record.json")).parent


def changed(run: Path, to: Path, change: Callable[[str, np.ndarray], np.ndarray], label: str | None = None) -> Path:
    """A copy of a real run whose rows ``change(column, values)`` made, with the values that follow from them."""
    record, samples = read_record(run), read_samples(run / "samples.parquet")
    metrics = {name: change(name, column) for name, column in samples.metrics.items()}
    values = {name: aggregate(rows, "mean").value for name, rows in metrics.items()}
    values["psnr_pooled"] = aggregate(metrics["mse"], "pooled_psnr").value
    results = [
        result.model_copy(update={"value": values[result.metric], "ci_low": None, "ci_high": None})
        if result.metric in values
        else result
        for result in record.results
    ]
    write_samples(Samples(**{**samples.__dict__, "metrics": metrics}), to / "samples.parquet")
    model = record.model.model_copy(update={"label": label or record.model.label})
    write_record(record.model_copy(update={"results": tuple(results), "model": model}), to / "record.json")
    return to


def test_update_then_check_then_a_planted_regression(command_line: CommandLine, measured: Path, tmp_path: Path) -> None:
    assert command_line("check", measured, "--baseline", "b.json").returncode == 2
    assert command_line("check", measured, "--baseline", "b.json", "--update").returncode == 0
    done = command_line("check", measured, "--baseline", "b.json")
    assert done.returncode == 0, done.stderr
    header, *rows = (line.split("\t") for line in done.stdout.splitlines())
    assert {row[header.index("verdict")] for row in rows} == {"ok"}
    assert {"coverage", "psnr", "ssim", "kid_efflite0"} <= {row[header.index("metric")] for row in rows}

    worse = changed(measured, tmp_path / "worse", lambda name, rows: rows - 0.1 if name == "psnr" else rows)
    done = command_line("check", worse, "--baseline", "b.json", "--json", "--junit", "report.xml")
    assert done.returncode == 1
    assert "regression: jpeg,quality=20 on small: psnr -0.1: paired on 16 samples" in done.stderr
    verdicts = {row["metric"]: row["verdict"] for row in json.loads(done.stdout)}
    assert [name for name, verdict in verdicts.items() if verdict == "regression"] == ["psnr"]
    suite = ElementTree.parse(tmp_path / "report.xml").getroot().find("testsuite")
    assert suite is not None and suite.get("failures") == "1" and suite.get("tests") == str(len(verdicts))
    assert command_line("check", worse, "--baseline", "b.json", "--tolerance", "psnr=0.2").returncode == 0


def test_other_workers_and_batches_pass(command_line: CommandLine, measured: Path, tmp_path: Path) -> None:
    """The real thing once; fifty imitations of it are in the unit tests."""
    (tmp_path / "small.yaml").write_text(TASK)
    words = ["--task", "./small.yaml", "-t", "jpeg,quality=20", "--limit", "16", "--out", "again"]
    assert command_line("run", *words, "--batch-size", "3", "--workers", "1").returncode == 0
    done = command_line("check", "again", "--baseline", measured)
    assert done.returncode == 0, done.stdout
    assert command_line("check", measured, "again", "--baseline", "c.json", "--calibrate").returncode == 0
    assert command_line("check", "again", "--baseline", "c.json").returncode == 0


def test_another_protocol_exits_with_3_and_is_named(command_line: CommandLine, measured: Path, tmp_path: Path) -> None:
    record = read_record(measured)
    task = record.task.model_copy(update={"protocol_id": "small@2+00000000"})
    write_record(record.model_copy(update={"task": task}), tmp_path / "other" / "record.json")
    done = command_line("check", "other", "--baseline", measured)
    assert done.returncode == 3 and "now small@2+00000000" in done.stderr and "--update" in done.stderr
    done = command_line("compare", measured, "other")
    assert done.returncode == 3 and "nothing compares" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--baseline", "nothing.json"], "--update"),
        (["--baseline", "RUN", "--update"], "is no baseline"),
        (["--baseline", "x.json", "--calibrate"], "a spread needs 2"),
        (["--baseline", "x.json", "--calibrate", "--update"], "exclude each other"),
        (["--baseline", "RUN", "--tolerance", "psnr"], "METRIC=VALUE"),
        (["--baseline", "RUN", "--tolerance", "psnr=-1"], "from 0 up"),
    ],
)
def test_refusals_say_what_to_do(measured: Path, tmp_path: Path, arguments: list[str], told: str) -> None:
    words = [str(measured) if word == "RUN" else str(tmp_path / word) if "." in word else word for word in arguments]
    done = CliRunner().invoke(app, ["check", str(measured), *words])
    assert isinstance(done.exception, UsageError) and told in str(done.exception) and done.stdout == ""


def test_compare_prints_every_format(measured: Path, tmp_path: Path) -> None:
    other = changed(measured, tmp_path / "o", lambda name, rows: rows + 0.1 if name == "psnr" else rows, "other")

    def printed(*options: str) -> str:
        done = CliRunner(env={"COLUMNS": "160"}).invoke(app, ["compare", str(measured), str(other), *options])
        assert done.exception is None
        return done.stdout

    header, *rows = (line.split("\t") for line in printed().splitlines())
    psnr = dict(zip(header, next(row for row in rows if "psnr" in row), strict=True))
    assert psnr["verdict"] == "better" and float(psnr["difference"]) == pytest.approx(0.1)
    assert psnr["baseline"] == "jpeg,quality=20" and psnr["candidate"] == "other"
    assert len(json.loads(printed("--json"))) == len(rows)
    assert printed("--format", "csv").startswith("task,metric,")
    assert "| psnr |" in printed("--format", "md")
    shown = printed("--format", "table")
    assert "other against jpeg,quality=20" in shown and "+0.10" in shown
    done = CliRunner().invoke(app, ["compare", str(measured), str(other), "--format", "yaml"])
    assert isinstance(done.exception, UsageError) and "md" in str(done.exception)


@pytest.mark.parametrize("verb", [["compare"], ["check", "--baseline"]])
def test_torch_is_not_imported(measured: Path, verb: list[str]) -> None:
    words = ["vtbench", *verb, str(measured), str(measured)]
    code = (
        f"import sys\nsys.argv = {words!r}\nfrom vtbench.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert not {'torch', 'torchvision', 'sklearn'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def block(language: str, start: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    return next(text for text in blocks if text.startswith(start))


def workflow_steps() -> Iterator[str]:
    """The printed workflow's own commands; installation and downloads are the machine's."""
    for step in yaml.safe_load(block("yaml", "name: quality"))["jobs"]["gate"]["steps"]:
        if step.get("run", "").startswith(("vtbench run", "vtbench check", "vtbench compare")):
            yield step["run"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a tokenizer of its own, and the first steps of the page behind it."""
    (tmp_path / "small.yaml").write_text(re.sub(r"set_metrics:\n.*\n", "", TASK))
    (tmp_path / "tokenizer.py").write_text(TOKENIZER)
    for command in block("bash", "vtbench run").splitlines()[:2]:
        shell(command.partition("#")[0], tmp_path)
    assert (tmp_path / "quality" / "baseline.json").is_file()
    return tmp_path


def shortened(text: str) -> str:
    """Four images and metrics that load no network: the same job in a few seconds."""
    return text.replace("photos-mini", "./small.yaml").replace("vtbench run ", "vtbench run --limit 4 ")


def shell(command: str, cwd: Path, expected: int = 0) -> subprocess.CompletedProcess[str]:
    """As GitHub runs a step."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", shortened(command)],
        cwd=cwd,
        env={**os.environ, "PATH": path, "GITHUB_STEP_SUMMARY": str(cwd / "summary.md")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expected, done.stderr
    return done


def test_the_printed_workflow_and_test_do_what_they_say(project: Path) -> None:
    run, check, compare = workflow_steps()
    for command in (run, check, compare):
        shell(command, project)
    assert ElementTree.parse(project / "quality.xml").getroot().get("failures") == "0"
    recipe = block("python", "# test_quality.py")
    assert recipe.count('"run", ') == 1
    (project / "test_quality.py").write_text(shortened(recipe).replace('"run", ', '"run", "--limit", "4", '))
    shell(f"{sys.executable} -m pytest -q -p no:cacheprovider test_quality.py", project)

    (project / "tokenizer.py").write_text(TOKENIZER.replace("STEPS = 15", "STEPS = 5"))
    shutil.rmtree(project / "runs")  # a checkout of its own
    shell(run, project)
    assert "regression: " in shell(check, project, expected=1).stderr
    shell(compare, project)
    assert "worse" in (project / "summary.md").read_text()


def test_the_printed_run_config_is_measured_and_passes_its_gate(project: Path) -> None:
    (project / "quality" / "run.yaml").write_text(shortened(block("yaml", "# quality/run.yaml")))
    shutil.copy(project / "small.yaml", project / "quality")  # files of tasks lie beside it
    shutil.rmtree(project / "runs")
    for command in block("bash", "vtbench run --config").splitlines():
        shell(command.partition("#")[0], project)
    assert next(project.rglob("record.json")).is_file()


def test_every_other_printed_command_exists() -> None:
    shown = [
        line
        for text in re.findall(r"^```bash\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
        for line in text.split("\n")
    ]
    verbs, runner = ("run", "check", "compare"), CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
    known = {verb: runner.invoke(app, [verb, "--help"]).stdout for verb in verbs}
    commands = [line.partition("#")[0].split() for line in shown if line.startswith("vtbench ")]
    assert len(commands) == 11
    for _, verb, *words in commands:
        assert all(word in known[verb] for word in words if word.startswith("--"))
