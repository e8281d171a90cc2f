"""Execute a job: measure this worker's share of its blocks. What happens when all are there: ``finish``."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from functools import partial
from types import MappingProxyType

import torch

from vtbench.core.disk.links import refuse_linked_way, refuse_links
from vtbench.core.errors import DamagedFileError, UsageError, VtbenchError
from vtbench.core.foreign import interrupts
from vtbench.core.info import TokenizerInfo
from vtbench.results.records.schema import ConfigSection, DeterminismSection, EnvironmentSection
from vtbench.run import provenance
from vtbench.run.device import make_deterministic
from vtbench.run.executing.generation import Compared, generated_blocks, generation_manifest
from vtbench.run.executing.likelihood import likelihood_blocks
from vtbench.run.executing.maps import map_blocks
from vtbench.run.executing.reconstruction import reconstructed_blocks, reference_features
from vtbench.run.executing.shapes import shape_blocks
from vtbench.run.executing.writing import Measured, written
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.planning.earlier import blocks_without_images, job_name, tell_resumed, with_options
from vtbench.run.planning.generation_data import GenerationData
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.inputs import keep_inputs
from vtbench.run.planning.job_check import own_manifest
from vtbench.run.planning.jobs import JobPlan, TaskData
from vtbench.run.planning.model_sections import model_section
from vtbench.run.planning.models import PredictionSource
from vtbench.run.planning.premade.maps import MapsData
from vtbench.run.planning.premade.shapes import ShapesData
from vtbench.run.progress import JobProgress, job_progress, say
from vtbench.run.storing.blocks import Block, BlockResult
from vtbench.run.storing.manifest import PLAN_FILE, JobManifest, write_manifest
from vtbench.run.worker import Worker


def discard(plan: JobPlan, worker: Worker) -> None:
    """Remove what an earlier run of this job left.

    Raises:
        UsageError: several workers share the folder, so none may delete it under the others; or a link leads to it.
    """
    if worker.world > 1:
        raise UsageError(
            "--fresh cannot be used under several workers", "delete the run folder first, or give --workers-of none"
        )
    refuse_linked_way(plan.folder, plan.out)
    shutil.rmtree(plan.folder, ignore_errors=True)  # links in it are removed, not followed


def measure_job(plan: JobPlan, evaluators: Evaluators, device: torch.device, worker: Worker) -> None:
    """Measure the blocks of this worker's share that are missing; each is written before the next begins."""
    mine = plan.data.share(worker)
    missing = begin(plan, mine, lambda: ensure_manifest(plan, evaluators, device))
    measure_blocks(plan, evaluators, device, worker, mine, missing)


def begin(plan: JobPlan, mine: Sequence[Block], write_plan: Callable[[], None]) -> list[Block]:
    """The blocks of a share that are to be measured, once the job's plan is written; tells what an earlier run left."""
    refuse_links(plan.folder, plan.out)
    again = blocks_without_images(plan, mine)
    write_plan()
    missing = [block for block in mine if block in again or not plan.store.has(block)]
    if again:
        say(f"{job_name(plan)}: {len(again)} blocks are sampled again: their images are not in {plan.options.samples}")
    tell_resumed(plan, len(mine) - len(missing), len(mine))
    tell_damage(plan, missing)
    return missing


def measure_blocks(
    plan: JobPlan,
    evaluators: Evaluators,
    device: torch.device,
    worker: Worker,
    mine: Sequence[Block],
    missing: Sequence[Block],
) -> None:
    """Measure the missing blocks of ``mine``."""
    if not missing:
        return
    label = f"{job_label(plan)} · worker {worker.rank}" if worker.world > 1 else job_label(plan)
    with job_progress(label, samples_of(mine)) as progress, interrupts.finishing():
        progress.resume_from(samples_of(mine) - samples_of(missing))
        done = partial(_advance, progress)
        with closing(written_blocks(plan, evaluators, device, worker, missing, done=done)) as blocks:
            for _ in blocks:
                pass


def written_blocks(
    plan: JobPlan,
    evaluators: Evaluators,
    device: torch.device,
    worker: Worker,
    missing: Sequence[Block],
    events: Mapping[int, str] = MappingProxyType({}),
    done: Callable[[Block], None] | None = None,
) -> Generator[Block, None, None]:
    """Measure blocks, one after another; each is given once its files are written, while the next is measured.

    Args:
        plan: the job.
        evaluators: its metrics.
        device: where the model runs.
        worker: this process.
        missing: the blocks.
        events: what happened to a block before, by its index, for the record.
        done: told of a block at once when its files are written, in another thread.
    """
    with closing(_measured(plan, evaluators, device, missing)) as measured:
        yield from written(_handed(plan, worker, measured, events, done))


def _handed(
    plan: JobPlan,
    worker: Worker,
    measured: Iterator[Measured],
    events: Mapping[int, str],
    done: Callable[[Block], None] | None,
) -> Iterator[tuple[Block, Callable[[], None]]]:
    """Blocks with what writes them; what others' code has read by now is kept before."""
    began = time.perf_counter()
    for block, finish in measured:
        keep_inputs(plan, worker)
        ended = time.perf_counter()
        yield block, partial(_write, plan, block, finish, ended - began, events.get(block.index), done)
        began = ended


def _write(
    plan: JobPlan,
    block: Block,
    finish: Callable[[], BlockResult],
    wall_s: float,
    event: str | None,
    done: Callable[[Block], None] | None,
) -> None:
    """Finish a block and write it, with the seconds since the block before and what happened to this one before."""
    result = finish()
    if plan.options.strict:
        _refuse_failures(result.samples.ids, result.samples.stage, result.samples.message)
    events = [*result.meta["events"], *([] if event is None else [event])]
    plan.store.write(block, replace(result, meta={**result.meta, "events": events, "wall_s": wall_s}))
    if done is not None:
        done(block)


def _advance(progress: JobProgress, block: Block) -> None:
    progress.advance(block.stop - block.start)


def job_label(plan: JobPlan) -> str:
    """Model and task, as a bar of progress has them."""
    return f"{plan.source.label} · {plan.task.name}"


def samples_of(blocks: Sequence[Block]) -> int:
    """How many samples blocks hold together."""
    return sum(block.stop - block.start for block in blocks)


def tell_damage(plan: JobPlan, blocks: Sequence[Block]) -> None:
    """Say how many of these blocks are there and damaged."""
    damage = [text for block in blocks if (text := plan.store.damage(block))]
    if damage:
        say(f"{plan.source.label} on {plan.task.name}: {len(damage)} blocks measured again; {damage[0]}")


def _measured(
    plan: JobPlan, evaluators: Evaluators, device: torch.device, missing: Sequence[Block]
) -> Generator[Measured, None, None]:
    if isinstance(plan.data, GenerationData):
        return generated_blocks(plan, plan.data, evaluators, device, missing)
    if isinstance(plan.data, MapsData):
        return map_blocks(plan, plan.data, device, missing)
    if isinstance(plan.data, ShapesData):
        return shape_blocks(plan, plan.data, device, missing)
    assert isinstance(plan.data, TaskData)
    if plan.task.likelihood is not None:
        return likelihood_blocks(plan, plan.data, device, missing)
    return reconstructed_blocks(plan, plan.data, evaluators, device, missing)


def _refuse_failures(ids: Sequence[str], stages: Sequence[str], messages: Sequence[str]) -> None:
    for sample_id, stage, message in zip(ids, stages, messages, strict=True):
        if stage:
            raise VtbenchError(
                f"{sample_id} failed ({stage}): {message}", "without --strict it is recorded and skipped"
            )


@dataclass(frozen=True)
class Prepared:
    """What only a process that measures can tell of a job.

    Attributes:
        environment: of that process.
        compared: the files of statistics that the job compares with.
    """

    environment: EnvironmentSection
    compared: Compared

    @classmethod
    def here(cls, plan: JobPlan, evaluators: Evaluators, device: torch.device) -> Prepared:
        """Of this process; what it compares with is built if it has to be."""
        return cls(provenance.environment(device), Compared.ready(plan, evaluators, device))


def ensure_manifest(
    plan: JobPlan, evaluators: Evaluators, device: torch.device, elsewhere: Prepared | None = None
) -> None:
    """Written once: a resumed run keeps the first one's, but for options outside its identity, unless it cannot be
    read any more. ``elsewhere``: of the process that measures, where this one does not."""
    if (plan.folder / PLAN_FILE).is_file():
        try:
            before = own_manifest(plan)
        except DamagedFileError as error:
            say(f"{error.what}: written anew")
        else:
            now = with_options(before, plan.options)
            if now != before:
                write_manifest(now, plan.folder)
            return
    options, info, data = plan.options, _codes_of(plan), plan.data
    prepared = elsewhere or Prepared.here(plan, evaluators, device)
    given = options.told
    resolved = given | {"device": prepared.environment.device, "batch_size": plan.batch_size, "data": data.source}
    resolved |= plan.source.resolved([*data.ids, *data.left_out])
    generation = generation_manifest(plan, data, prepared.compared) if isinstance(data, GenerationData) else None
    features = {} if generation is not None else reference_features(plan, evaluators)
    manifest = JobManifest(
        created=datetime.now(timezone.utc),
        job_key=plan.key,
        command=options.command,
        config=ConfigSection(given=given, resolved=resolved, run=dict(options.invocation)),
        model=model_section(plan.source, options.dtype),
        info=None if info is None else asdict(info),
        task=plan.task.model_dump(mode="json"),
        data_source=data.source,
        data_fingerprint=data.fingerprint,
        samples=len(data.ids),
        limited_from=data.limited_from,
        references={name: store.key for name, store in features.items()},
        generation=generation,
        allow_small_sets=options.allow_small_sets,
        measured_codes=plan.task.measured_codes,
        reader_id=data.reader_id,
        determinism=DeterminismSection(seed=options.seed, flags=make_deterministic()),
        environment=prepared.environment,
        code=provenance.code(),
        warnings=(*plan.source.warnings(data.ids, data.left_out), *data.notes),
    )
    write_manifest(manifest, plan.folder)


def _codes_of(plan: JobPlan) -> TokenizerInfo | None:
    """The tokenizer whose codes are counted."""
    if isinstance(plan.source, GeneratorSource):
        return plan.source.tokenizer_info
    assert isinstance(plan.source, PredictionSource)
    return plan.source.info
