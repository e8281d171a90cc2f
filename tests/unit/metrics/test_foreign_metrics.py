"""Metrics that are not vtbench's: what their class must say, and the names they cannot take."""

from __future__ import annotations

from pathlib import Path

import pytest

from vtbench.core.errors import UsageError
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.run.planning.preflight import required_assets
from vtbench.tasks import load_task

MODULE = """
from vtbench.core.info import MetricInfo

class Silent: ...

class Late:
    def __init__(self):
        self.info = MetricInfo(name="late", version=1, kind="image")

class Taken:
    info = MetricInfo(name="{taken}", version=1, kind="{kind}")

class One:
    info = MetricInfo(name="own", version=3, kind="image")
    required_assets = ("lpips_alex",)

class Two(One):
    required_assets = ()

class Block:
    info = MetricInfo(name="own_block", version=1, kind="block")
    columns = ("a",)
    required_assets = ("efflite0",)
"""
TASK = """
name: t
version: 1
kind: reconstruction
summary: s
preprocess: {{preset: native@1}}
image_metrics: {image}
block_metrics: {block}
"""


@pytest.fixture
def module(tmp_path: Path) -> str:
    (tmp_path / "m.py").write_text(MODULE.format(taken="psnr", kind="image"))
    return str(tmp_path / "m.py")


def task(folder: Path, image: list[str], block: list[str]) -> str:
    (folder / "t.yaml").write_text(TASK.format(image=image, block=block))
    return str(folder / "t.yaml")


@pytest.mark.parametrize("name", ["Silent", "Late"])
def test_info_stands_on_the_class(module: str, name: str) -> None:
    with pytest.raises(UsageError, match="has no info") as told:
        metric_info(f"{module}:{name}")
    assert "on its class" in str(told.value)


@pytest.mark.parametrize("taken", ["psnr", "cer_floor", "fid", "kid_efflite0", "band_error", "bits_per_pixel"])
def test_a_number_of_another_formula_is_never_called_as_ours(tmp_path: Path, taken: str) -> None:
    (tmp_path / "n.py").write_text(MODULE.format(taken=taken, kind="image"))
    with pytest.raises(UsageError, match=f"calls itself {taken}, which is vtbench's own"):
        metric_info(f"{tmp_path / 'n.py'}:Taken")


def test_two_of_one_name_cannot_stand_in_one_task(tmp_path: Path, module: str) -> None:
    assert metric_info(f"{module}:One").version == 3
    with pytest.raises(UsageError, match="listed twice: own"):
        load_task(task(tmp_path, [f"{module}:One", f"{module}:Two"], []), [tmp_path])


def test_weights_of_every_kind_are_fetched_beforehand(tmp_path: Path, module: str) -> None:
    spec = load_task(task(tmp_path, ["psnr", f"{module}:One"], [f"{module}:Block"]), [tmp_path])
    assert required_assets([spec]) == ["lpips_alex", "efflite0"]
