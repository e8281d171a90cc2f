"""Execute a job: measure this worker's share of its blocks, and score it when all are there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TypeVar

import torch
from filelock import FileLock

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.data.loader import iterate_blocks
from vtbench.metrics.catalog import metric_info
from vtbench.results.record import RunRecord, read_record
from vtbench.results.schema import ConfigSection, DeterminismSection
from vtbench.run import provenance
from vtbench.run.device import make_deterministic
from vtbench.run.evaluators import Evaluators
from vtbench.run.manifest import PLAN_FILE, JobManifest, model_section, read_manifest, write_manifest
from vtbench.run.measure import BlockMeter
from vtbench.run.plan import JobPlan, row_columns
from vtbench.run.previews import PreviewKeeper, fixed_indices
from vtbench.run.progress import JobProgress, job_progress, say
from vtbench.run.references import ReferenceFeatures, reference_key
from vtbench.run.score import score_job
from vtbench.run.store import Block
from vtbench.run.worker import Worker

T = TypeVar("T")


def discard(plan: JobPlan, worker: Worker) -> None:
    """Remove what an earlier run of this job left.

    Raises:
        UsageError: several workers share the folder, so none may delete it under the others.
    """
    if worker.world > 1:
        raise UsageError(
            "--fresh cannot be used under several workers", "delete the run folder first, or use one worker"
        )
    shutil.rmtree(plan.folder, ignore_errors=True)


def measure_job(plan: JobPlan, evaluators: Evaluators, device: torch.device, worker: Worker) -> None:
    """Measure the blocks of this worker's share that are missing; each is written before the next begins."""
    blocks = plan.data.blocks
    mine = worker.share(blocks)
    missing = plan.store.missing(mine)
    done = set(mine) - set(missing)
    references = _references(plan, evaluators)
    _write_manifest(plan, references, device)
    if not missing:
        return
    meter = _meter(plan, evaluators, references, device)
    label = f"{plan.source.label} · {plan.task.name}" + (f" · worker {worker.rank}" if worker.world > 1 else "")
    with job_progress(label, sum(block.stop - block.start for block in mine)) as progress:
        progress.resume_from(sum(block.stop - block.start for block in done))
        _measure_blocks(plan, meter, missing, progress)


def _measure_blocks(plan: JobPlan, meter: BlockMeter, missing: Sequence[Block], progress: JobProgress) -> None:
    data, options = plan.data, plan.options
    by_index = {block.index: block for block in missing}
    spans = [(block.index, block.start, block.stop) for block in missing]
    blocks = _waiting(iterate_blocks(data.dataset, data.preset, spans, options.decoders))
    for waited_s, (index, items) in blocks:
        result = meter.measure(by_index[index], items, waited_s)
        if options.strict:
            _refuse_failures(result.samples.ids, result.samples.stage, result.samples.message)
        plan.store.write(by_index[index], result)
        progress.advance(len(items))


def _refuse_failures(ids: Sequence[str], stages: Sequence[str], messages: Sequence[str]) -> None:
    for sample_id, stage, message in zip(ids, stages, messages, strict=True):
        if stage:
            raise VtbenchError(
                f"{sample_id} failed ({stage}): {message}", "without --strict it is recorded and skipped"
            )


def _waiting(blocks: Iterator[T]) -> Iterator[tuple[float, T]]:
    """Each block with the seconds spent waiting for it."""
    while True:
        started = time.perf_counter()
        try:
            block = next(blocks)
        except StopIteration:
            return
        yield time.perf_counter() - started, block


def score_when_whole(plan: JobPlan) -> RunRecord | None:
    """Score the job if every block is there and nobody has; whoever finishes last does it.

    The lock is the operating system's, so a killed worker cannot leave it behind.
    """
    if plan.store.missing(plan.data.blocks):
        return None
    with FileLock(plan.folder / ".score.lock"):
        if plan.record_path.is_file():
            return read_record(plan.record_path)
        return score_job(plan.folder, plan.options.out, read_manifest(plan.folder), note=say)


def _references(plan: JobPlan, evaluators: Evaluators) -> dict[str, ReferenceFeatures]:
    return {
        name: ReferenceFeatures(
            plan.options.out,
            reference_key(
                data_fingerprint=plan.data.fingerprint,
                preprocess=plan.task.preprocess.model_dump(),
                extractor_id=extractor.id,
                device_type=plan.device_type,
                block_size=plan.task.block_size,
            ),
            evaluators.features[name],
        )
        for name, extractor in evaluators.extractors.items()
    }


def _meter(
    plan: JobPlan, evaluators: Evaluators, references: dict[str, ReferenceFeatures], device: torch.device
) -> BlockMeter:
    ids = plan.data.dataset.ids
    previews = plan.task.previews
    return BlockMeter(
        predictor=plan.source.open(plan.options, device, plan.batch_size, ids),
        evaluators=evaluators,
        references=references,
        info=plan.source.info,
        indices={sample_id: index for index, sample_id in enumerate(ids)},
        previews=PreviewKeeper(
            plan.folder / "previews", previews, fixed_indices(len(ids), previews.fixed), metric_info(previews.by)
        ),
        device=device,
        batch_size=plan.batch_size,
        columns=row_columns(plan.task),
        strata=plan.task.strata,
    )


def _write_manifest(plan: JobPlan, references: dict[str, ReferenceFeatures], device: torch.device) -> None:
    """Written once: a resumed run keeps the first one's."""
    if (plan.folder / PLAN_FILE).is_file():
        return
    options = plan.options
    given = {name: str(value) for name, value in vars(options).items() if value is not None and name != "command"}
    resolved = given | {"device": str(device), "batch_size": plan.batch_size, "data": plan.data.source}
    manifest = JobManifest(
        created=datetime.now(timezone.utc),
        job_key=plan.key,
        command=options.command,
        config=ConfigSection(given=given, resolved=resolved),
        model=model_section(plan.source, options.dtype),
        info=asdict(plan.source.info),
        task=plan.task.model_dump(mode="json"),
        data_source=plan.data.source,
        data_fingerprint=plan.data.fingerprint,
        samples=len(plan.data.dataset),
        references={name: store.key for name, store in references.items()},
        allow_small_sets=options.allow_small_sets,
        reader_id=plan.data.reader_id,
        determinism=DeterminismSection(seed=options.seed, flags=make_deterministic()),
        environment=provenance.environment(device),
        code=provenance.code(),
        warnings=tuple(plan.source.warnings(plan.data.dataset.ids)),
    )
    write_manifest(manifest, plan.folder)
