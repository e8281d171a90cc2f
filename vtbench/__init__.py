"""vtbench: the evaluation harness for visual tokenizers and autoregressive image generators.

The names below are imported when first used, so that ``import vtbench`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vtbench.version import __version__

if TYPE_CHECKING:
    from vtbench.results.frames import metrics_frame, runs_frame, samples_frame
    from vtbench.results.leaderboard_frame import leaderboard_frame
    from vtbench.results.record import RunRecord, load_records

_HOMES = {
    "RunRecord": "vtbench.results.record",
    "leaderboard_frame": "vtbench.results.leaderboard_frame",
    "load_records": "vtbench.results.record",
    "metrics_frame": "vtbench.results.frames",
    "runs_frame": "vtbench.results.frames",
    "samples_frame": "vtbench.results.frames",
}

__all__ = [
    "RunRecord",
    "__version__",
    "leaderboard_frame",
    "load_records",
    "metrics_frame",
    "runs_frame",
    "samples_frame",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vtbench' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
