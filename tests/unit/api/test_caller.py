"""Whatever the caller's process is set to, an evaluation finds the same numbers, and leaves all of it as it was."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import vtbench
from vtbench.core.errors import VtbenchError
from vtbench.core.foreign.process_state import PROCESS, restore, save
from vtbench.core.foreign.torch_state import TORCH, restore_streams, save_streams


def _set(owner: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(owner, name, value)


def _filters() -> None:
    warnings.simplefilter("error")
    warnings.showwarning = lambda *_: None  # type: ignore[assignment]


def _log() -> None:
    logging.root.addHandler(logging.NullHandler())
    logging.root.setLevel(logging.DEBUG)


_entered: list[Any] = []


def _enter(mode: Any) -> Callable[[], None]:
    def enter() -> None:
        _entered.append(mode())
        _entered[-1].__enter__()

    return enter


def _precision(place: str) -> Callable[[], None]:
    """By the newer of torch's two ways; the older one then refuses to be read."""

    def say() -> None:
        owner = torch.backends
        for name in place.split(".") if place else ():
            owner = getattr(owner, name)
        if hasattr(owner, "fp32_precision"):
            owner.fp32_precision = "tf32"

    return say


STATES: dict[str, Callable[[], Any]] = {
    "as it is": lambda: None,
    "default dtype": lambda: torch.set_default_dtype(torch.float64),
    "default device": lambda: torch.set_default_device("meta"),
    "device context": _enter(lambda: torch.device("meta")),
    "no gradients": lambda: torch.set_grad_enabled(False),
    "inference mode": _enter(torch.inference_mode),
    "autocast": _enter(lambda: torch.autocast("cpu", torch.bfloat16)),
    "anomaly detection": lambda: torch.autograd.set_detect_anomaly(True),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "denormals": lambda: torch.set_flush_denormal(True),
    "deterministic algorithms": lambda: torch.use_deterministic_algorithms(False),
    "cudnn benchmark": _set(torch.backends.cudnn, "benchmark", True),
    "cudnn deterministic": _set(torch.backends.cudnn, "deterministic", False),
    "cudnn off": _set(torch.backends.cudnn, "enabled", False),
    "tf32 of matmul": _set(torch.backends.cuda.matmul, "allow_tf32", True),
    "tf32 of cudnn": _set(torch.backends.cudnn, "allow_tf32", True),
    "matmul precision": lambda: torch.set_float32_matmul_precision("medium"),
    "precision of matmul": _precision("cuda.matmul"),
    "precision of convolutions": _precision("cudnn.conv"),
    "precision of everything": _precision(""),
    "filled memory": lambda: setattr(torch.utils.deterministic, "fill_uninitialized_memory", True),
    "numpy errors": lambda: np.seterr(all="raise"),
    "warnings": _filters,
    "signals": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "Ctrl-C": lambda: signal.signal(signal.SIGINT, lambda *_: None),
    "logging": _log,
    "folder": lambda: os.chdir("/"),
    "environment": lambda: os.environ.update(CUBLAS_WORKSPACE_CONFIG=":16:8", OMP_NUM_THREADS="3"),
    "launcher": lambda: os.environ.update(RANK="1", WORLD_SIZE="4", LOCAL_RANK="1"),
    "argv": lambda: sys.argv.append("--mine"),
    "streams": lambda: (random.seed(5), np.random.seed(6), torch.manual_seed(7)),
}


def meddling(images: Tensor) -> Tensor:
    """A model that changes all it can, too."""
    torch.set_default_dtype(torch.float16)
    torch.set_num_threads(3)
    torch.backends.cudnn.benchmark = True
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    os.chdir("/tmp")
    warnings.simplefilter("error")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    logging.root.setLevel(logging.ERROR)
    return (images * 0.9).float()


def raising(images: Tensor) -> Tensor:
    meddling(images)
    raise RuntimeError("this model does not work")


@pytest.fixture
def own_process() -> Iterator[None]:
    """What a test sets is put back after it."""
    saved, streams = save((*PROCESS, *TORCH)), save_streams()
    yield
    while _entered:
        _entered.pop().__exit__(None, None, None)
    restore(saved)
    restore_streams(streams)


def snapshot() -> dict[str, Any]:
    return {setting.name: value for setting, value in save((*PROCESS, *TORCH))}


def same_state(before: dict[str, Any]) -> bool:
    """Of libraries that were there before."""
    now = snapshot()
    changed = {name: (value, now[name]) for name, value in before.items() if now[name] != value}
    assert not changed
    return True


def same_streams(before: list[Any]) -> bool:
    now = save_streams()
    same_of_numpy = all(np.array_equal(a, b) for a, b in zip(before[1], now[1], strict=True))
    return before[0] == now[0] and same_of_numpy and torch.equal(before[2], now[2])


@pytest.fixture(scope="module")
def expected() -> dict[str, str]:
    """The digest that the standard state gives."""
    return {}


@pytest.mark.parametrize("state", STATES, ids=lambda name: name.replace(" ", "-"))
def test_a_state_of_the_caller_moves_no_number_and_stays(
    state: str, quick: str, images: Tensor, own_process: None, expected: dict[str, str]
) -> None:
    model, failing = (vtbench.reconstructor(one, name="m") for one in (meddling, raising))
    STATES[state]()
    before, streams = snapshot(), save_streams()
    digest = vtbench.evaluate(model, quick, data=images).records[0].results_digest()
    assert same_state(before)
    assert same_streams(streams)
    assert expected.setdefault("digest", digest) == digest
    with pytest.raises(VtbenchError, match="this model does not work"):
        vtbench.evaluate(failing, quick, data=images)
    assert same_state(before)
    assert same_streams(streams)


def test_ctrl_c_passes_and_leaves_the_state(quick: str, images: Tensor, own_process: None) -> None:
    def interrupted(given: Tensor) -> Tensor:
        meddling(given)
        raise KeyboardInterrupt

    before = snapshot()
    with pytest.raises(KeyboardInterrupt):
        vtbench.evaluate(vtbench.reconstructor(interrupted, name="m"), quick, data=images)
    assert same_state(before)


def test_a_metric_leaves_the_state_and_is_moved_by_none_of_it(images: Tensor, own_process: None) -> None:
    darker = (images * 0.9).to(torch.uint8)
    plain = vtbench.metric("lpips_alex")(darker[:2], images[:2])
    torch.set_default_dtype(torch.float64)
    with torch.autocast("cpu", torch.bfloat16):
        before = snapshot()
        assert torch.equal(vtbench.metric("lpips_alex")(darker[:2], images[:2]), plain)
        assert same_state(before)


def test_nothing_is_printed_or_left_on_the_disk(
    quick: str, images: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("here", "temporary", "cache"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path / "cache"))
    vtbench.evaluate(vtbench.reconstructor(lambda x: x, name="m"), quick, data=images)
    with pytest.raises(VtbenchError):
        vtbench.evaluate(vtbench.reconstructor(raising, name="m"), quick, data=images)
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "quick.yaml"]
    assert left == [] and list((tmp_path / "temporary").iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("device", "begun"), [("cpu", 0), (None, 1)])
def test_cuda_is_begun_only_where_it_may_be_used(
    device: str | None, begun: int, quick: str, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that measures on the CPU takes no memory of a GPU."""
    calls: list[None] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "init", lambda: calls.append(None))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    model = vtbench.reconstructor(lambda x: x, name="m")
    with contextlib.suppress(ZeroDivisionError):  # there is no such GPU to choose
        vtbench.evaluate(model, quick, data=images, device=device)
    assert len(calls) == begun


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_streams_of_a_gpu_go_on_as_if_nothing_had_been(quick: str, images: Tensor, own_process: None) -> None:
    torch.cuda.manual_seed(3)
    model = vtbench.reconstructor(lambda x: x + 0 * torch.randn_like(x), name="m")
    before = torch.cuda.get_rng_state_all()
    vtbench.evaluate(model, quick, data=images, device="cuda")
    assert all(torch.equal(a, b) for a, b in zip(before, torch.cuda.get_rng_state_all(), strict=True))
