"""A session: every job of one ``vtbench run``. One failed job never takes another down with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from vtbench.core.disk.caches import begin_run
from vtbench.core.disk.links import refuse_linked_way
from vtbench.core.disk.partial import sweep_below
from vtbench.core.errors import AdapterError, StorageFullError, UsageError, VtbenchError
from vtbench.core.foreign import read_files
from vtbench.core.foreign.guard import advice, foreign, making, told
from vtbench.results.records.record import RunRecord
from vtbench.run.device import choose_device, choose_dtype, make_deterministic
from vtbench.run.executing.crew import Crew, SharedFolder
from vtbench.run.executing.finish import is_finished, score_when_whole
from vtbench.run.executing.job import discard, measure_job
from vtbench.run.executing.outcome import Outcome, kept
from vtbench.run.executing.peers import Peers
from vtbench.run.executing.reuse import refuse_failures, reused
from vtbench.run.measuring.evaluators import Evaluators, Networks
from vtbench.run.options import RunOptions
from vtbench.run.planning.generation_data import GenerationData
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.given import GivenData, answering, fitting, on_device
from vtbench.run.planning.inputs import changed_input, refuse_changed
from vtbench.run.planning.jobs import JobData, JobPlan, TaskData
from vtbench.run.planning.models import Source
from vtbench.run.planning.preflight import check_folder, check_labels, check_tasks, check_unused, raise_all
from vtbench.run.planning.videos.frames_source import FramesSource, for_clips
from vtbench.run.progress import say
from vtbench.run.room import check_room
from vtbench.run.scoring.copies.beside import Beside, jobs_beside
from vtbench.run.storing.references import FOLDER
from vtbench.run.worker import Worker, current_worker
from vtbench.tasks import TaskSpec

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True)
class BrokenModel:
    """A model that could not be made, and why; the others are measured."""

    label: str
    error: AdapterError


@dataclass(frozen=True, eq=False)
class Session:
    """Planned jobs, ready to run, and the models that could not be made.

    Attributes:
        crew: who measures; the peers unless given.
        networks: where the networks of metrics are found; loaded for each task in turn unless given.
    """

    jobs: Sequence[JobPlan]
    options: RunOptions
    peers: Peers
    broken: Sequence[BrokenModel] = ()
    crew: Crew | None = None
    networks: Networks | None = None

    def run(self, reraise: bool = False, wait: bool = True) -> list[Outcome]:
        """Measure and score every job.

        Args:
            reraise: raise the first failure as it is.
            wait: for other workers, where this one answers for the whole.
        """
        make_deterministic()
        if self.broken and reraise:
            raise self.broken[0].error
        runner = _Runner(self, reraise)
        outcomes: list[Outcome] = []
        for plan in self.jobs:
            outcomes.append(runner.run(plan))
            if isinstance(outcomes[-1].error, StorageFullError):
                left = len(self.jobs) - len(outcomes)
                say("stopped: what was measured is kept" + (f"; {left} not begun" if left else ""))
                break
        if wait:
            outcomes = self.peers.settled(outcomes, runner.run)
        runner.hold(None)
        self.peers.leave()
        tell_broken(self)
        return outcomes


def tell_broken(session: Session) -> None:
    """Two lines a model that could not be made."""
    for model in session.broken:
        say(f"failed: {model.label}: {model.error}")


def plan_session(
    make_sources: Sequence[Callable[[], Source]],
    tasks: Sequence[TaskSpec],
    data: str | GivenData | None,
    options: RunOptions,
) -> Session:
    """Plan every tokenizer on every task for tokenizers, and every generator on every task for generators.

    Models are outermost, so that each is loaded once. What a user got wrong is told before anything runs; a model
    whose own code fails is left out, and told.

    Args:
        make_sources: one a model.
        tasks: to measure them on.
        data: ``--data``; or all that is given in place of the tasks' own data.
        options: of the run.

    Raises:
        UsageError: unknown names, wrong arguments, bad data.
        AssetMissingError: weights that cannot be had.
    """
    given = data if isinstance(data, GivenData) else _given(data, options)
    begin_run()
    worker = Worker() if options.workers_of == "none" else current_worker()
    peers = Peers(options.out, worker)
    device = _device(options, worker)
    choose_dtype(options.dtype)
    peers.join()
    make_deterministic()
    read_files.begin()
    problems: list[VtbenchError] = []
    broken: list[BrokenModel] = []
    made = _attempt_each(make_sources, lambda make: make(), problems)
    sources = [source for source in made if _loads(source, len(made) == 1, problems, broken)]
    on_images = [task for task in tasks if not task.of_samples]
    opened = _attempt_each(on_images, lambda task: on_device(_opened(task, given), device, options), problems)
    made_of = [task for task in tasks if task.of_samples]
    planned = [pair for source in sources for pair in _planned(source, opened, made_of, given, problems)]
    problems += check_labels(sources)
    problems += check_unused(tasks, given, options)
    problems += check_tasks(tasks)
    problems += check_folder(options.out, "--out")
    if options.samples is not None:
        problems += check_folder(options.samples, "--samples")
    sampled = [(item.task.name, source.label) for source, item in planned if isinstance(item, GenerationData)]
    plans = [
        JobPlan(
            source,
            item,
            options.with_samples_of((item.task.name, source.label), sampled),
            options.measured_on or device.type,
        )
        for source, item in planned
    ]
    raise_all(problems or check_room(plans))
    return Session(plans, options, peers, broken)


def _given(data: str | None, options: RunOptions) -> GivenData:
    return GivenData(data, options.reference, limit=options.limit, training=options.training)


def _device(options: RunOptions, worker: Worker) -> torch.device:
    """Where this process measures. Where others do, it has no use for a GPU, and perhaps none."""
    return choose_device(options.device, worker) if options.measured_on is None else torch.device("cpu")


def _planned(
    source: Source,
    opened: Sequence[TaskData],
    generation: Sequence[TaskSpec],
    given: GivenData,
    problems: list[VtbenchError],
) -> list[tuple[Source, JobData]]:
    """What this source is to be measured on; of images, on tasks of clips frame by frame."""
    if not isinstance(source, GeneratorSource):
        images, by_frame = [data for data in opened if not data.task.of_generators], FramesSource(source)
        return _attempt_each(
            images, lambda data: (for_clips(source, data.task, by_frame), answering(data, source)), problems
        )
    asked: list[JobData] = list(_attempt_each(generation, lambda task: given.asked(task, source), problems))
    scored = [data for data in opened if data.task.of_generators]
    of_scored = _attempt_each(scored, lambda data: fitting(data, source), problems)
    return [(source, item) for item in (*asked, *of_scored)]


def _opened(task: TaskSpec, given: GivenData) -> TaskData:
    if task.kind == "judged":
        raise UsageError(f"nothing of {task.name} is measured: it is of judges' results", "bring them: vtbench import")
    with making(f"the data of {task.name}"):
        return given.images(task)


def _loads(source: Source, alone: bool, problems: list[VtbenchError], broken: list[BrokenModel]) -> bool:
    """Load a model far enough to know it, then let it go: several may not fit in memory together."""
    try:
        with making(source.reference):
            _ = source.label, source.identity
            if not (alone and source.serves_on):
                source.release()
    except AdapterError as error:  # its own fault, not the user's
        broken.append(BrokenModel(source.reference, error))
    except VtbenchError as error:
        problems.append(error)
    else:
        return True
    return False


def _attempt_each(items: Sequence[Given], make: Callable[[Given], Made], problems: list[VtbenchError]) -> list[Made]:
    """``make`` of every item that allows it; what the others raise joins ``problems``."""
    made = []
    for item in items:
        try:
            made.append(make(item))
        except VtbenchError as error:
            problems.append(error)
    return made


class _Runner:
    """Runs jobs in order, with the model of one source in memory."""

    def __init__(self, session: Session, reraise: bool) -> None:
        self._options, self._peers, self._reraise = session.options, session.peers, reraise
        self._worker = session.peers.worker
        self._crew: Crew = session.crew or SharedFolder(self._worker)
        self._networks = session.networks or Networks()
        self._device = _device(session.options, self._worker)
        self._held: Source | None = None

    def hold(self, source: Source | None) -> None:
        """Let go of another source's model."""
        if self._held is not None and self._held is not source:
            self._held.release()
        self._held = source

    def run(self, plan: JobPlan) -> Outcome:
        self.hold(plan.source)
        try:
            with foreign(plan.source.label):
                return self._run(plan)
        except Exception as error:
            if self._reraise:
                raise
            say(f"failed: {plan.source.label} on {plan.task.name}: {_in_two_lines(error)}")
            outcome = Outcome(plan, "failed", error=kept(error))
            self.hold(None)  # the model may be in any state
            return outcome
        finally:
            if not plan.source.serves_on:
                self.hold(None)

    def _run(self, plan: JobPlan) -> Outcome:
        beside = jobs_beside(plan)
        there, whole = self._crew.one_finds(lambda: self._left(plan, beside))
        if there is not None and whole:
            return Outcome(plan, "reused", there)
        networks = self._crew.all_do(lambda: self._networks.of(plan.task, self._device))
        for job in beside:
            self._measure_beside(job.plan, job.evaluators(networks))
        if there is not None:
            return Outcome(plan, "reused", there)
        record = self._measure(plan, networks)
        if record is not None:
            refuse_failures(plan, record)
        return Outcome(plan, "waiting" if record is None else "measured", record)

    def _left(self, plan: JobPlan, beside: Sequence[Beside]) -> tuple[RunRecord | None, bool]:
        """The record that an earlier run left and that stands, and whether nothing is to be done beside it."""
        for folder in (plan.folder, plan.out / FOLDER):
            refuse_linked_way(folder, plan.out)
            sweep_below(folder)
        if self._options.fresh:
            discard(plan, self._worker)
        self._discard_changed(plan)
        return reused(plan, self._worker), all(is_finished(job.plan) for job in beside)

    def _measure(self, plan: JobPlan, networks: Evaluators) -> RunRecord | None:
        """The record of a job, once every block is there."""
        self._crew.all_measure(plan, networks, lambda: measure_job(plan, networks, self._device, self._crew.worker))
        self._peers.about_to_finish()
        return self._crew.one_finds(lambda: score_when_whole(plan, networks, self._device, self._worker))

    def _measure_beside(self, beside: JobPlan, networks: Evaluators) -> None:
        """The generator's tokenizer alone, on one set of images, unless an earlier run did."""

        def left() -> bool:
            self._discard_changed(beside)
            return reused(beside, self._worker) is not None

        if not self._crew.one_finds(left):
            self._measure(beside, networks)

    def _discard_changed(self, plan: JobPlan) -> None:
        """What an earlier run left does not stand where a file that the model read then is another now."""
        path = changed_input(plan)
        if path is not None:
            refuse_changed(plan, path, self._worker)
            say(f"{plan.source.label} on {plan.task.name}: {path}, which was read for it, has changed: measured again")
            discard(plan, self._worker)


def _in_two_lines(error: Exception) -> str:
    return str(error) if isinstance(error, VtbenchError) else f"{told(error)}\n  {advice(error)}"
