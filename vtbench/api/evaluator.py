"""``vtbench.Evaluator``: networks, images and features of references that stay ready from one model to the next."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from types import TracebackType
from typing import Any

import torch

from vtbench.api.caller import left_as_it_was
from vtbench.api.choices import Choices, Names, as_conditions, as_path, listed, offline, trusted
from vtbench.api.live.data import as_data
from vtbench.api.live.kept import KEPT_BYTES, KeptData
from vtbench.api.live.lending import lent
from vtbench.api.live.networks import home_of, reached_networks
from vtbench.api.models import Models, device_text, dtype_text, models_of
from vtbench.api.ranks import Crewing, same_number
from vtbench.api.result import Result
from vtbench.api.workplace import Workplace
from vtbench.core.contracts import Condition
from vtbench.core.errors import VtbenchError
from vtbench.core.foreign import read_files
from vtbench.results.records.samples import SAMPLES_FILE, read_sample_table
from vtbench.run.executing.crew import Crew
from vtbench.run.executing.outcome import Outcome
from vtbench.run.measuring.evaluators import Networks
from vtbench.run.planning.selection import select
from vtbench.run.progress import told_to
from vtbench.run.session import Session, plan_session
from vtbench.tasks import load_task

log = logging.getLogger("vtbench")


class Evaluator:
    """Measures models on tasks, one call a model: ``Evaluator("folder", data=images, limit=500)(model).value("psnr")``.

    The networks of metrics, prepared images and features of reference images stay ready between calls: a second call
    reads no image again. Each call leaves the caller's process and the model as they were. ``close()``, or a ``with``
    block, lets everything go.

    In an initialised ``torch.distributed`` group every rank calls it with the same model and data: blocks are shared,
    and all ranks return the same result.

    Args:
        tasks: a task, or several, by name or by the path of a YAML file. Without tasks and with ``data`` the task
            ``folder``, else those of the suite.
        suite: a suite instead of tasks; ``mini`` unless anything is given.
        data: images for tasks of tokenizers instead of the tasks' own, or the file of prompts of a task for generators:
            whatever ``--data`` takes, a torch ``Dataset`` (items are images, or images with labels), a list of Pillow
            images or of paths, or ``uint8 [N,3,H,W]``.
        reference: what generated images are compared with: statistics by name or file, or images as for ``data``.
        training: images that the generator was trained on, as for ``data``, of tasks that look for copies of them.
        conditions: prompts or class labels for generators, of a task that leaves them open: ``t2i-prompts``,
            ``generation-folder``; or ``Condition`` values, which may hold images: ``edit-prompts``.
        limit: only the first so many samples.
        device: ``"cuda"``, ``"cuda:1"``, ``"cpu"`` or a ``torch.device``; where the model's parameters lie, else the
            GPU where there is one.
        dtype: the model's arithmetic: ``"float32"``, ``"bfloat16"``, ``"float16"``; its own unless given.
        batch_size: images given to the model at once.
        workers: processes that decode images; 0 decodes in this one, ``None`` takes a few.
        seed: each sample's seed follows from it and the sample's id.
        strict: raise at the first sample that fails, instead of recording it.
        fresh: with ``out``, do not reuse what an earlier call left of a *named* model. Live objects never are reused.
        allow_small_sets: compute FID on fewer images than it needs.
        samples: folder that generated images are also written to.
        out: folder that records, rows and previews are kept in, as ``vtbench run --out`` does. Without it nothing is
            written that stays, apart from weights that had to be fetched.
        distributed: ``False`` measures everything on this rank alone; by default ranks share where there is a group.
        offline: never touch the network.
        trust: files whose code may run, as ``--trust``.
        progress: bars and notes on stderr; else notes go to the logger ``vtbench``.
        keep_bytes: pixels of prepared images that are kept between calls, a task; what is beyond is read again.

    Raises:
        UsageError: data of no known kind, or a number that is too small. Names are looked up by the first call.
    """

    def __init__(
        self,
        tasks: Names = None,
        *,
        suite: str | None = None,
        data: Any = None,
        reference: Any = None,
        training: Any = None,
        conditions: Sequence[str | int | Condition] | None = None,
        limit: int | None = None,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | str | None = None,
        batch_size: int | None = None,
        workers: int | None = 0,
        seed: int = 0,
        strict: bool = False,
        fresh: bool = False,
        allow_small_sets: bool = False,
        samples: str | os.PathLike[str] | None = None,
        out: str | os.PathLike[str] | None = None,
        distributed: bool | None = None,
        offline: bool = False,
        trust: Sequence[str | os.PathLike[str]] = (),
        progress: bool = False,
        keep_bytes: int = KEPT_BYTES,
    ) -> None:
        self._tasks, self._suite, self._trusted = listed(tasks, "tasks"), suite, trusted(trust)
        self._offline, self._progress = offline, progress
        self._workplace = Workplace(as_path(out))
        self._choices = Choices(
            device=device_text(device), dtype=dtype_text(dtype), limit=limit, batch_size=batch_size, workers=workers,
            seed=seed, strict=strict, fresh=fresh, allow_small_sets=allow_small_sets, samples=as_path(samples),
        )  # fmt: skip
        with left_as_it_was():
            given = as_data(data), as_data(reference, "reference"), as_conditions(conditions)
            trained_on = as_data(training, "training")
        self._data = KeptData(*given, limit=limit, keep_bytes=keep_bytes, training=trained_on)
        self._networks, self._crewing = Networks(all_stay=True), Crewing(distributed)

    def __call__(self, model: Any, *, name: str | None = None) -> Result:
        """Measure a model, or a list of models.

        Args:
            model: text as ``--tokenizer`` or ``--generator`` takes it; an object of the contract of tokenizers,
                reconstructors or generators, an ``nn.Module`` among them; or what :func:`vtbench.reconstructor` and
                :func:`vtbench.sampler` make of a function.
            name: what tables call it.

        Raises:
            UsageError: unknown names, wrong arguments, bad data: all told before any work.
            AssetMissingError: weights that cannot be had.
            AdapterError: the model broke its contract.
            VtbenchError: nothing could be scored.
        """
        with self._apart(self._may_use_gpu(model)):
            crew = self._crewing.here()
            self._workplace.leads = crew.worker.rank == 0
            number = same_number(crew)
            models = models_of(model, name, number, self._kinds())
            with lent(models.networks):
                session = crew.all_do(lambda: self._planned(models, crew))
                return self._result(session.run(reraise=True), crew)

    def close(self) -> None:
        """Let networks, images and features go. The evaluator may be called again, and makes them anew."""
        self._networks.release()
        self._data.forget()
        self._workplace.close()

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _may_use_gpu(self, model: Any) -> bool:
        """Whether a call may be the first thing in the process that uses CUDA."""
        home = home_of(reached_networks(model))
        return (self._choices.device or ("auto" if home is None else str(home[0]))) != "cpu"

    @contextmanager
    def _apart(self, on_gpu: bool) -> Iterator[None]:
        """The process is the caller's: what happens here is neither seen nor heard there."""
        with ExitStack() as stack:
            stack.callback(self._workplace.clear)
            stack.enter_context(left_as_it_was(on_gpu))
            stack.enter_context(nullcontext() if self._progress else told_to(log.info))
            stack.enter_context(read_files.within(listening=self._workplace.out is not None))
            stack.enter_context(offline(self._offline))
            yield

    def _kinds(self) -> set[bool]:
        if not self._tasks:
            return {False} if self._data.data is not None and self._suite is None else {True, False}
        return {load_task(name, self._trusted).of_generators for name in self._tasks}

    def _planned(self, models: Models, crew: Crew) -> Session:
        chosen = select(
            tuple(models.tokenizers), tuple(models.generators), self._tasks, self._suite,
            self._data.data is not None, self._trusted,
        )  # fmt: skip
        given = self._data
        reference = None if given.reference is None else str(given.reference)
        training = None if given.training is None else str(given.training)
        place = self._workplace
        options = self._choices.of_run(place.folder, place.lasting, reference, training, models.device, models.dtype)
        tasks = [load_task(name, self._trusted) for name in chosen.tasks]
        session = plan_session(models.makers, tasks, self._data, options)
        return replace(session, crew=crew, networks=self._networks)

    def _result(self, outcomes: Sequence[Outcome], crew: Crew) -> Result:
        records = tuple(outcome.record for outcome in outcomes if outcome.record is not None)
        if len(records) < len(outcomes):
            raise VtbenchError("a job was not finished", "see what was told before: progress=True")
        rows = crew.one_finds(lambda: [read_sample_table(one.plan.folder / SAMPLES_FILE) for one in outcomes])
        return Result(records, tuple(rows), self._workplace.out)
