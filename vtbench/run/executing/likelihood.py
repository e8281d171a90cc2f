"""Measure the blocks of a task of tokens: how likely real images are under a generator."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import torch

from vtbench.run.device import choose_dtype
from vtbench.run.executing.writing import Measured, at_once
from vtbench.run.measuring.likelihoods.asking import Answer, Asked
from vtbench.run.measuring.likelihoods.meter import LikelihoodMeter
from vtbench.run.measuring.likelihoods.of_codes import CodeLikelihood, encoded_side
from vtbench.run.measuring.likelihoods.of_pixels import PixelLikelihood
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.jobs import JobPlan, TaskData, row_columns
from vtbench.run.storing.blocks import Block
from vtbench.run.timing import waited


def likelihood_blocks(
    plan: JobPlan, data: TaskData, device: torch.device, missing: Sequence[Block]
) -> Generator[Measured, None, None]:
    """Measure the missing blocks, one after another; each has its result at once."""
    source, asked = plan.source, plan.task.likelihood
    assert isinstance(source, GeneratorSource) and asked is not None
    of_pixels = plan.task.of_pixels
    meter = LikelihoodMeter(
        told=_pixels(plan, source, device) if of_pixels else _codes(plan, source, device),
        info=source.info,
        tokenizer=None if of_pixels else source.tokenizer_info,
        given=asked.given,
        device=device,
        batch_size=plan.batch_size,
        columns=row_columns(plan.task),
        strata=plan.task.strata,
        side=None if of_pixels else encoded_side(source.model),
    )
    spans = [(block.index, block.start, block.stop) for block in missing]
    arriving = waited(data.arriving(spans, plan.options.decoders))
    for block, (waited_s, (_, items)) in zip(missing, arriving, strict=True):
        yield at_once(block, meter.measure(block, items, waited_s))


def _codes(plan: JobPlan, source: GeneratorSource, device: torch.device) -> Callable[[Sequence[Asked]], Answer]:
    options = plan.options
    return CodeLikelihood(source.model, device, choose_dtype(options.dtype), options.seed, lent=source.lent)


def _pixels(plan: JobPlan, source: GeneratorSource, device: torch.device) -> Callable[[Sequence[Asked]], Answer]:
    return PixelLikelihood(source.model, device, choose_dtype(plan.options.dtype), lent=source.lent)
