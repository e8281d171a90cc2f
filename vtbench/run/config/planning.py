"""From an invocation to a session of planned jobs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vtbench.core.disk.files import user_path
from vtbench.core.naming.sweeps import swept
from vtbench.run.config.overriding import overridden
from vtbench.run.config.schema import RunConfig
from vtbench.run.options import RunOptions
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.models import Source, source_of
from vtbench.run.planning.selection import Selection, select
from vtbench.run.session import Session, plan_session
from vtbench.tasks import load_task


@dataclass(frozen=True, eq=False)
class Planned:
    """A session, and the invocation that plans it again: suites and defaults written out."""

    session: Session
    config: RunConfig


def plan_config(
    config: RunConfig, trusted: Collection[Path], command: Sequence[str], measured_on: str | None = None
) -> Planned:
    """Plan what an invocation asks for; a model at several settings (``NAME,key=1|2``) is so many models.

    Args:
        config: the invocation.
        trusted: files, or folders of files, whose code and programs may run.
        command: the command line, for the record.
        measured_on: the kind of device that others measure on; ``None`` where this process measures.

    Raises:
        UsageError: unknown names, wrong arguments, bad data.
        AssetMissingError: weights that cannot be had.
    """
    models = [swept(map(str, requests)) for requests in (config.tokenizers, config.generators)]
    selection = select(models[0], models[1], config.tasks, config.suite, config.data is not None, trusted)
    chosen = _written_out(config, selection)
    makers: list[Callable[[], Source]] = [partial(source_of, name) for name in selection.tokenizers]
    makers += [partial(GeneratorSource, name) for name in selection.generators]
    tasks = [load_task(name, trusted) for name in selection.tasks]
    session = plan_session(makers, tasks, chosen.data, _options(chosen, command, measured_on))
    return Planned(session, chosen)


def _written_out(config: RunConfig, selection: Selection) -> RunConfig:
    named = {"tokenizers": selection.tokenizers, "generators": selection.generators, "tasks": selection.tasks}
    return overridden(config, named)


def _options(config: RunConfig, command: Sequence[str], measured_on: str | None) -> RunOptions:
    return RunOptions(
        out=user_path(config.out), device=config.device, dtype=config.dtype, limit=config.limit,
        batch_size=config.batch_size, workers=config.workers, workers_of=config.workers_of, seed=config.seed,
        strict=config.strict, fresh=config.fresh, allow_small_sets=config.allow_small_sets, reference=config.reference,
        training=config.training, samples=None if config.samples is None else user_path(config.samples),
        command=tuple(command), invocation=config.content, measured_on=measured_on,
    )  # fmt: skip
