"""``vtbench leaderboard``: add, build, check, show, page, exit codes, and nothing heavy on the way."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vtbench.results.records.record import RunRecord, write_record

CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]


def record(model: str, psnr: float) -> RunRecord:
    return RunRecord.model_validate(
        {
            "status": "complete",
            "created": "2026-01-01T00:00:00Z",
            "finished": "2026-01-01T00:01:00Z",
            "model": {"reference": model, "label": model, "name": model, "kind": "codec"},
            "task": {
                "name": "photos",
                "version": 1,
                "protocol_id": "photos@1+00000000",
                "spec": {"kind": "reconstruction"},
            },
            "data": {"source": "photos", "fingerprint": "f" * 64, "n_expected": 4, "n_scored": 4},
            "environment": {"python": "3.11", "platform": "linux"},
            "code": {"vtbench_version": "0.1.0"},
            "results": [{"metric": "psnr", "value": psnr, "n": 4, "unit": "dB"}],
        }
    )


@pytest.fixture
def root(tmp_path: Path, command_line: CommandLine) -> Path:
    for model, psnr in (("jpeg", 27.5), ("webp", 30.25)):
        write_record(record(model, psnr), tmp_path / "runs" / model / "record.json")
    for verb in (["add", "runs"], ["build"]):
        done = command_line("leaderboard", *verb, "--root", "boards")
        assert done.returncode == 0, done.stderr
    return tmp_path / "boards"


def test_add_and_build_leave_a_folder_that_checks(root: Path, command_line: CommandLine) -> None:
    assert len(list((root / "records" / "photos").glob("*.json"))) == 2
    rows = list(csv.DictReader((root / "reconstruction.csv").read_text().splitlines()))
    assert [(row["model"], row["psnr"]) for row in rows] == [("jpeg", "27.5"), ("webp", "30.25")]
    done = command_line("leaderboard", "check", "--root", "boards")
    assert done.returncode == 0, done.stderr
    assert "boards" in done.stdout


def test_check_exits_with_1_and_names_every_problem(root: Path, command_line: CommandLine) -> None:
    table = root / "reconstruction.csv"
    table.write_text(table.read_text().replace("30.25", "31.25"))
    (root / "published").mkdir()
    (root / "published" / "a.csv").write_text("model,metric\n")
    done = command_line("leaderboard", "check", "--root", "boards")
    assert done.returncode == 1 and done.stdout == ""
    assert "reconstruction.csv:3: webp on photos@1+00000000, float32: psnr is '31.25'" in done.stderr
    assert "a.csv:1: columns must be" in done.stderr and "Traceback" not in done.stderr


def test_show_keeps_measured_and_reported_apart_and_says_so(root: Path, command_line: CommandLine) -> None:
    (root / "published").mkdir()
    header = "model,metric,value,unit,stratum,protocol,source,table,status\n"
    (root / "published" / "a.csv").write_text(f"{header}VQ,psnr,22.5,dB,all,as stated,Paper,table 1,reported\n")
    done = command_line("leaderboard", "show", "--metric", "psnr", "--root", "boards", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [(row["model"], row["results"]["psnr"]["value"]) for row in found["measured"]] == [
        ("jpeg", 27.5),
        ("webp", 30.25),
    ]
    assert [(row["model"], row["value"], row["card"]) for row in found["reported"]] == [("VQ", 22.5, "")]
    assert "reported numbers were taken under 1 other protocol" in done.stderr
    done = command_line("leaderboard", "show", "--root", "boards")
    measured, reported = done.stdout.split("\n\n")
    assert measured.startswith("model\treference\ttask") and reported.startswith("metric\tmodel\tcard")
    done = command_line("leaderboard", "show", "--no-published", "--root", "boards")
    assert done.stdout.count("\n") == 3 and done.stderr == ""


def test_a_page_is_written_into_a_folder_or_under_a_name(root: Path, tmp_path: Path, command_line: CommandLine) -> None:
    for output, file in (("site/", "site/leaderboard.html"), ("site/other.html", "site/other.html")):
        done = command_line("leaderboard", "page", "-o", output, "--root", "boards", "--title", "Ours <3")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(file) and done.stderr == ""
        page = (tmp_path / file).read_text(encoding="utf-8")
        assert "<h1>Ours &lt;3</h1>" in page and 'data-model="webp"' in page and "30.25" in page


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add", "nowhere"], "nowhere does not exist"),
        (["build", "--root", "nowhere"], "no leaderboards at nowhere"),
        (["check", "--root", "nowhere"], "no leaderboards at nowhere"),
        (["page", "--root", "nowhere"], "no leaderboards at nowhere"),
        (["show", "audio"], "known: reconstruction"),
        (["show", "--metric", "psnrr"], "nothing of that"),
    ],
)
def test_refusals_say_what_to_do(command_line: CommandLine, arguments: list[str], told: str) -> None:
    root = [] if "--root" in arguments else ["--root", "boards"]
    done = command_line("leaderboard", *arguments, *root)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr


def test_an_installed_package_is_not_written_to(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nimport vtbench.tasks.files as files\n"
        f"files.data_root = lambda: Path({str(tmp_path)!r}) / '_data'\n"
        "sys.argv = ['vtbench', 'leaderboard', 'build']\n"
        "from vtbench.cli.main import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--root DIR" in done.stderr


@pytest.mark.parametrize("verb", [["check"], ["page", "-o", "page.html"]], ids=lambda verb: verb[0])
def test_the_shipped_folder_is_read_without_anything_heavy(verb: list[str], tmp_path: Path) -> None:
    code = (
        f"import sys\nsys.argv = {['vtbench', 'leaderboard', *verb]!r}\n"
        "from vtbench.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'torch', 'pandas', 'scipy', 'torchvision'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
