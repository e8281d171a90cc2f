"""Images made elsewhere that lack a whole block, wherever it lies: no model is broken, and a partial record says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def data(images: Callable[..., Any], place: Path) -> Path:
    """Twelve originals in ``data``, and as many predictions, five levels brighter, in ``pred``."""
    images("data", 12, offset=5)
    for file in sorted((place / "data").glob("*.png")):
        (place / "pred").mkdir(exist_ok=True)
        shutil.copy(file, place / "pred" / file.name)
    return place


def _score(vt: Callable[..., Any], *more: object) -> Any:
    return vt("score", "--task", "quick.yaml", "--data", "data", "--pred", "pred", "--workers", "0", "--json", *more)


@pytest.mark.parametrize("block", [0, 1, 2])
def test_a_block_without_predictions(vt: Callable[..., Any], data: Path, block: int) -> None:
    for number in range(4 * block, 4 * block + 4):
        (data / "pred" / f"{number:02d}.png").unlink()
    done = _score(vt)
    (row,) = done.rows
    assert (done.code, row["status"], row["n"], row["n_failed"]) == (0, "partial", 8, 4)
    assert row["results"]["mae"]["value"] == 0.0


def test_a_block_of_broken_predictions(vt: Callable[..., Any], data: Path) -> None:
    for number in range(4):
        (data / "pred" / f"{number:02d}.png").write_bytes(b"")
    assert _score(vt).rows[0]["n"] == 8
    (again,) = vt(
        "run", "--task", "quick.yaml", "--data", "data", "-t", "images,path=pred", "--out", "r2", "--json"
    ).rows
    assert again["n"] == 8


def test_a_block_of_damaged_originals(vt: Callable[..., Any], data: Path) -> None:
    for number in range(4):
        (data / "data" / f"{number:02d}.png").write_bytes(b"")
    done = vt("run", "--task", "quick.yaml", "--data", "data", "-t", "jpeg,quality=50", "--json")
    assert (done.code, done.rows[0]["n"], done.rows[0]["n_failed"]) == (0, 8, 4)


def test_no_prediction_at_all(vt: Callable[..., Any], data: Path) -> None:
    for file in (data / "pred").glob("*.png"):
        file.unlink()
    (data / "pred" / "zz.png").write_bytes((data / "data" / "00.png").read_bytes())
    done = _score(vt)
    assert done.code != 0
    assert "Traceback" not in done.err


def test_a_program_that_leaves_images_out(vt: Callable[..., Any], data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_CACHE", str(data / "cache"))
    (data / "prog.py").write_text(
        "import json, shutil, sys, pathlib\n"
        "for line in sys.stdin:\n"
        "    one = json.loads(line)\n"
        "    counter = pathlib.Path('count'); n = int(counter.read_text()) if counter.exists() else 0\n"
        "    counter.write_text(str(n + 1))\n"
        "    if 8 <= n: shutil.copy(one['image'], one['output'])\n"
    )
    done = vt(
        "run",
        "--task",
        "quick.yaml",
        "--data",
        "data",
        "-t",
        'command,run="python3 prog.py"',
        "--workers",
        "0",
        "--json",
    )
    assert done.code == 0, done.err
    assert (done.rows[0]["status"], done.rows[0]["n"]) == ("partial", 8)


def test_a_model_that_fails_on_a_whole_block_still_stops_early(vt: Callable[..., Any], data: Path) -> None:
    (data / "broken.py").write_text(
        "from vtbench.core.info import TokenizerInfo\n"
        "class Own:\n"
        "    info = TokenizerInfo(name='t', kind='continuous')\n"
        "    def reconstruct(self, images): raise ValueError('no')\n"
    )
    done = vt("run", "--task", "quick.yaml", "--data", "data", "-t", "./broken.py:Own")
    assert done.code == 1
    assert "failed on all 4 samples of a block" in done.err
    assert np.size(list((data / "runs").rglob("*.parquet"))) == 0
