"""The caller's process: whatever it is set to, work begins from the standard state and leaves it as it was.

A training loop has random streams, switches and modes of its own. What is put back is what ``process_state`` and
``torch_state`` of :mod:`vtbench.core.foreign` list, and the random streams of Python, NumPy, the CPU and every GPU.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch

from vtbench.core.foreign.process_state import PROCESS, restore, save
from vtbench.core.foreign.torch_state import TORCH, forget_precisions, restore_streams, save_streams

_KINDS = ("cpu", "cuda")


@contextmanager
def left_as_it_was(on_gpu: bool = False) -> Iterator[None]:
    """Run the body from the standard state; afterwards the process is as it was before, exceptions included.

    Args:
        on_gpu: whether the body may be what begins to use CUDA.
    """
    saved, streams = save((*PROCESS, *TORCH)), save_streams()
    on_devices = _device_streams(on_gpu)
    try:
        with ExitStack() as modes:
            _begin_standard(modes)
            yield
    finally:
        restore(saved)
        restore_streams(streams)
        if on_devices:
            torch.cuda.set_rng_state_all(on_devices)


def _device_streams(begin: bool) -> list[Any]:
    """States of the GPUs' random streams. A seed may wait for CUDA to begin, and would be lost if that were later."""
    if begin and torch.cuda.is_available() and not torch.cuda._is_in_bad_fork():
        torch.cuda.init()  # type: ignore[no-untyped-call]
    begun: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return list(torch.cuda.get_rng_state_all()) if begun else []


def _begin_standard(modes: ExitStack) -> None:
    """What a fresh process has, so that no number depends on the caller's settings. Threads stay as they are."""
    if torch.get_default_device().type != "cpu":
        modes.enter_context(torch.device("cpu"))
    if torch.is_inference_mode_enabled():
        modes.enter_context(torch.inference_mode(mode=False))
    forget_precisions()
    torch.backends.cudnn.enabled = True
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.autograd.set_detect_anomaly(False)
    torch.set_flush_denormal(False)
    for kind in _KINDS:
        torch.set_autocast_enabled(kind, False)
    np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")
    _tell_warnings_instead_of_raising()


def _tell_warnings_instead_of_raising() -> None:
    """A library's deprecation under ``-W error`` is no failure of a sample."""
    warnings.filters[:] = [  # type: ignore[index]  # a list, whatever the stub says
        ("default", *entry[1:]) if entry[0] == "error" else entry for entry in warnings.filters
    ]
    getattr(warnings, "_filters_mutated", lambda: None)()
