"""A model that prints, in any way there is, leaves stdout as data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODEL = """
import atexit, ctypes, logging, os, subprocess, sys
from vtbench.core.info import TokenizerInfo

print("imported")
logging.basicConfig(stream=sys.stdout, level=logging.INFO)

class T:
    def __init__(self):
        print("loading checkpoint ...")
        if os.environ.get("CLOSES"): atexit.register(print, "closing")
        self.info = TokenizerInfo(name="t", kind="continuous")

    def reconstruct(self, images):
        print("step", len(images))
        logging.info("logged")
        os.write(1, b"from a descriptor\\n")
        subprocess.run(["echo", "from a child"], check=True)
        ctypes.CDLL(None).puts(b"from C")
        ctypes.CDLL(None).fflush(None)
        return images
"""
SAID = ("imported", "loading checkpoint", "step", "from a descriptor", "from a child", "from C")


@pytest.fixture
def talker(place: Path, images: Callable[..., Any]) -> str:
    images("d", 4)
    (place / "talker.py").write_text(MODEL)
    return "./talker.py:T"


def test_json_and_tsv_hold_data_alone(vt: Callable[..., Any], talker: str) -> None:
    given = ("run", "--task", "quick.yaml", "--data", "d", "-t", talker, "--out")
    as_json = vt(*given, "r", "--json")
    assert (as_json.code, as_json.value("mae")) == (0, 0.0)
    assert all(words in as_json.err for words in SAID)
    assert as_json.err.count("step 4") == 1
    table = vt(*given, "r2")
    assert table.out.startswith("model\treference\t")
    assert table.out.count("\n") == 2
    plan = vt(*given, "r3", "--dry-run")
    assert plan.out.startswith("model\tprotocol\t")
    assert plan.out.count("\n") == 2


def test_doctor_and_show(vt: Callable[..., Any], talker: str) -> None:
    examined = vt("doctor", talker, "--json")
    assert {row["check"] for row in json.loads(examined.out)} >= {"info", "round_trip", "shape"}
    assert "from a child" in examined.err


def test_what_is_printed_while_the_process_ends(command_line: Callable[..., Any], place: Path, talker: str) -> None:
    done = command_line(
        "run", "--task", "quick.yaml", "--data", "d", "-t", talker, "--json", cwd=place, env={"CLOSES": "1"}
    )
    assert json.loads(done.stdout)[0]["n"] == 4
    assert "closing" in done.stderr
