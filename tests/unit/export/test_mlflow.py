"""Runs in an MLflow store on disk, read back by MLflow's client."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vtbench.core.errors import NotComparableError, UsageError, VtbenchError
from vtbench.export.destinations import export_runs
from vtbench.export.gather import gather
from vtbench.export.mlflow import metric_name
from vtbench.export.values import Order
from vtbench.results.records.record import read_record

mlflow = pytest.importorskip("mlflow", reason="pip install mlflow-skinny")
MakeRun = Callable[..., Path]


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def client(store: Path) -> Any:
    return mlflow.MlflowClient(tracking_uri=store.as_uri())


def found(store: Path, experiment: str = "vtbench") -> list[Any]:
    names = {entry.name: entry.experiment_id for entry in client(store).search_experiments()}
    return list(client(store).search_runs([names[experiment]]))


def test_everything_is_read_back(make_run: MakeRun, store: Path) -> None:
    run = make_run()
    export_runs(run, "mlflow", dest=str(store), experiment="tokenizers", step=40)
    (expected,), (logged,) = gather(run, Order(to="mlflow")), found(store, "tokenizers")
    assert logged.data.metrics == {metric_name(name): value for name, value in expected.values.items()}
    assert "grains-mini/psnr.glyph_px:8" in logged.data.metrics and "grains-mini/psnr_ci_low" in logged.data.metrics
    assert expected.tags.items() <= logged.data.tags.items()
    assert logged.info.run_name == "grains-mini/grains" and logged.info.status == "FINISHED"
    (point,) = client(store).get_metric_history(logged.info.run_id, "grains-mini/psnr")
    assert (point.step, point.timestamp) == (40, int(read_record(run).finished.timestamp() * 1000))
    folder = Path(client(store).download_artifacts(logged.info.run_id, "grains-mini/step-40"))
    with Image.open(folder / "00000005-image-5.png") as opened:
        assert opened.size == (20, 4) and opened.getpixel((0, 0)) == (200, 200, 200)
    assert (folder / "metrics.csv").read_text().startswith("run,model,task,protocol_id,data_fingerprint,metric,stratum")


def test_a_second_export_adds_no_point_and_no_run(make_run: MakeRun, store: Path) -> None:
    run = make_run()
    said = [export_runs(run, "mlflow", dest=str(store))[0].what for _ in range(2)]
    (logged,) = found(store)
    assert said == ["written", "already there"]
    for name in logged.data.metrics:
        assert len(client(store).get_metric_history(logged.info.run_id, name)) == 1


def test_steps_of_a_named_run_are_one_curve(make_run: MakeRun, store: Path) -> None:
    options: dict[str, Any] = {"dest": str(store), "run_name": "training"}
    for step in (0, 100, 100):
        export_runs(make_run(f"a{step}{len(list(store.parent.iterdir()))}", f"m{step}"), "mlflow", step=step, **options)
    (logged,) = found(store)
    history = client(store).get_metric_history(logged.info.run_id, "grains-mini/psnr")
    assert [point.step for point in history] == [0, 100]
    assert logged.data.tags["grains-mini.protocol_id"] == "grains-mini@1+0a1b2c3d"
    with pytest.raises(NotComparableError, match="another --run-name"):
        export_runs(make_run("b", task={"protocol_id": "grains-mini@2+ffffffff"}), "mlflow", step=200, **options)


def test_values_without_a_number_are_logged_once(make_run: MakeRun, store: Path) -> None:
    results = [{"metric": "psnr", "value": "inf", "n": 8}, {"metric": "cer", "value": "nan", "n": 0}]
    run = make_run(results=results)
    assert [export_runs(run, "mlflow", dest=str(store))[0].what for _ in range(2)] == ["written", "already there"]
    (logged,) = found(store)
    assert logged.data.metrics["grains-mini/psnr"] == math.inf and math.isnan(logged.data.metrics["grains-mini/cer"])


def test_strata_that_would_share_a_name_are_refused(make_run: MakeRun, store: Path) -> None:
    results = [{"metric": "cer", "stratum": stratum, "value": 1.0, "n": 8} for stratum in ("x=é", "x=è")]
    with pytest.raises(UsageError, match="MLflow would call both"):
        export_runs(make_run(results=results), "mlflow", dest=str(store))


def test_what_mlflow_refuses_is_told_with_the_ways_there_are(
    make_run: MakeRun, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    with pytest.raises(VtbenchError, match="MLFLOW_ALLOW_FILE_STORE=true") as told:
        export_runs(make_run(), "mlflow", dest=str(store))
    assert "sqlite:///" in str(told.value)


def test_offline_never_meets_a_server_and_hides_its_password(make_run: MakeRun) -> None:
    with pytest.raises(UsageError, match="--offline") as told:
        export_runs(make_run(), "mlflow", dest="http://me:hunter2@localhost:9", offline=True)
    assert "hunter2" not in str(told.value)
