"""What a model reads decides its values, however it came by the name: blocks stand while it is as it was."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Done

TOK = """
import importlib, importlib.util, runpy
from pathlib import Path
import numpy as np
from vtbench.core.info import TokenizerInfo
HERE = Path(__file__).parent
class T:
    def __init__(self):
        self.info = TokenizerInfo(name="t", kind="continuous")
        self.made = None if LATE else self.read()
    def read(self):
        return float(READ)
    def reconstruct(self, images):
        if self.made is None: self.made = self.read()
        return images + self.made / 255
"""
WAYS = {
    "a module by a name that is put together": ('importlib.import_module("hel" + "per").S', "helper.py"),
    "a program that is run": ('runpy.run_path(str(HERE / "lib" / "helper.py"))["S"]', "lib/helper.py"),
    "a checkpoint found by a pattern": ('np.load(next(HERE.glob("weights/*.npz")))["S"]', "weights/a.npz"),
    "a text in the working folder": ('Path("shift" + ".txt").read_text()', "shift.txt"),
}


def _write(path: Path, value: int) -> None:
    before = path.stat() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".npz":
        np.savez(path, S=np.float64(value))
    else:
        path.write_text(f"S = {value}\n" if path.suffix == ".py" else str(value))
    if before is not None:  # as a checkpoint that is copied with its times
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _run(*options: str) -> tuple[str, ...]:
    command = ("run", "--task", "quick.yaml", "--data", "d", "-t", "./tok.py:T", "--out", "r", "--workers", "0")
    return (*command, "--json", *options)


@pytest.mark.parametrize(("way", "late"), [*zip(WAYS, (True, False, True, False), strict=True)])
def test_another_file_is_measured_anew(place: Path, fresh: Callable[..., Done], way: str, late: bool) -> None:
    read, name = WAYS[way]
    (place / "tok.py").write_text(TOK.replace("READ", read).replace("LATE", str(late)))
    _write(place / name, 10)
    first = fresh(*_run()).value("mae")
    again = fresh(*_run())
    assert again.value("mae") == first and "reused the record" in again.err
    _write(place / name, 20)
    planned = fresh(*_run("--dry-run"))
    assert planned.rows[0]["done"] == "0" and "would be measured again" in planned.err, planned.err
    other = fresh(*_run())
    assert other.value("mae") > first + 5 and "measured again" in other.err, other.err
    assert "reused the record" in fresh(*_run()).err


def test_blocks_of_a_run_that_was_cut_short_do_not_mix(place: Path, fresh: Callable[..., Done]) -> None:
    read, name = WAYS["a text in the working folder"]
    (place / "tok.py").write_text(TOK.replace("READ", read).replace("LATE", "True"))
    _write(place / name, 0)
    fresh(*_run())
    for record in place.glob("r/quick/*/*/record.json"):
        record.unlink()
    _write(place / name, 5)
    assert fresh(*_run()).value("mae") > 4


def test_what_a_model_writes_and_reads_is_no_input(place: Path, fresh: Callable[..., Done]) -> None:
    read = 'bool(Path("count").write_text(str(id(self)))) and Path("count").read_text() == ""'
    (place / "tok.py").write_text(TOK.replace("READ", read).replace("LATE", "True"))
    fresh(*_run())
    assert "reused the record" in fresh(*_run()).err


def test_another_models_checkpoint_costs_no_measurement(place: Path, fresh: Callable[..., Done]) -> None:
    text = TOK.replace("def __init__(self):", "def __init__(self, path):\n        self.path = path")
    (place / "tok.py").write_text(text.replace("READ", "Path(self.path).read_text()").replace("LATE", "False"))
    both = (*_run(), "-t", "./tok.py:T,path=b.txt")
    command = tuple("./tok.py:T,path=a.txt" if part == "./tok.py:T" else part for part in both)
    _write(place / "a.txt", 1)
    _write(place / "b.txt", 2)
    fresh(*command)
    _write(place / "a.txt", 9)
    assert fresh(*command).err.count("reused the record") == 1


METRIC = """
from pathlib import Path
import torch
from vtbench.core.info import MetricInfo
class M:
    info = MetricInfo(name="mine", version=1, kind="image", higher_is_better=True, summary="Mean.")
    def __call__(self, prediction, reference, targets):
        return RETURNED
"""
TASK = """
name: mine
version: 1
kind: reconstruction
summary: A metric of one's own.
preprocess: {preset: native@1}
image_metrics: [mae, "./m.py:M"]
block_size: 4
"""


def _with_metric(place: Path, returned: str) -> tuple[str, ...]:
    (place / "m.py").write_text(METRIC.replace("RETURNED", returned))
    (place / "mine.yaml").write_text(TASK)
    return ("run", "--task", "mine.yaml", "--trust", ".", "--data", "d", "-t", "identity", "--out", "r", "--json")


def test_a_metric_that_reads_another_file_is_measured_anew(place: Path, fresh: Callable[..., Done]) -> None:
    command = _with_metric(place, 'torch.full((len(targets),), float(Path("fac" + "tor.txt").read_text()))')
    _write(place / "factor.txt", 2)
    assert fresh(*command).value("mine") == 2
    assert "reused the record" in fresh(*command).err
    _write(place / "factor.txt", 3)
    assert fresh(*command).value("mine") == 3


@pytest.mark.parametrize("returned", ["None", "torch.zeros(1)", "torch.zeros(9)", "torch.zeros(len(targets), 1)"])
def test_a_metric_that_returns_something_else_is_named(place: Path, fresh: Callable[..., Done], returned: str) -> None:
    done = fresh(*_with_metric(place, returned))
    assert done.code == 1 and done.out == ""
    assert "metric mine returned" in done.err and "for 4 images" in done.err, done.err
