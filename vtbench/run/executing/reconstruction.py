"""Measure the blocks of a task that compares predictions with originals."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from functools import partial

import torch

from vtbench.metrics.catalog.lookup import metric_info
from vtbench.metrics.catalog.rates import tokens_column
from vtbench.metrics.probes.pooling import Pooling
from vtbench.run.executing.writing import Measured
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.measuring.model import LoadedModel
from vtbench.run.measuring.predict import ModelPredictor, Predictor
from vtbench.run.measuring.previews import PreviewKeeper, fixed_indices
from vtbench.run.measuring.reconstructed import BlockMeter
from vtbench.run.measuring.robustness.probe import probed
from vtbench.run.measuring.timed.predictor import timed
from vtbench.run.measuring.transit.transfers import transfers_to
from vtbench.run.planning.foreign_parts import extractor_identity
from vtbench.run.planning.jobs import JobPlan, TaskData, row_columns
from vtbench.run.planning.models import PredictionSource, TokenizerSource
from vtbench.run.storing.blocks import Block
from vtbench.run.storing.references import ReferenceFeatures, reference_key
from vtbench.run.timing import waited


def reconstructed_blocks(
    plan: JobPlan, data: TaskData, evaluators: Evaluators, device: torch.device, missing: Sequence[Block]
) -> Generator[Measured, None, None]:
    """Measure the missing blocks, one after another; each gives its result when the device is done."""
    meter = _meter(plan, data, evaluators, device)
    spans = [(block.index, block.start, block.stop) for block in missing]
    arriving = waited(data.arriving(spans, plan.options.decoders, meter.transfers.ready))
    for block, (waited_s, (_, items)) in zip(missing, arriving, strict=True):
        yield block, meter.measure(block, items, waited_s)


def reference_features(plan: JobPlan, evaluators: Evaluators) -> dict[str, ReferenceFeatures]:
    """Where the features of the originals are kept, by extractor."""
    return {
        name: ReferenceFeatures(
            plan.out,
            reference_key(
                data_fingerprint=f"{plan.data.fingerprint}{plan.data.foreign.get('data', '')}",
                preprocess=plan.task.preprocess.model_dump(),
                extractor_id=extractor_identity(name, extractor),
                device_type=plan.device_type,
                block_size=plan.task.block_size,
            ),
            evaluators.features[name],
            cached=plan.options.lasting,
        )
        for name, extractor in evaluators.extractors.items()
    }


def _meter(plan: JobPlan, data: TaskData, evaluators: Evaluators, device: torch.device) -> BlockMeter:
    source, previews, timing = plan.source, plan.task.previews, plan.task.timing
    assert isinstance(source, PredictionSource)
    predictor = source.open(plan.options, device, plan.batch_size, itertools.chain(data.ids, data.left_out))
    twin = partial(_in_float32, source, device)
    asking = probed(predictor, plan.task, evaluators, twin) if timing is None else timed(predictor, timing.warm_up)
    return BlockMeter(
        predictor=asking,
        evaluators=evaluators,
        references=reference_features(plan, evaluators),
        info=source.info,
        previews=PreviewKeeper(
            plan.folder / "previews", previews, fixed_indices(len(data.ids), previews.fixed), metric_info(previews.by)
        ),
        device=device,
        transfers=transfers_to(device),
        batch_size=plan.batch_size,
        columns=row_columns(plan.task),
        strata=plan.task.kept_fields,
        keeps_codes=plan.task.keeps_codes,
        pooling=_pooling(plan, predictor),
        tokens_column=tokens_column(plan.task.frames),
    )


def _pooling(plan: JobPlan, predictor: Predictor) -> Pooling | None:
    """What makes one vector an image of codes, where the task looks at those."""
    if plan.task.probing is None or not isinstance(predictor, ModelPredictor):
        return None
    return Pooling(predictor.model.codebook)


def _in_float32(source: PredictionSource, device: torch.device) -> LoadedModel:
    assert isinstance(source, TokenizerSource), "asked for when it was planned"
    return source.in_float32(device)
