"""vtbench: the evaluation harness for visual tokenizers and autoregressive image generators.

The names below are imported when first used, so that ``import vtbench`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vtbench.version import __version__

if TYPE_CHECKING:
    from vtbench.api.callables import reconstructor, sampler
    from vtbench.api.evaluate import evaluate
    from vtbench.api.evaluator import Evaluator
    from vtbench.api.judgements import import_judgements
    from vtbench.api.metric import metric
    from vtbench.api.result import Result
    from vtbench.export.destinations import export_runs
    from vtbench.results.leaderboards.frame import leaderboard_frame
    from vtbench.results.records.record import RunRecord, load_records
    from vtbench.results.tables.frames import metrics_frame, runs_frame, samples_frame

_HOMES = {
    "Evaluator": "vtbench.api.evaluator",
    "Result": "vtbench.api.result",
    "RunRecord": "vtbench.results.records.record",
    "evaluate": "vtbench.api.evaluate",
    "export_runs": "vtbench.export.destinations",
    "import_judgements": "vtbench.api.judgements",
    "leaderboard_frame": "vtbench.results.leaderboards.frame",
    "load_records": "vtbench.results.records.record",
    "metric": "vtbench.api.metric",
    "metrics_frame": "vtbench.results.tables.frames",
    "reconstructor": "vtbench.api.callables",
    "runs_frame": "vtbench.results.tables.frames",
    "sampler": "vtbench.api.callables",
    "samples_frame": "vtbench.results.tables.frames",
}

__all__ = [
    "Evaluator",
    "Result",
    "RunRecord",
    "__version__",
    "evaluate",
    "export_runs",
    "import_judgements",
    "leaderboard_frame",
    "load_records",
    "metric",
    "metrics_frame",
    "reconstructor",
    "runs_frame",
    "sampler",
    "samples_frame",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vtbench' has no attribute {name!r}")
    from vtbench.core.foreign.importing import imports_apart

    with imports_apart():
        value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
