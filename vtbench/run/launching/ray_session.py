"""A session whose blocks workers of Ray measure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from vtbench.run.config.overriding import overridden
from vtbench.run.config.planning import Planned, plan_config
from vtbench.run.config.schema import RunConfig
from vtbench.run.executing.peers import alone_at_work
from vtbench.run.launching.crew import PoolCrew
from vtbench.run.launching.launch import Launch
from vtbench.run.launching.order import Order
from vtbench.run.launching.pool import Pool
from vtbench.run.launching.ray_workers import RayOptions, connected
from vtbench.run.progress import say


@contextmanager
def planned_on_ray(
    asked: RunConfig, launch: Launch, trusted: Collection[Path], command: Sequence[str]
) -> Iterator[Planned]:
    """Plan what an invocation asks for; its session may run as long as the body lasts.

    Args:
        asked: the invocation.
        launch: how many workers there are, and of what size.
        trusted: files, or folders of files, whose code and programs may run, here and there.
        command: the command line, for the record.

    Raises:
        AssetMissingError: Ray is not installed.
        UsageError: no such cluster, no room there, or what cannot be planned.
    """
    cpus = launch.cpus_per_worker or 1
    options = RayOptions(address=launch.ray_address, count=launch.world, gpus=launch.gpus_per_worker, cpus=cpus)
    with connected(options) as cluster:
        decoders = max(0, cpus - 1) if asked.workers is None else asked.workers
        alone = overridden(asked, {"workers_of": "none", "workers": decoders})
        planned = plan_config(alone, trusted, command, cluster.device_type)
        order = Order.of(planned.config, trusted)
        say(f"workers of Ray: {cluster.count}, each with {cpus} CPUs and {cluster.gpus:g} GPUs")
        with alone_at_work(planned.session.options.out, "ray"):
            pool = Pool(lambda rank: cluster.worker(order, rank), cluster.count, say)
            try:
                yield replace(planned, session=replace(planned.session, crew=PoolCrew(pool)))
            finally:
                pool.end()
