"""Where results can go: which destination takes what, and the one call that sends them there."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from vtbench.core.errors import UsageError
from vtbench.export.gather import Sources, gather
from vtbench.export.values import Exported, Order, Written

Writer = Callable[[Sequence[Exported], Order], list[Written]]


@dataclass(frozen=True)
class Destination:
    """A module with ``write(runs, order)``, and the options that mean something to it."""

    module: str
    takes: frozenset[str] = frozenset()


DESTINATIONS = {
    "tensorboard": Destination("vtbench.export.tensorboard", frozenset({"run_name", "step"})),
    "wandb": Destination("vtbench.export.wandb", frozenset({"run_name", "step", "project"})),
    "mlflow": Destination("vtbench.export.mlflow", frozenset({"run_name", "step", "experiment"})),
    "hub-card": Destination("vtbench.export.hub_card", frozenset({"run_name"})),
    "csv": Destination("vtbench.export.tables"),
    "parquet": Destination("vtbench.export.tables"),
}
_OPTIONS = ("project", "experiment", "run_name", "step")


def export_runs(
    runs: Sources,
    to: str,
    *,
    dest: str | None = None,
    project: str | None = None,
    experiment: str | None = None,
    run_name: str | None = None,
    step: int | None = None,
    offline: bool = False,
) -> list[Written]:
    """Send finished runs to another tool. What is there already is not written twice.

    Args:
        runs: records (such as an evaluation returned), or paths of records, run folders, or folders above them.
        to: ``tensorboard``, ``wandb``, ``mlflow``, ``hub-card``, ``csv`` or ``parquet``.
        dest: where: a folder, of ``hub-card`` a ``README.md`` or its folder, of ``mlflow`` a tracking address.
        project: of W&B; without it and ``run_name``, results join the W&B run that is active in this process, if any.
        experiment: of MLflow.
        run_name: one run at the destination for everything given, now and in later calls; without it, a run a record.
            Of ``hub-card`` the name of the model.
        step: where in a training the runs belong, from 0.
        offline: nothing goes over the network.

    Returns:
        What became of each run, in the order given.

    Raises:
        UsageError: no such destination, or one that has no use for an argument; no records; records that the
            destination cannot hold, as a model card holds no limited runs.
        AssetMissingError: the destination's library is not installed.
        NotComparableError: ``run_name`` holds other data, or another protocol, already.
        VtbenchError: the library refused.
    """
    order = Order(
        to=to, dest=dest, project=project, experiment=experiment, run_name=run_name, step=step, offline=offline
    )
    destination = _destination(order)
    write = cast(Writer, import_module(destination.module).write)
    return write(gather(runs, order), order)


def _destination(order: Order) -> Destination:
    if order.to not in DESTINATIONS:
        close = difflib.get_close_matches(order.to, DESTINATIONS, n=1)
        known = f"known: {', '.join(DESTINATIONS)}"
        raise UsageError(f"no destination {order.to!r}", f"did you mean {close[0]}? {known}" if close else known)
    destination = DESTINATIONS[order.to]
    for option in _OPTIONS:
        if getattr(order, option) is not None and option not in destination.takes:
            able = ", ".join(name for name, other in DESTINATIONS.items() if option in other.takes)
            raise UsageError(f"{order.to} has no use for {_flag(option)}", f"leave it out; it is for {able}")
    if order.step is not None and order.step < 0:
        raise UsageError(f"--step {order.step}", "steps count from 0")
    if order.run_name is not None and not order.run_name.strip():
        raise UsageError("--run-name is empty", "give it a name, or leave it out")
    return destination


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"
