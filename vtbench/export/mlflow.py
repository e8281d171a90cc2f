"""MLflow: a run a record, or one named run for many, by its own client.

A run is found again by its tag ``vtbench.run``. A value that stands at its step already, with the record's own time, is
not logged again; pictures and the table of results are artifacts with fixed names, so that they replace themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vtbench.core.disk.files import expand_user
from vtbench.core.errors import AssetMissingError, NotComparableError, UsageError
from vtbench.core.extras import install_extra
from vtbench.core.outside.parsing import boundary
from vtbench.core.secrets import masked
from vtbench.export.tables import results_csv
from vtbench.export.values import Exported, Order, Written, distinct
from vtbench.results.records.previews import open_preview

KEY_TAG = "vtbench.run"
_EXPERIMENT = "vtbench"
_MOST = 500
_LONGEST_TAG = 5000
_REFUSED = re.compile(r"[^\w/. :-]", re.ASCII)
_WAYS = (
    "--dest takes a server (http://…), a database (sqlite:///mlflow.db, with pip install mlflow), or a folder where "
    "MLFLOW_ALLOW_FILE_STORE=true is set"
)


def write(runs: Sequence[Exported], order: Order) -> list[Written]:
    """Log each run to the tracking store ``order.dest``, by default MLflow's own (``MLFLOW_TRACKING_URI``).

    Raises:
        AssetMissingError: MLflow is not installed.
        NotComparableError: the named run holds other data, or another protocol, already.
        UsageError: a server, and nothing may go over the network.
        VtbenchError: MLflow refuses.
    """
    try:
        import mlflow
    except ImportError as error:
        raise AssetMissingError("MLflow is not installed", install_extra("mlflow")) from error
    runs = distinct(list(runs))
    with boundary(f"MLflow does not take the runs{_at(order.dest)}", _WAYS):
        uri = mlflow.get_tracking_uri() if order.dest is None else _address(order.dest)
        if order.offline and not uri.startswith(("file:", "sqlite:", "/")):
            raise UsageError(f"--offline, and MLflow's runs go to {masked(uri)}", _WAYS)
        client = mlflow.MlflowClient(tracking_uri=uri)
        experiment = _experiment(client, order.experiment or _EXPERIMENT)
        return [_log(client, experiment, run) for run in runs]


def _at(dest: str | None) -> str:
    return "" if dest is None else f" at {masked(dest)}"


def _address(dest: str) -> str:
    """A tracking address as it is; anything else is a folder."""
    if "://" in dest or dest.startswith(("databricks", "file:")):
        return dest
    return Path(expand_user(dest)).resolve().as_uri()


def _experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(client.create_experiment(name) if found is None else found.experiment_id)


def _log(client: Any, experiment: str, run: Exported) -> Written:
    metrics = list(_metrics(run))
    there = client.search_runs([experiment], f"tags.`{KEY_TAG}` = '{run.key}'", max_results=1)
    if there and run.named:
        _refuse_others(there[0].data.tags, run)
    tags = {name: text[:_LONGEST_TAG] for name, text in {KEY_TAG: run.key, **run.tags}.items()}
    found = there[0] if there else client.create_run(experiment, run_name=run.name, tags=tags)
    identifier, where = found.info.run_id, f"{found.info.experiment_id}/{found.info.run_id}"
    if there and metrics and _stands(client, identifier, metrics[-1]):
        return Written(run.name, where, len(run.scalars), len(run.images), "already there")
    images = _log_artifacts(client, identifier, run)
    for name, text in tags.items() if there else ():
        client.set_tag(identifier, name, text)
    for start in range(0, len(metrics), _MOST):
        client.log_batch(identifier, metrics=metrics[start : start + _MOST])
    client.set_terminated(identifier)
    return Written(run.name, where, len(run.scalars), images)


def _refuse_others(tags: dict[str, str], run: Exported) -> None:
    for name, text in run.identity.items():
        if tags.get(name, text) != text:
            raise NotComparableError(
                f"the run {run.name} holds {name} {tags[name]}, and these results {text}",
                "a curve over both would mean nothing: give another --run-name",
            )


def _metrics(run: Exported) -> Iterator[Any]:
    from mlflow.entities import Metric

    milliseconds = int(run.record.finished.timestamp() * 1000)
    names: dict[str, str] = {}
    for name, value in run.values.items():
        plain = metric_name(name)
        if names.setdefault(plain, name) != name:
            raise UsageError(f"MLflow would call both {name!r} and {names[plain]!r} {plain!r}", "rename the stratum")
        yield Metric(plain, value, milliseconds, run.step)


def metric_name(name: str) -> str:
    """``task/psnr[glyph_px=8]`` as MLflow takes it: ``task/psnr.glyph_px:8``."""
    return _REFUSED.sub("_", name.replace("[", ".").replace("]", "").replace("=", ":"))


def _stands(client: Any, identifier: str, metric: Any) -> bool:
    """Whether the last of the values, and so all of them, were logged: same step, same time, same value."""
    history = client.get_metric_history(identifier, metric.key)
    return any(
        repr((m.step, m.timestamp, m.value)) == repr((metric.step, metric.timestamp, metric.value)) for m in history
    )


def _log_artifacts(client: Any, identifier: str, run: Exported) -> int:
    """Pictures and the table of results, in a folder a task and step; returns how many pictures."""
    folder, count = f"{run.task}/step-{run.step}", 0
    client.log_text(identifier, results_csv(run.record), f"{folder}/metrics.csv")
    for picture in run.images:
        image = open_preview(picture.path)
        if image is not None:
            client.log_image(identifier, image, artifact_file=f"{folder}/{picture.path.stem}.png")
            count += 1
    return count
