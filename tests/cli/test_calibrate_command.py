"""``vtbench calibrate``: a file that its host takes, and a table of what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vtbench.cli.main import app
from vtbench.generators.resolve import resolve_generator

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
TINY = (
    "var,size=tiny,scales=[1,2,3,4],random_weights_seed=0,"
    "tokenizer='var-vq,scales=[1,2,3,4],channels=32,multipliers=[1,1],random_weights_seed=0'"
)


def test_a_host_takes_what_it_wrote(tmp_path: Path) -> None:
    file = tmp_path / "heads.json"
    done = CliRunner().invoke(app, ["calibrate", TINY, "--samples", "2", "-o", str(file), "--json"])
    assert done.exit_code == 0, done.output
    assert [row["heads"] for row in json.loads(done.stdout)] == [2, 2]
    host = resolve_generator(f"{TINY},strategy=hack,budget=0.5,calibration={file}")
    assert host.info.sampler["strategy_calibration"] == json.loads(file.read_text())["sha256"]
