"""Every kind of state that a call could leave behind, set inside one and found as it was; and how such a call ends."""

from __future__ import annotations

import contextlib
import io
import logging
import multiprocessing
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageFile
import pytest
import torch

from vtbench.core.errors import ForeignCodeError, UsageError
from vtbench.core.foreign.guard import foreign, interrupts, making, told
from vtbench.core.foreign.process_state import PROCESS, save
from vtbench.core.foreign.torch_state import TORCH
from vtbench.run.device import make_deterministic


def _log() -> None:
    logging.root.addHandler(logging.NullHandler())
    logging.root.setLevel(logging.DEBUG)
    logging.disable(logging.ERROR)


def _filters() -> None:
    warnings.simplefilter("error")
    warnings.showwarning = lambda *_: None  # type: ignore[assignment]


def _set(owner: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(owner, name, value)


def _matmul() -> None:
    torch.set_float32_matmul_precision("medium")


def _precisions() -> None:
    for part in (torch.backends, torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.mkldnn.matmul):
        if hasattr(part, "fp32_precision"):
            part.fp32_precision = "tf32"


_entered: list[Any] = []


def _inference() -> None:
    """Entered and never left: the mode lasts as long as its object."""
    _entered.append(torch.inference_mode())
    _entered[-1].__enter__()


def _attention() -> None:
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_math_sdp(False)


LEAKS: dict[str, Callable[[], Any]] = {
    "stdout": _set(sys, "stdout", None),
    "stderr": lambda: setattr(sys, "stderr", io.StringIO()),
    "argv": lambda: sys.argv.append("--mine"),
    "recursion": lambda: sys.setrecursionlimit(5000),
    "descriptors": lambda: os.closerange(1, 3),
    "alarm": lambda: signal.setitimer(signal.ITIMER_REAL, 1000),
    "folder": lambda: os.chdir("/"),
    "environment": lambda: os.environ.update(VTBENCH_OFFLINE="7", OMP_NUM_THREADS="3"),
    "warnings": _filters,
    "signals": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "logging": _log,
    "processes": lambda: multiprocessing.set_start_method("spawn", force=True),
    "numpy errors": lambda: np.seterr(all="raise"),
    "truncated images": _set(PIL.ImageFile, "LOAD_TRUNCATED_IMAGES", True),
    "largest image": _set(PIL.Image, "MAX_IMAGE_PIXELS", 1),
    "dtype": lambda: torch.set_default_dtype(torch.float16),
    "device": lambda: torch.set_default_device("meta"),
    "modes": lambda: torch.device("meta").__enter__(),
    "grad": lambda: torch.set_grad_enabled(False),
    "inference": _inference,
    "autocast": lambda: torch.set_autocast_enabled("cpu", True),
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "denormals": lambda: torch.set_flush_denormal(True),
    "deterministic": lambda: torch.use_deterministic_algorithms(False),
    "cudnn": _set(torch.backends.cudnn, "enabled", False),
    "cudnn benchmark": _set(torch.backends.cudnn, "benchmark", True),
    "cudnn deterministic": _set(torch.backends.cudnn, "deterministic", False),
    "fill": lambda: setattr(torch.utils.deterministic, "fill_uninitialized_memory", True),
    "reduced precision": _set(torch.backends.cuda.matmul, "allow_fp16_reduced_precision_reduction", False),
    "attention": _attention,
    "mkldnn": lambda: torch._C._set_mkldnn_enabled(False),
    "matmul": _matmul,
    "tf32": _set(torch.backends.cuda.matmul, "allow_tf32", True),
    "cudnn tf32": _set(torch.backends.cudnn, "allow_tf32", True),
    "precisions": _precisions,
}


@pytest.mark.parametrize("leak", LEAKS, ids=lambda name: name.replace(" ", "-"))
def test_what_a_call_leaves_changed_is_put_back(leak: str) -> None:
    make_deterministic()
    before = [(setting.name, value) for setting, value in save((*PROCESS, *TORCH))]
    with foreign("a model"):
        LEAKS[leak]()
    assert [(setting.name, value) for setting, value in save((*PROCESS, *TORCH))] == before
    make_deterministic()  # whichever of torch's two ways to say a precision was used, neither refuses now


def test_every_setting_is_left_changed_by_one_of_these_calls() -> None:
    """Else a setting could be in the table and never be watched."""
    make_deterministic()
    changed = set()
    for leak in LEAKS.values():
        with foreign("around"):
            before = {setting.name: value for setting, value in save((*PROCESS, *TORCH))}
            leak()
            changed |= {name for name, value in before.items() if _read(name) != value}
    needs_cuda = {"CUDA device"}
    same_as_another = {"torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction"}
    assert {setting.name for setting in (*PROCESS, *TORCH)} - changed <= needs_cuda | same_as_another | {
        setting.name for setting in TORCH if "fp32_precision" in setting.name
    }


def _read(name: str) -> Any:
    (setting,) = [one for one in (*PROCESS, *TORCH) if one.name == name]
    try:
        return setting.read()
    except RuntimeError:
        return "unreadable"


def test_random_streams_go_on_as_if_nothing_had_drawn() -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    drawn = (float(torch.rand(())), float(np.random.rand()), random.random())
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    with foreign("a model", seed=5):
        first = (float(torch.rand(())), float(np.random.rand()), random.random())
    with foreign("a model", seed=5):
        assert (float(torch.rand(())), float(np.random.rand()), random.random()) == first
    assert (float(torch.rand(())), float(np.random.rand()), random.random()) == drawn


def test_prints_go_to_stderr_and_options_of_the_command_are_not_seen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["vtbench", "run", "--json"])
    with foreign("a model"):
        print("loading")
        assert sys.argv == ["vtbench"]
    assert capsys.readouterr() == ("", "loading\n")
    assert sys.argv == ["vtbench", "run", "--json"]


def test_a_call_closes_nobody_elses_streams(capsys: pytest.CaptureFixture[str]) -> None:
    with foreign("a model"):
        sys.stdout.close()
        sys.stderr.close()
        print("goes on")
    print("data")
    assert capsys.readouterr() == ("data\n", "goes on\n")


def test_what_is_written_to_a_descriptor_that_a_call_closed_arrives(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with foreign("a model"):
        os.close(1)
        taken = (tmp_path / "f").open("w")  # the lowest number that is free: 1
        assert taken.fileno() == 1
    os.write(1, b"data")
    assert capfd.readouterr().out == "data"
    assert (tmp_path / "f").read_text() == ""


class OwnEnding(BaseException):
    pass


@pytest.mark.parametrize("ending", [SystemExit(0), SystemExit("no GPU"), GeneratorExit(), OwnEnding()])
def test_only_vtbench_ends_the_process(ending: BaseException) -> None:
    with pytest.raises(ForeignCodeError, match=r"^a model: (called sys.exit|raised)") as raised, foreign("a model:"):
        raise ending
    assert "test_guard.py:" in str(raised.value)
    assert raised.value.exit_code == 1


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), interrupts.Interrupted(signal.SIGTERM), UsageError("wrong")])
def test_interrupts_and_expected_errors_pass(ending: BaseException) -> None:
    with pytest.raises(type(ending)), making("a model"):
        raise ending


def test_a_model_cannot_press_ctrl_c() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    interrupts.answer()
    try:
        with pytest.raises(ForeignCodeError, match="raised KeyboardInterrupt"), foreign("a model"):
            raise KeyboardInterrupt
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), before, strict=True):
            signal.signal(number, handler)


def test_an_interrupt_that_a_model_swallows_is_raised_after_its_call() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    interrupts.answer()
    try:
        with (
            pytest.raises(interrupts.Interrupted, match="SIGTERM") as raised,
            foreign("a model"),
            contextlib.suppress(BaseException),  # what such a model does
        ):
            os.kill(os.getpid(), signal.SIGTERM)
        assert raised.value.exit_code == 143
    finally:
        interrupts.answer()
        for number, handler in zip((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), before, strict=True):
            signal.signal(number, handler)


def test_an_error_is_told_whatever_its_message_does() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise ValueError("no words")

    assert told(MuteError()) == "MuteError: (its message cannot be shown: ValueError)"
    assert told(ValueError("two\nlines")) == "ValueError: two lines"
    assert told(KeyError()) == "KeyError"


def test_endless_recursion_is_that_model_s_failure() -> None:
    def deeper() -> None:
        deeper()

    with pytest.raises(ForeignCodeError, match="RecursionError"), making("a model"):
        deeper()


def test_a_removed_working_folder_is_no_reason_to_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with foreign("a model"):
        pass
