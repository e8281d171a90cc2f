"""One file from planning to results, in processes of their own, as two people use it who send it to each other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Done

Fresh = Callable[..., Done]
MODEL = """
from vtbench.core.info import TokenizerInfo


class Closed:
    def __init__(self, token: str, revision: str, strength: float = 1.0) -> None:
        self.info = TokenizerInfo(name="closed", kind="continuous", revision=revision)
        self.strength = strength

    def reconstruct(self, images):
        return images * self.strength
"""
SECRET = "s3cr3tT0ken42"
FILE = f"""
tokenizers:
- model: ./closed.py:Closed
  name: closed
  args:
    token: {SECRET}
    revision: 12e4567
    strength: 5e-1
- jpeg,quality=10
tasks: [quick.yaml]
data: d
limit: 3
"""
CLOSED = f"./closed.py:Closed,token={SECRET},revision=12e4567,strength=5e-1,name=closed"
ON_IMAGES = ("--task", "quick.yaml", "--data", "d", "--limit", "3")


def values(done: Done) -> list[Any]:
    assert done.code == 0, done.err
    return [(row["model"], row["results"]) for row in done.rows]


def test_a_file_and_its_flags_are_one_job_and_a_credential_is_nowhere(place: Path, fresh: Fresh) -> None:
    (place / "closed.py").write_text(MODEL)
    (place / "run.yaml").write_text(FILE)
    refused = fresh("run", "--config", "run.yaml")
    assert refused.code == 2 and "names code of its own: ./closed.py:Closed" in refused.err
    by_file = fresh("run", "--config", "run.yaml", "--trust", "run.yaml", "--json")
    by_flags = fresh("run", "-t", CLOSED, "-t", "jpeg,quality=10", *ON_IMAGES, "--json")
    assert values(by_flags) == values(by_file) and by_flags.err.count("reuse") >= 2
    assert [name for name, _ in values(by_file)] == ["closed", "jpeg,quality=10"]
    records = [json.loads(path.read_text()) for path in sorted(Path("runs").rglob("record.json"))]
    (closed,) = (record["model"] for record in records if record["model"]["label"] == "closed")
    assert closed["revision"] == "12e4567" and closed["args"]["strength"] == 0.5
    assert all(record["config"]["run"]["tokenizers"][1] == "jpeg,quality=10" for record in records)
    for path in (path for path in Path("runs").rglob("*") if path.is_file()):
        assert SECRET.encode() not in path.read_bytes(), path
    assert SECRET not in by_file.out + by_file.err


def test_what_one_person_saved_another_runs_from_another_folder(place: Path, fresh: Fresh) -> None:
    planned = fresh("run", "-t", "patch-vq", *ON_IMAGES, "--dry-run", "--json", "--save-config", "sent/run.yaml")
    assert (planned.code == 0 and not Path("runs").exists()) or not list(Path("runs").rglob("plan.json"))
    ran = fresh("run", "--config", "sent/run.yaml", "--json")
    assert len(values(ran)) == 1
    (record,) = Path("runs").rglob("record.json")
    assert str(record.parent) == str(Path(planned.rows[0]["folder"]).relative_to(place))


@pytest.mark.parametrize(("sent", "code", "told"), [("limit: 2", 0, "photos-mini"), ("lmit: 2", 2, "stdin")])
def test_a_pipe_is_a_file(place: Path, sent: str, code: int, told: str) -> None:
    words = ["run", "--config", "-", "--dry-run", "-t", "jpeg", "--task", "photos-mini"]
    done = subprocess.run(
        [sys.executable, "-m", "vtbench", *words], input=sent, cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == code and told in done.stdout + done.stderr
    assert ("\t2\t" in done.stdout) is (code == 0)
