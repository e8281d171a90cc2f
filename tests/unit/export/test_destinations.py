"""What is refused before anything is written, and what a run is called wherever it goes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import vtbench
from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.export.destinations import DESTINATIONS, export_runs
from vtbench.export.gather import gather
from vtbench.export.values import Order, distinct
from vtbench.results.records.record import read_record

MakeRun = Callable[..., Path]


def test_the_python_door_is_the_same_function() -> None:
    assert vtbench.export_runs is export_runs


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"to": "tensorbord"}, "did you mean tensorboard"),
        ({"to": "csv", "step": 3}, "csv has no use for --step"),
        ({"to": "hub-card", "step": 3}, "it is for tensorboard, wandb, mlflow"),
        ({"to": "wandb", "experiment": "x"}, "it is for mlflow"),
        ({"to": "tensorboard", "project": "x"}, "it is for wandb"),
        ({"to": "tensorboard", "step": -1}, "--step -1"),
        ({"to": "tensorboard", "run_name": " "}, "--run-name is empty"),
    ],
)
def test_what_a_destination_cannot_do_is_refused(options: dict[str, object], told: str, make_run: MakeRun) -> None:
    folder = make_run()
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(UsageError, match=told):
        export_runs(folder, **options)  # type: ignore[arg-type]
    assert sorted(folder.parent.rglob("*")) == before


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no record\.json"):
        export_runs(tmp_path, "csv", dest=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("to", ["tensorboard", "wandb", "mlflow"])
def test_a_missing_library_is_told_with_the_command_that_brings_it(
    to: str, make_run: MakeRun, without: Callable[[str], None], tmp_path: Path
) -> None:
    without(to)
    with pytest.raises(AssetMissingError, match="is not installed") as told:
        export_runs(make_run(), to, dest=str(tmp_path / "out"))
    assert "pip install" in str(told.value.hint) and to in str(told.value.hint)
    assert told.value.exit_code == 4 and not (tmp_path / "out").exists()


def test_a_model_card_without_its_library(make_run: MakeRun, without: Callable[[str], None], tmp_path: Path) -> None:
    without("huggingface_hub")
    with pytest.raises(AssetMissingError, match="pip install"):
        export_runs(make_run(), "hub-card", dest=str(tmp_path / "out"))


def test_every_file_is_read_once_and_records_in_memory_have_no_pictures(make_run: MakeRun) -> None:
    one, two = make_run("a"), make_run("b", "sand")
    found = gather([one.parent, one, two / "record.json"], Order(to="csv"))
    assert [run.name for run in found] == ["grains-mini/grains", "grains-mini/sand"]
    assert [len(run.images) for run in found] == [2, 2] and found[0].key != found[1].key
    (held,) = gather(read_record(one), Order(to="csv"))
    assert held.images == () and held.digest == found[0].digest and held.key == found[0].key


def test_names_carry_task_stratum_and_the_ends_of_intervals(make_run: MakeRun) -> None:
    (run,) = gather(make_run(), Order(to="csv"))
    psnr, whole = read_record(run.folder or "").result("psnr"), run.values
    assert psnr is not None
    assert whole["grains-mini/psnr"] == psnr.value
    assert (whole["grains-mini/psnr_ci_low"], whole["grains-mini/psnr_ci_high"]) == (psnr.ci_low, psnr.ci_high)
    assert whole["grains-mini/psnr[glyph_px=8]"] == psnr.value + 8
    assert "grains-mini/psnr[glyph_px=8]_ci_low" not in whole
    assert run.tags["protocol_id"] == "grains-mini@1+0a1b2c3d" and run.tags["data_fingerprint"] == "feedc0de" * 8


def test_a_named_run_says_of_which_task_its_tags_are(make_run: MakeRun) -> None:
    (run,) = gather(make_run(), Order(to="wandb", run_name="training", step=7))
    assert (run.name, run.step, run.tags["grains-mini.protocol_id"]) == ("training", 7, "grains-mini@1+0a1b2c3d")


def test_credentials_and_controls_in_an_old_record_do_not_leave(make_run: MakeRun) -> None:
    secret = "hf_" + "a" * 30
    folder = make_run(model={"reference": f"mine,token={secret}", "label": f"mine\x1b[2J,token={secret}"})
    (run,) = gather(folder, Order(to="csv"))
    told = json.dumps([run.name, dict(run.tags)])
    assert secret not in told and "token=***" in told and "\\u001b" not in told


def test_a_limited_run_says_so(make_run: MakeRun) -> None:
    data = {"limited_from": 50}
    (run,) = gather(make_run(status="limited", data=data), Order(to="csv"))
    assert run.tags["status"] == "limited" and run.tags["limited"].startswith("8 of 50 samples")


def test_repeats_are_one_run_and_what_would_overwrite_is_refused(make_run: MakeRun) -> None:
    folders = [make_run("a"), make_run("b"), make_run("c", "sand")]
    runs = gather(folders, Order(to="tensorboard"))
    assert [run.name for run in distinct(runs)] == ["grains-mini/grains", "grains-mini/sand"]
    with pytest.raises(UsageError, match="would hold grains-mini twice: grains and sand"):
        distinct(gather([folders[0], make_run("d", "sand", shift=1.0)], Order(to="tensorboard", run_name="x")))
    with pytest.raises(UsageError, match="one job with other results"):
        distinct(gather([folders[0], make_run("e", shift=1.0)], Order(to="tensorboard")))


@pytest.mark.parametrize("to", sorted(DESTINATIONS))
def test_no_destination_imports_torch(to: str, make_run: MakeRun, tmp_path: Path) -> None:
    pytest.importorskip({"hub-card": "huggingface_hub", "csv": "pandas", "parquet": "pandas"}.get(to, to))
    script = (
        "import os, sys, vtbench\n"
        "os.environ.update(MLFLOW_ALLOW_FILE_STORE='true', MLFLOW_DISABLE_TELEMETRY='true')\n"
        f"found = vtbench.export_runs({str(make_run())!r}, {to!r}, dest={str(tmp_path / 'out')!r}, offline=True)\n"
        "assert found and 'torch' not in sys.modules, found\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
