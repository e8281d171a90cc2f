"""An old number is never served for other code, weights or files; where one is served for the same, it is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Done

TOK = """
import helper
from vtbench.core.info import TokenizerInfo
class T:
    def __init__(self, path=None):
        self.info = TokenizerInfo(name="t", kind="continuous")
    def reconstruct(self, images):
        return images + helper.SHIFT / 255
"""
NET = """
import torch
from vtbench.core.info import TokenizerInfo
class T:
    def __init__(self, {0}):
        self.info = TokenizerInfo(name="t", kind="continuous")
        {1}
        self.layer = torch.nn.ParameterList([torch.nn.Parameter(torch.tensor(float(text)))])
    def reconstruct(self, images):
        return images + self.layer[0].detach() / 255
"""
METRIC = """
import torch
from vtbench.core.info import MetricInfo
class M:
    info = MetricInfo(name="lightness", version=1, kind="image", higher_is_better=True, summary="Mean.")
    def __call__(self, prediction, reference, targets):
        return prediction.double().mean(dim=(1, 2, 3)) * FACTOR
"""
TASK = """
name: light
version: 1
kind: reconstruction
summary: A metric of one's own.
preprocess: {preset: native@1}
image_metrics: [mae, "METRIC"]
block_size: 4
previews: {by: "METRIC"}
table: [mae, "METRIC"]
tolerances: {"METRIC": 0.5}
"""


def _run(*tokenizers: str, task: str = "quick.yaml") -> tuple[str, ...]:
    named = [part for name in tokenizers for part in ("-t", name)]
    return ("run", "--task", task, "--trust", ".", "--data", "d", *named, "--out", "r", "--workers", "0", "--json")


def test_an_edit_of_the_module_and_of_its_helper_is_measured(place: Path, fresh: Callable[..., Done]) -> None:
    (place / "tok.py").write_text(TOK)
    (place / "helper.py").write_text("SHIFT = 0")
    assert fresh(*_run("tok:T")).value("mae") == 0
    (place / "tok.py").write_text(TOK.replace("helper.SHIFT", "(10 + helper.SHIFT)"))
    assert fresh(*_run("tok:T")).value("mae") == pytest.approx(9.775, abs=0.01)
    by_path = fresh(*_run("./tok.py:T"), path="")
    assert by_path.value("mae") == pytest.approx(9.775, abs=0.01), by_path.err
    (place / "helper.py").write_text("SHIFT = 20")
    assert fresh(*_run("./tok.py:T"), path="").value("mae") == pytest.approx(28.12, abs=0.01)
    again = fresh(*_run("./tok.py:T"), path="")
    assert again.value("mae") == pytest.approx(28.12, abs=0.01)
    said = [line for line in again.err.splitlines() if "reused the record of 20" in line]
    assert len(said) == 1 and "UTC in " in said[0] and "--fresh measures again" in said[0]
    planned = fresh(*_run("./tok.py:T"), "--dry-run", path="")
    assert "would reuse the record of 20" in planned.err and planned.rows[0]["done"] == "complete"


@pytest.mark.parametrize(
    ("parameter", "load", "reference", "file"),
    [
        ("path='saved'", "text = open(path + '/shift.txt').read()", "./tok.py:T", "saved/shift.txt"),
        ("options", "text = open(options['files'][0]).read()", "'./tok.py:T,options={files: [w.txt]}'", "w.txt"),
        ("path=None", "text = open('hidden.txt').read()", "./tok.py:T", "hidden.txt"),
    ],
)
def test_weights_found_by_any_means_decide(
    place: Path, fresh: Callable[..., Done], parameter: str, load: str, reference: str, file: str
) -> None:
    (place / "tok.py").write_text(NET.format(parameter, load))
    found = []
    for shift in ("0", "30"):
        (place / file).parent.mkdir(exist_ok=True)
        (place / file).write_text(shift)
        done = fresh(*_run(reference.strip("'")))
        assert done.code == 0, done.err
        found.append(done.value("mae"))
    assert found[0] == 0 and found[1] > 20


def test_two_files_with_helpers_of_one_name_in_one_run(place: Path, fresh: Callable[..., Done]) -> None:
    for name, shift in (("a", 0), ("b", 30)):
        (place / name).mkdir()
        (place / name / "tok.py").write_text(TOK)
        (place / name / "helper.py").write_text(f"SHIFT = {shift}")
    done = fresh(*_run("./a/tok.py:T", "./b/tok.py:T"), path="")
    assert done.code == 0, done.err
    assert done.value("mae", 0) == 0 and done.value("mae", 1) > 20


def _entry_point(site: Path, name: str, target: str) -> None:
    info = site / "own_metric-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-metric\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[vtbench.metrics]\n{name} = {target}\n")


def test_one_metric_is_one_protocol_however_it_is_spelled(place: Path, fresh: Callable[..., Done]) -> None:
    (place / "ext.py").write_text(METRIC.replace("FACTOR", "1"))
    _entry_point(place, "m", "ext:M")
    rows = []
    for number, spelling in enumerate(("./ext.py:M", "ext:M", "m")):
        task = place / str(number) / "light.yaml"
        task.parent.mkdir()
        task.write_text(TASK.replace("METRIC", spelling))
        done = fresh(*_run("identity", task=str(task)))
        assert done.code == 0, done.err
        rows.append(done.rows[0])
    assert len({row["protocol_id"] for row in rows}) == 1
    assert {row["status"] for row in rows} == {"complete"}
    record = json.loads(next((place / "r").rglob("record.json")).read_text())
    assert record["task"]["spec"]["table"] == ["mae", "lightness"]
    assert record["task"]["spec"]["tolerances"] == {"lightness": 0.5}
    (place / "ext.py").write_text(METRIC.replace("FACTOR", "2"))
    edited = fresh(*_run("identity", task="0/light.yaml")).rows[0]
    assert edited["protocol_id"] != rows[0]["protocol_id"]
    assert edited["results"]["lightness"]["value"] == 2 * rows[0]["results"]["lightness"]["value"]


def test_rescore_tells_a_metric_whose_code_changed(place: Path, fresh: Callable[..., Done]) -> None:
    (place / "ext.py").write_text(METRIC.replace("FACTOR", "1"))
    (place / "light.yaml").write_text(TASK.replace("METRIC", "./ext.py:M"))
    before = fresh(*_run("identity", task="light.yaml")).rows[0]
    assert fresh("rescore", "r", "--trust", "r", "--json").rows[0]["warnings"] == []
    (place / "ext.py").write_text(METRIC.replace("FACTOR", "2"))
    after = fresh("rescore", "r", "--trust", "r", "--json").rows[0]
    assert after["protocol_id"] == before["protocol_id"], "the rows are those of the code that made them"
    assert after["results"]["lightness"] == before["results"]["lightness"]
    assert any("lightness" in warning and "run the task again" in warning for warning in after["warnings"])
