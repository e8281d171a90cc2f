"""Workers of Ray: an actor each, of the size that was asked for, on a cluster or on this machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from vtbench.core.errors import AssetMissingError, UsageError, VtbenchError
from vtbench.core.extras import install_extra
from vtbench.core.foreign import interrupts
from vtbench.core.foreign.guard import advice, told
from vtbench.run.executing.job import Prepared
from vtbench.run.launching.block_server import BlockServer, Delivery
from vtbench.run.launching.order import Order
from vtbench.run.launching.pool import WorkerLostError

Found = TypeVar("Found")
_HINT = "its log is below /tmp/ray on that machine; with less memory a worker, give --cpus-per-worker more"
_QUIET = logging.ERROR


@dataclass(frozen=True, kw_only=True)
class RayOptions:
    """How big a worker is, and where it runs.

    Attributes:
        address: of a cluster; ``None`` for workers on this machine alone.
        count: workers; as many as there is room for unless given.
        gpus: of a worker; one where there are any, unless given.
        cpus: of a worker.
    """

    address: str | None = None
    count: int | None = None
    gpus: float | None = None
    cpus: int = 1


@dataclass(frozen=True)
class Cluster:
    """A cluster that is connected to, and the size of a worker there."""

    options: RayOptions
    count: int
    gpus: float

    @property
    def device_type(self) -> str:
        """What models run on."""
        return "cuda" if self.gpus else "cpu"

    def worker(self, order: Order, rank: int) -> RayWorker:
        """An actor; it plans while others are made."""
        import ray

        sized = ray.remote(num_cpus=self.options.cpus, num_gpus=self.gpus, max_restarts=0)(_Actor)
        return RayWorker(sized.remote(order, rank))


@contextmanager
def connected(options: RayOptions) -> Iterator[Cluster]:
    """A cluster, or Ray on this machine, for the time of the body.

    Raises:
        AssetMissingError: Ray is not installed.
        UsageError: there is no such cluster, or no room for a worker in it.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anybody
    try:
        import ray
    except ImportError as error:
        raise AssetMissingError("--launcher ray needs Ray", install_extra("ray")) from error
    sized = options.address is None and options.count is not None
    local: dict[str, Any] = {"num_cpus": (options.count or 1) * options.cpus} if sized else {}
    try:
        with interrupts.kept():
            ray.init(options.address, include_dashboard=False, log_to_driver=False, logging_level=_QUIET, **local)
    except Exception as error:
        raise UsageError(
            f"Ray cannot be reached: {told(error)}", "see --ray-address, and `ray status` there"
        ) from error
    try:
        room: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        yield _sized(options, room)
    finally:
        ray.shutdown()


def _sized(options: RayOptions, room: Mapping[str, float]) -> Cluster:
    gpus = (1.0 if room.get("GPU") else 0.0) if options.gpus is None else options.gpus
    places = [room.get("CPU", 0) // options.cpus, *([room.get("GPU", 0) // gpus] if gpus else [])]
    most = int(min(places))
    if most < (asked := options.count or 1):
        raise UsageError(
            f"Ray has room for {most} workers of {options.cpus} CPUs and {gpus:g} GPUs; asked for: {asked}",
            "ask for fewer or smaller ones: --world, --cpus-per-worker, --gpus-per-worker",
        )
    return Cluster(options, options.count or most, gpus)


@dataclass(frozen=True)
class _Failure:
    """An error as text: an exception may not be what can be sent."""

    what: str
    hint: str | None


class _Actor:
    """A server that answers errors in words."""

    def __init__(self, order: Order, rank: int) -> None:
        self._given = order, rank
        self._server: BlockServer | None = None

    def prepare(self, key: str) -> tuple[Prepared, Delivery] | _Failure:
        try:
            return self._served.prepare(key)
        except Exception as error:  # noqa: BLE001 - told where it is asked for
            return _in_words(error)

    def measure(
        self, key: str, indices: Sequence[int], events: Mapping[int, str]
    ) -> Iterator[tuple[int, Delivery] | _Failure]:
        try:
            yield from self._served.measure(key, indices, events)
        except Exception as error:  # noqa: BLE001 - as above
            yield _in_words(error)

    @property
    def _served(self) -> BlockServer:
        if self._server is None:
            self._server = BlockServer(*self._given)
        return self._server


class RayWorker:
    """A handle of an actor, as the pool asks it."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def prepare(self, key: str) -> tuple[Prepared, Delivery]:
        """See the server."""
        prepared: tuple[Prepared, Delivery] = _whole(_had(self._actor.prepare.remote(key)))
        return prepared

    def measure(self, key: str, indices: Sequence[int], events: Mapping[int, str]) -> Iterator[tuple[int, Delivery]]:
        """See the server."""
        coming = self._actor.measure.options(num_returns="streaming").remote(key, list(indices), dict(events))
        while True:
            try:
                reference = next(coming)
            except StopIteration:
                return
            except Exception as error:
                raise _lost(error) from error
            yield _whole(_had(reference))

    def end(self) -> None:
        """Stop it, whatever it does."""
        import ray

        ray.kill(self._actor)


def _had(reference: Any) -> Any:
    import ray

    try:
        return ray.get(reference)
    except Exception as error:
        raise _lost(error) from error


def _lost(error: Exception) -> WorkerLostError:
    return WorkerLostError(told(error).partition(". ")[0].partition(" class_name:")[0][:200], _HINT)


def _whole(found: Found | _Failure) -> Found:
    """What was asked for.

    Raises:
        VtbenchError: there is none, and why.
    """
    if isinstance(found, _Failure):
        raise VtbenchError(found.what, found.hint)
    return found


def _in_words(error: Exception) -> _Failure:
    if isinstance(error, VtbenchError):
        return _Failure(error.what, error.hint)
    return _Failure(told(error), advice(error))
