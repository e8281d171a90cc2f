"""Every template is written by the command, passes its own test and the linters, and runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from vtbench.cli.main import app
from vtbench.templates import KINDS, draft, write

CommandLine = Callable[..., CompletedProcess[str]]
TASK = """
name: mine
version: 1
kind: reconstruction
summary: The metric that was written, beside PSNR.
data: {source: photos-mini}
preprocess: {preset: native@1}
image_metrics: [psnr, {name: "./my_metric.py:MyMetric", params: {tolerance: 20}}]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of each kind."""
    from typer.testing import CliRunner

    place = tmp_path_factory.mktemp("new")
    for kind in KINDS:
        done = CliRunner().invoke(app, ["new", kind, f"my-{kind}", "--out", str(place)])
        assert done.exit_code == 0, done.output
        assert done.stdout.count("wrote ") == 2 and "next: python -m pytest" in done.stdout
    return place


def run(folder: Path, *words: str) -> CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_each_passes_the_test_that_comes_with_it(folder: Path) -> None:
    done = run(folder, "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert len(list(folder.glob("test_*.py"))) == len(KINDS)


@pytest.mark.parametrize("given", ["x", "MyOCR", "my-rather-long-tokenizer"])
def test_they_are_clean_by_the_linters_own_settings_whatever_the_name(given: str, tmp_path: Path) -> None:
    for kind in KINDS:
        place = tmp_path / kind
        write(draft(KINDS[kind], given, place, ()))
        for words in (("check",), ("format", "--check", "--diff")):
            done = run(place, "ruff", *words, "--isolated", "--no-cache", ".")
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("reference", ["./my_tokenizer.py:MyTokenizer,levels=4", "./my_generator.py:MyGenerator"])
def test_the_doctor_passes_what_was_written(folder: Path, command_line: CommandLine, reference: str) -> None:
    done = command_line("doctor", reference, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_tokenizer_and_metric_run_together(folder: Path, command_line: CommandLine, tmp_path: Path) -> None:
    (folder / "mine.yaml").write_text(TASK)
    words = [
        "run",
        "--task",
        "mine.yaml",
        "--trust",
        "mine.yaml",
        "--tokenizer",
        "./my_tokenizer.py:MyTokenizer",
        "--limit",
        "2",
        "--json",
    ]
    done = command_line(*words, "--out", str(tmp_path / "runs"), cwd=folder)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert 0 < row["results"]["my_metric"]["value"] < 1


def test_data_and_reader_run_together(folder: Path, command_line: CommandLine, tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "index.csv").write_text("file,label\nred.png,warm\n", encoding="utf-8")
    Image.new("RGB", (32, 32), (200, 10, 10)).save(tmp_path / "red.png")
    data = f"./my_dataset.py:MyDataset,path={tmp_path / 'index.csv'}"
    words = ["run", "--task", "folder-native", "--data", data, "--tokenizer", "identity", "--limit", "1", "--json"]
    done = command_line(*words, "--out", str(tmp_path / "runs"), cwd=folder)
    assert done.returncode == 0, done.stderr
    text = (Path(__file__).parents[2] / "tasks" / "text" / "english-mini.yaml").read_text(encoding="utf-8")
    text = text.replace("name: rapidocr", 'name: "./my_reader.py:MyReader"').replace("english-mini\nv", "read\nv")
    (folder / "read.yaml").write_text(text)
    words = ["run", "--task", "read.yaml", "--trust", "read.yaml", "--tokenizer", "identity", "--limit", "1", "--json"]
    done = command_line(*words, "--out", str(tmp_path / "runs"), cwd=folder)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert row["results"]["cer_excess"]["value"] == 0
