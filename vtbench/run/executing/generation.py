"""Measure the blocks of a generation task."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch

from vtbench.metrics.catalog.rates import tokens_column
from vtbench.run.device import choose_dtype
from vtbench.run.executing.writing import Measured
from vtbench.run.measuring.conditioned.at_size import ConditionsAtSize, aligned_roles, compared_roles
from vtbench.run.measuring.evaluators import Evaluators, training_features
from vtbench.run.measuring.generated import GenerationMeter
from vtbench.run.measuring.previews import fixed_indices
from vtbench.run.measuring.sample_previews import SamplePreviews
from vtbench.run.measuring.sampling import GeneratorSampler, PremadeSampler, Sampler
from vtbench.run.measuring.transit.transfers import transfers_to
from vtbench.run.options import RunOptions
from vtbench.run.planning.generation_data import GenerationData, hidden_roles
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.jobs import JobPlan, row_columns
from vtbench.run.scoring.copies.training_codes import training_job
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
    count = len(data.ids)
    shown = frozenset(range(count)) if plan.task.training is not None else None
    fixed = fixed_indices(count, plan.task.previews.fixed) if shown is None else shown
    meter = GenerationMeter(
        evaluators=evaluators,
        tokenizer=source.drawn_info,
        previews=SamplePreviews(plan.folder / "previews", fixed),
        keeps_codes=plan.task.compares_codes,
        device=device,
        transfers=transfers_to(device),
        columns=row_columns(plan.task),
        conditions=ConditionsAtSize(data.preset, compared_roles(plan.task), aligned=aligned_roles(plan.task)),
        strata=plan.task.kept_fields,
        files=None
        if plan.options.samples is None
        else SampleFiles(plan.options.samples.absolute(), data.conditions, plan.task.frames),
        tokens_column=tokens_column(plan.task.frames),
    )
    sampler = _sampler(source, data, plan.options, device, plan.batch_size)
    for waited_s, (block, batches) in waited(sampler.over(missing)):
        yield block, meter.measure(block, batches, waited_s)


@dataclass(frozen=True)
class Compared:
    """Names of the files of statistics that a generation task compares with, in the folder of all references.

    Attributes:
        reference: of the reference; ``None`` for none.
        training: of the training images; ``None`` for none.
    """

    reference: str | None = None
    training: str | None = None

    @classmethod
    def ready(cls, plan: JobPlan, evaluators: Evaluators, device: torch.device) -> Compared:
        """Both, built where they are not there yet."""
        data = plan.data
        if not isinstance(data, GenerationData):
            return cls()
        reference = None if data.reference is None else data.reference.ready(evaluators, plan.options, device)
        wanted = training_features(evaluators, plan.task)
        if data.training is None or not wanted.features:
            return cls(reference)
        return cls(reference, data.training.ready(wanted, plan.options, device))

    @property
    def names(self) -> list[str]:
        """Those that there are."""
        return [name for name in (self.reference, self.training) if name is not None]


def generation_manifest(plan: JobPlan, data: GenerationData, compared: Compared) -> GenerationManifest:
    """What the job's manifest says about conditions, reference and training images."""
    beside, encoded = tokenizer_job(plan), training_job(plan)
    return GenerationManifest(
        conditions=dict(data.conditions.description),
        reference=compared.reference,
        tokenizer_job=None if beside is None else job_path(beside, plan.options.out),
        tokenizer_samples=0 if beside is None else len(beside.data.ids),
        training=compared.training,
        training_job=None if encoded is None else job_path(encoded, plan.options.out),
        training_samples=0 if encoded is None else len(encoded.data.ids),
        trained_on=None if data.training is None else data.training.section,
    )


def _sampler(
    source: GeneratorSource, data: GenerationData, options: RunOptions, device: torch.device, batch_size: int
) -> Sampler:
    assert data.task.conditions is not None
    hidden = hidden_roles(data.task.conditions, source)
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
