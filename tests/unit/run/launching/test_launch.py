"""What flags say of workers: taken by the launcher that they are for, and refused by the others."""

from __future__ import annotations

from typing import Any

import pytest

from vtbench.core.errors import UsageError
from vtbench.run.launching.launch import Launch, as_launcher
from vtbench.run.launching.ray_workers import RayOptions, _sized
from vtbench.run.launching.slurm import _minutes, _settings
from vtbench.run.launching.torchrun import without


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"world": 2}, "--world says nothing to --launcher local"),
        ({"launcher": "torchrun", "gpus_per_worker": 1.0}, "for --launcher slurm or ray"),
        ({"launcher": "ray", "slurm": ("time=5",)}, "--slurm says nothing to --launcher ray"),
        ({"launcher": "slurm", "ray_address": "auto"}, "for --launcher ray"),
    ],
)
def test_a_setting_that_a_launcher_ignores_is_refused(said: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Launch(**said)


def test_launchers_have_names() -> None:
    assert as_launcher("ray") == "ray"
    with pytest.raises(UsageError, match="there are local, torchrun, slurm, ray"):
        as_launcher("dask")


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("90", 90), ("1:30:00", 90), ("2-12", 3600), ("1-01:30", 1530), ("1-00:05:59", 1445)],
)
def test_times_are_slurms(text: str, minutes: int) -> None:
    assert _minutes(text) == minutes


@pytest.mark.parametrize("text", ["1:30", "soon", "", "-5"])
def test_a_time_that_could_be_another_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--slurm time="):
        _minutes(text)


def test_settings_of_slurm() -> None:
    assert _settings(("partition=a100,time=5", "account=vision")) == {
        "partition": "a100",
        "time": "5",
        "account": "vision",
    }
    for text in ("partition", "nodes=3", "time="):
        with pytest.raises(UsageError, match=f"--slurm {text}"):
            _settings((text,))


def test_the_command_of_a_process_has_no_launcher() -> None:
    words = ["run", "--launcher", "torchrun", "-t", "jpeg", "--world=4", "--world", "2", "--out", "o"]
    assert without(words, ("--launcher", "--world")) == ["run", "-t", "jpeg", "--out", "o"]


def test_workers_of_ray_are_as_many_as_fit() -> None:
    eight = {"CPU": 64.0, "GPU": 8.0}
    assert _sized(RayOptions(cpus=4), eight).count == 8
    assert _sized(RayOptions(cpus=16), eight).count == 4
    assert _sized(RayOptions(gpus=0.25), eight).count == 32
    cluster = _sized(RayOptions(gpus=0, count=3), eight)
    assert (cluster.count, cluster.device_type) == (3, "cpu")
    with pytest.raises(UsageError, match="room for 8 workers of 1 CPUs and 1 GPUs; asked for: 9"):
        _sized(RayOptions(count=9), eight)
