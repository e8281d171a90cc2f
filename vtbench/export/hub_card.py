"""A model card for the Hugging Face Hub: results as its ``model-index``, which the Hub shows and compares.

huggingface_hub gives the layout; only whole measurements enter it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vtbench.core.disk.files import user_path, write_text
from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.core.extras import install_extra
from vtbench.core.outgoing import terminal_line
from vtbench.core.outside.parsing import read_text
from vtbench.core.secrets import masked
from vtbench.export.model_index import merged, with_index
from vtbench.export.values import Exported, Order, Scalar, Written, distinct

_CARD = "README.md"
_IMAGES, _PROMPTS, _SAMPLES = "image-to-image", "text-to-image", "unconditional-image-generation"
"""Tasks as the Hub calls them; it has no name of its own for reconstruction, nor for classes."""


def write(runs: Sequence[Exported], order: Order) -> list[Written]:
    """Merge results into the metadata of the card ``order.dest``, a ``README.md`` or its folder; the rest stays.

    A result with an equal task, data set and protocol is replaced; any other stays. A card that is not there is made.

    Raises:
        AssetMissingError: huggingface_hub is not installed.
        UsageError: no ``dest``; runs that are not complete, or of several models; a card whose metadata cannot be read.
    """
    try:
        from huggingface_hub import repocard_data
    except ImportError as error:
        raise AssetMissingError("model cards need huggingface_hub", install_extra("hub")) from error
    if order.dest is None:
        raise UsageError("--to hub-card without --dest", "--dest README.md of the model, or its folder")
    runs = distinct(list(runs))
    _require_whole(runs)
    label = _one_model(runs)
    path = user_path(order.dest)
    path = path / _CARD if path.is_dir() or path.suffix.lower() != ".md" else path
    text = read_text(path) if path.exists() else ""
    results = [result for run in runs for result in _results(run)]
    fresh = repocard_data.eval_results_to_model_index(order.run_name or label, results)
    changed = with_index(text, lambda held: merged(held, fresh, keep_name=order.run_name is None), path)
    if changed != text:
        write_text(path, changed)
    what = "already there" if changed == text else "written"
    return [Written(run.name, str(path), len(list(_finite(run))), 0, what) for run in runs]


def _require_whole(runs: Sequence[Exported]) -> None:
    for run in runs:
        if run.record.status != "complete":
            why = run.tags.get("limited") or f"{run.record.data.n_failed} samples failed, or a metric is missing"
            raise UsageError(
                f"{run.name} is {run.record.status}: {why}",
                "a model card states whole measurements: run it without --limit, or export other runs",
            )


def _one_model(runs: Sequence[Exported]) -> str:
    labels = list(dict.fromkeys(run.record.model.label for run in runs))
    if len(labels) > 1:
        raise UsageError(
            f"a card is of one model, and these runs are of {', '.join(labels[:4])}{' …' if len(labels) > 4 else ''}",
            "give the runs of one model",
        )
    measured = [(run.task, *run.identity.values()) for run in runs]
    twice = next((run for run in runs if measured.count((run.task, *run.identity.values())) > 1), None)
    if twice is not None:
        raise UsageError(
            f"several of these runs are of {twice.task}, on the same data",
            "a card states each measurement once: give one of them",
        )
    return terminal_line(masked(labels[0]))


def _finite(run: Exported) -> Iterator[Scalar]:
    """Results over all samples, but those that the Hub cannot show: no number, or infinite."""
    for scalar in run.scalars:
        if scalar.result.stratum == "all" and math.isfinite(scalar.result.value):
            yield scalar


def _results(run: Exported) -> Iterator[Any]:
    """One entry a metric. The Hub groups them by data set, its configuration and revision: protocol and fingerprint."""
    from huggingface_hub import EvalResult

    spec, data = run.record.task.spec, run.record.data
    source = terminal_line(masked(data.source))
    name = source if "://" in source else Path(source).name
    for scalar in _finite(run):
        yield EvalResult(
            task_type=_hub_task(spec),
            task_name=run.task,
            dataset_type=name or run.task,
            dataset_name=name or run.task,
            dataset_config=run.record.task.protocol_id,
            dataset_revision=data.fingerprint,
            metric_type=scalar.result.metric,
            metric_name=f"{scalar.result.metric} ({scalar.result.unit})" if scalar.result.unit else None,
            metric_value=scalar.result.value,
            metric_args=_metric_args(run, scalar),
        )


def _hub_task(spec: Any) -> str:
    if spec.get("kind") == "judged":
        return _PROMPTS
    if spec.get("kind") not in ("generation", "tokens"):
        return _IMAGES
    conditions = spec.get("conditions") or {}
    if conditions.get("images"):
        return _IMAGES
    return _PROMPTS if conditions.get("of") == "prompts" else _SAMPLES


def _metric_args(run: Exported, scalar: Scalar) -> dict[str, Any]:
    result = scalar.result
    interval = {"ci_low": result.ci_low, "ci_high": result.ci_high, "ci_method": result.ci_method}
    stated = {"n": result.n, "higher_is_better": result.higher_is_better, **interval}
    return {
        "vtbench": run.record.code.vtbench_version,
        **{name: value for name, value in stated.items() if value not in (None, "")},
    }
