"""vtbench: the evaluation harness for visual tokenizers and autoregressive image generators.

The names below are imported when first used, so that ``import vtbench`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vtbench.version import __version__

if TYPE_CHECKING:
    from vtbench.export.destinations import export_runs
    from vtbench.results.leaderboards.frame import leaderboard_frame
    from vtbench.results.records.record import RunRecord, load_records
    from vtbench.results.tables.frames import metrics_frame, runs_frame, samples_frame

_HOMES = {
    "RunRecord": "vtbench.results.records.record",
    "export_runs": "vtbench.export.destinations",
    "leaderboard_frame": "vtbench.results.leaderboards.frame",
    "load_records": "vtbench.results.records.record",
    "metrics_frame": "vtbench.results.tables.frames",
    "runs_frame": "vtbench.results.tables.frames",
    "samples_frame": "vtbench.results.tables.frames",
}

__all__ = [
    "RunRecord",
    "__version__",
    "export_runs",
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
