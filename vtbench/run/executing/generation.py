"""Measure the blocks of a generation task."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import torch

from vtbench.run.device import choose_dtype
from vtbench.run.executing.writing import Measured
from vtbench.run.measuring.conditioned.at_size import ConditionsAtSize, compared_roles
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.measuring.generated import GenerationMeter
from vtbench.run.measuring.previews import fixed_indices
from vtbench.run.measuring.sample_previews import SamplePreviews
from vtbench.run.measuring.sampling import GeneratorSampler, PremadeSampler, Sampler
from vtbench.run.measuring.transit.transfers import transfers_to
from vtbench.run.options import RunOptions
from vtbench.run.planning.generation_data import GenerationData
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.jobs import JobPlan, row_columns
from vtbench.run.scoring.tokenizer_share import job_path, tokenizer_job
from vtbench.run.storing.blocks import Block
from vtbench.run.storing.manifest import GenerationManifest
from vtbench.run.storing.sample_files import SampleFiles
from vtbench.run.timing import waited


def generated_blocks(
    plan: JobPlan, data: GenerationData, evaluators: Evaluators, device: torch.device, missing: Sequence[Block]
) -> Generator[Measured, None, None]:
    """Measure the missing blocks, one after another; each gives its result when the device is done."""
    source = plan.source
    assert isinstance(source, GeneratorSource)
    meter = GenerationMeter(
        evaluators=evaluators,
        tokenizer=source.drawn_info,
        previews=SamplePreviews(plan.folder / "previews", fixed_indices(len(data.ids), plan.task.previews.fixed)),
        device=device,
        transfers=transfers_to(device),
        columns=row_columns(plan.task),
        conditions=ConditionsAtSize(data.preset, compared_roles(plan.task)),
        strata=plan.task.kept_fields,
        files=None if plan.options.samples is None else SampleFiles(plan.options.samples.absolute(), data.conditions),
    )
    sampler = _sampler(source, data, plan.options, device, plan.batch_size)
    for waited_s, (block, batches) in waited(sampler.over(missing)):
        yield block, meter.measure(block, batches, waited_s)


def ready_reference(plan: JobPlan, evaluators: Evaluators, device: torch.device) -> str | None:
    """The name of the file of statistics that a generation task compares with, once it is built; ``None`` for none."""
    data = plan.data
    if not isinstance(data, GenerationData) or data.reference is None:
        return None
    return data.reference.ready(evaluators, plan.options, device)


def generation_manifest(plan: JobPlan, data: GenerationData, reference: str | None) -> GenerationManifest:
    """What the job's manifest says about conditions and reference."""
    beside = tokenizer_job(plan)
    return GenerationManifest(
        conditions=dict(data.conditions.description),
        reference=reference,
        tokenizer_job=None if beside is None else job_path(beside, plan.options.out),
        tokenizer_samples=0 if beside is None else len(beside.data.ids),
    )


def _sampler(
    source: GeneratorSource, data: GenerationData, options: RunOptions, device: torch.device, batch_size: int
) -> Sampler:
    assert data.task.conditions is not None
    hidden = data.task.conditions.judged
    if data.images is not None:
        return PremadeSampler(data.images, data.conditions, data.preset, options.decoders)
    dtype = choose_dtype(options.dtype)
    return GeneratorSampler(
        source.model,
        data.conditions,
        data.preset,
        device,
        dtype,
        options.seed,
        batch_size,
        lent=source.lent,
        hidden=hidden,
    )
