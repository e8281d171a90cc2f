"""Offline runs of W&B, read back from their files."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from vtbench.core.errors import NotComparableError, UnwritableError, UsageError
from vtbench.export.destinations import export_runs
from vtbench.export.gather import gather
from vtbench.export.values import Order

wandb = pytest.importorskip("wandb", reason="pip install wandb")
MakeRun = Callable[..., Path]


@pytest.fixture(scope="module")
def files() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wandb_files", Path(__file__).with_name("wandb_files.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name, value in {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}.items():
        monkeypatch.setenv(name, value)
    for name in ("WANDB_API_KEY", "WANDB_DIR", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield
    if wandb.run is not None:
        wandb.run.finish()


def logs(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.wandb"))


def test_everything_is_read_back(make_run: MakeRun, files: ModuleType, tmp_path: Path) -> None:
    run = make_run()
    (written,) = export_runs(run, "wandb", dest=str(tmp_path / "wb"), project="tokenizers", step=40)
    (expected,) = gather(run, Order(to="wandb"))
    (log,) = logs(tmp_path / "wb")
    (row,) = files.history(log)
    assert {name: row[name] for name in expected.values} == expected.values
    assert row["_step"] == 40 and "grains-mini/psnr[glyph_px=8]" in row and "grains-mini/psnr_ci_low" in row
    about, config = files.run(log), files.config(log)
    assert (about.project, about.display_name) == ("tokenizers", "grains-mini/grains")
    assert set(about.tags) == {"grains-mini@1+0a1b2c3d", "feedc0de" * 8}
    assert {name: config[name] for name in expected.tags} == expected.tags
    picture = Path(written.where) / row["grains-mini/00000005-image-5/path"]
    with Image.open(picture) as opened:
        assert opened.size == (20, 4) and opened.getpixel((0, 0)) == (200, 200, 200)
    table = json.loads((Path(written.where) / row["grains-mini/metrics/path"]).read_text())
    columns = dict(zip(table["columns"], table["data"][0], strict=True))
    assert (columns["metric"], columns["n"], columns["unit"]) == ("psnr", 8, "dB")
    assert wandb.run is None


def test_a_second_export_adds_nothing(make_run: MakeRun, tmp_path: Path) -> None:
    said = [export_runs(make_run(name), "wandb", dest=str(tmp_path / "wb"))[0].what for name in "ab"]
    assert said == ["written", "already there"] and len(logs(tmp_path / "wb")) == 1
    (elsewhere,) = export_runs(make_run("p"), "wandb", dest=str(tmp_path / "wb"), project="another")
    assert elsewhere.what == "written" and len(logs(tmp_path / "wb")) == 2
    with pytest.raises(UsageError, match="other results of grains-mini at step 0"):
        export_runs(make_run("c", shift=1.0), "wandb", dest=str(tmp_path / "wb"))


def test_a_named_run_keeps_its_id_over_steps_and_tasks(make_run: MakeRun, files: ModuleType, tmp_path: Path) -> None:
    options: dict[str, Any] = {"dest": str(tmp_path / "wb"), "run_name": "training 1"}
    other = {"name": "sand-mini", "protocol_id": "sand-mini@1+11111111"}
    for step in (0, 100):
        both = [make_run(f"a{step}", f"step-{step}", shift=step), make_run(f"b{step}", f"step-{step}", task=other)]
        assert {entry.what for entry in export_runs(both, "wandb", step=step, **options)} == {"written"}
    found = logs(tmp_path / "wb")
    assert len(found) == 2 and len({files.run(log).run_id for log in found}) == 1
    rows = [{key: value for row in files.history(log) for key, value in row.items()} for log in found]
    assert [row["_step"] for row in rows] == [0, 100]
    assert all({"grains-mini/psnr", "sand-mini/psnr"} <= set(row) for row in rows)
    assert files.config(found[1])["sand-mini.protocol_id"] == "sand-mini@1+11111111"
    with pytest.raises(NotComparableError, match="another --run-name"):
        export_runs(make_run("c", task={"protocol_id": "grains-mini@2+ffffffff"}), "wandb", step=200, **options)


def test_results_join_the_run_of_a_training_and_leave_it_open(
    make_run: MakeRun, files: ModuleType, tmp_path: Path
) -> None:
    training = wandb.init(project="mine", dir=str(tmp_path / "training"), mode="offline", settings={"console": "off"})
    said = []
    for step in (0, 5):
        for loss in range(5):
            training.log({"loss": loss})
        run = make_run(f"a{step}", shift=step)
        said += [export_runs(run, "wandb", step=step)[0].what for _ in range(2)]
    assert said == ["written", "already there"] * 2 and wandb.run is training
    with pytest.raises(UsageError, match="several models"):
        export_runs([make_run("x", "x"), make_run("y", "y")], "wandb", step=9)
    training.finish()
    (log,) = logs(tmp_path)
    rows = files.history(log)
    measured = [row for row in rows if "grains-mini/psnr" in row]
    assert [row["vtbench_step"] for row in measured] == [0, 5] and len(rows) == 12


def test_a_place_that_cannot_be_written_is_told_as_such(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "wb").write_text("a file")
    with pytest.raises(UnwritableError, match="wb"):
        export_runs(make_run(), "wandb", dest=str(tmp_path / "wb"))


def test_nothing_of_the_command_line_or_the_machine_is_noted(make_run: MakeRun, tmp_path: Path) -> None:
    export_runs(make_run(), "wandb", dest=str(tmp_path / "wb"))
    assert not list((tmp_path / "wb").rglob("wandb-metadata.json"))
