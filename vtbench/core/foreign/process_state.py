"""What a process holds once for everybody: the settings that one model could leave changed for the next.

Each is read and written by one entry of a table, and only where its library is already imported: nothing here imports
one. The tables are data, so that a test can walk them.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vtbench.core.foreign.lent_streams import lead_back, leads_to

Saved = list[tuple["Setting", Any]]
_UNREADABLE = object()

# Variables that vtbench, its child processes and the libraries under it read while they run. Others stay as a model
# sets them: it may need them at its next call, and nobody else looks.
WATCHED_VARIABLES = (
    "VTBENCH_OFFLINE", "VTBENCH_ASSETS", "VTBENCH_CACHE", "VTBENCH_DEBUG",
    "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE",
    "CUDA_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY",
    "RANK", "WORLD_SIZE", "LOCAL_RANK", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS",
    "PATH", "TMPDIR",
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """One thing that a process has once.

    Attributes:
        name: what a person calls it.
        module: the library that holds it; where that is not imported there is nothing to save.
        read: its value now; cheap, and comparable by ``==``.
        write: sets it.
    """

    name: str
    module: str
    read: Callable[[], Any]
    write: Callable[[Any], Any]


def save(settings: Sequence[Setting]) -> Saved:
    """The values now, of those whose library is there."""
    return [(setting, _read(setting)) for setting in settings if setting.module in sys.modules]


def restore(saved: Saved) -> None:
    """Write what differs from the values that were saved."""
    for setting, before in saved:
        now = _read(setting)
        if before is not _UNREADABLE and (now is _UNREADABLE or now != before):
            setting.write(before)


def _read(setting: Setting) -> Any:
    try:
        return setting.read()
    except Exception:  # noqa: BLE001 - torch refuses to name a precision by one of two names once it was set by the other
        return _UNREADABLE


_RAW: dict[bytes, bytes] | None = vars(os.environ).get("_data") if os.name == "posix" else None
_RAW_NAMES = [os.fsencode(name) for name in WATCHED_VARIABLES]


def _variables() -> list[str | None]:
    if _RAW is None:
        return [os.environ.get(name) for name in WATCHED_VARIABLES]
    # Without the encoding and decoding of each name and value, which takes a quarter of the whole guard's time.
    raw = [_RAW.get(name) for name in _RAW_NAMES]
    return [None if value is None else os.fsdecode(value) for value in raw]


def _set_variables(values: Sequence[str | None]) -> None:
    for name, value in zip(WATCHED_VARIABLES, values, strict=True):
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - on every call of a model: a Path would take ten times as long
    except FileNotFoundError:  # removed under the process
        return None


def _set_folder(folder: str | None) -> None:
    if folder is not None:
        os.chdir(folder)


def _filters() -> tuple[Any, ...]:
    return (*warnings.filters, warnings.showwarning)


def _set_filters(before: tuple[Any, ...]) -> None:
    warnings.filters[:] = before[:-1]  # type: ignore[index]  # a list, whatever the stub says
    warnings.showwarning = before[-1]
    # Python remembers which warnings were shown, by a version that every change of the filters must raise.
    getattr(warnings, "_filters_mutated", lambda: None)()


_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM") if hasattr(signal, name)]


def _handlers() -> list[Any]:
    return [signal.getsignal(number) for number in _SIGNALS]


def _set_handlers(handlers: Sequence[Any]) -> None:
    if threading.current_thread() is not threading.main_thread():
        return  # none but the main thread may
    for number, handler in zip(_SIGNALS, handlers, strict=True):
        if handler is not None:  # set by C code: unknown to Python
            signal.signal(number, handler)


def _logging() -> tuple[Any, ...]:
    root = logging.root
    return (root.level, tuple(root.handlers), root.manager.disable)


def _set_logging(before: tuple[Any, ...]) -> None:
    logging.root.setLevel(before[0])
    logging.root.handlers[:] = before[1]
    logging.disable(before[2])


def _numpy_errors() -> Any:
    return sys.modules["numpy"].geterr()


def _attribute(module: str, name: str) -> Setting:
    """An attribute of a module."""
    return Setting(
        f"{module}.{name}",
        module,
        lambda: getattr(sys.modules[module], name),
        lambda value: setattr(sys.modules[module], name, value),
    )


def _alarm() -> bool:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


def _set_alarm(running: bool) -> None:
    if not running:  # the time that was left of one that a call replaced is not known any more
        signal.setitimer(signal.ITIMER_REAL, 0)


PROCESS: tuple[Setting, ...] = (
    Setting("file descriptors 1 and 2", "os", leads_to, lead_back),  # first: the others may have to tell something
    Setting("sys.stdout", "sys", lambda: sys.stdout, lambda value: setattr(sys, "stdout", value)),
    Setting("sys.stderr", "sys", lambda: sys.stderr, lambda value: setattr(sys, "stderr", value)),
    Setting("sys.argv", "sys", lambda: list(sys.argv), lambda value: setattr(sys, "argv", value)),
    Setting("recursion limit", "sys", sys.getrecursionlimit, sys.setrecursionlimit),
    Setting("current directory", "os", _folder, _set_folder),
    Setting("environment", "os", _variables, _set_variables),
    Setting("warnings", "warnings", _filters, _set_filters),
    *((Setting("alarm", "signal", _alarm, _set_alarm),) if hasattr(signal, "setitimer") else ()),
    Setting("signal handlers", "signal", _handlers, _set_handlers),
    Setting("logging", "logging", _logging, _set_logging),
    Setting(
        "start of processes",
        "multiprocessing",
        lambda: multiprocessing.get_start_method(allow_none=True),
        lambda value: multiprocessing.set_start_method(value, force=True),
    ),
    Setting("numpy.errstate", "numpy", _numpy_errors, lambda value: sys.modules["numpy"].seterr(**value)),
    _attribute("PIL.ImageFile", "LOAD_TRUNCATED_IMAGES"),
    _attribute("PIL.Image", "MAX_IMAGE_PIXELS"),
)
