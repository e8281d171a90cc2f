"""How much of a generator's distance is its tokenizer's: the tokenizer is measured by itself on the reference images.

Beside every generation job whose reference is a data set, and whose generator samples codes, goes an ordinary
reconstruction job of its tokenizer on those images. The generator's record then holds the tokenizer's own distance to
the same reference (rFID beside gFID) and compares the codes it samples with those of real images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vtbench.core.contracts import Estimate
from vtbench.core.info import TokenizerInfo
from vtbench.data.preparing.presets import make_preset
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.metrics.catalog.rates import CODE_COPIES
from vtbench.metrics.codes.divergence import jensen_shannon
from vtbench.metrics.codes.usage import merge_counts, summarise_codes
from vtbench.metrics.images.pixel import Psnr
from vtbench.metrics.videos.pixel import VideoPsnr
from vtbench.results.records.schema import MetricResult
from vtbench.run.measuring.evaluators import Evaluators, set_jobs
from vtbench.run.measuring.tally import CODES_PREFIX, feature_key
from vtbench.run.planning.foreign_parts import dataset_code, foreign_parts
from vtbench.run.planning.generation_data import GenerationData
from vtbench.run.planning.generation_reference import GenerationReference
from vtbench.run.planning.generators import GeneratorSource, OwnTokenizerSource
from vtbench.run.planning.jobs import JobPlan, TaskData
from vtbench.run.scoring.fold import Measured, metric_result
from vtbench.run.scoring.sets import set_estimates
from vtbench.run.storing.blocks import BlockStore, split_blocks
from vtbench.run.storing.features import StoredFeatures
from vtbench.run.storing.references import open_reference
from vtbench.tasks import MetricRequest, TaskSpec

STRATUM = "tokenizer"
DIVERGENCE = "code_js_divergence"


def tokenizer_job(plan: JobPlan) -> JobPlan | None:
    """The reconstruction job that goes beside a generation job; ``None`` where there is nothing to be told apart."""
    data, source = plan.data, plan.source
    if not isinstance(data, GenerationData) or not isinstance(source, GeneratorSource):
        return None
    reference = data.reference
    if reference is None or reference.dataset is None or source.tokenizer_info is None or not plan.task.set_metrics:
        return None
    return own_tokenizer_job(plan, source, reference, tokenizer_task(plan.task, reference.source))


def own_tokenizer_job(plan: JobPlan, source: GeneratorSource, images: GenerationReference, task: TaskSpec) -> JobPlan:
    """A task of a generator's own tokenizer on images that its samples are compared with."""
    dataset = images.dataset
    assert dataset is not None, f"{images.source} is no data set"
    measured = TaskData(
        task=task,
        source=images.source,
        ids=dataset.ids,
        preset=make_preset(task.preprocess.preset, task.preprocess.size, task.frames),
        fingerprint=dataset.fingerprint,
        foreign=foreign_parts(task, dataset_code(dataset)),
        in_shards=bool(getattr(dataset, "in_shards", False)),
        dataset=dataset,
    )
    return JobPlan(OwnTokenizerSource(source), measured, plan.options, plan.device_type)


def tokenizer_task(task: TaskSpec, data: str) -> TaskSpec:
    """The generation task's metrics on reconstructions of its reference."""
    apart = task.of_training
    compared = [one for one in task.set_metrics if not one.name.startswith("is_") and one not in apart]
    of_samples = (DIVERGENCE, *CODE_COPIES)
    clips, quality = task.frames, "psnr" if task.frames is None else "video_psnr"
    return TaskSpec.model_validate(
        {
            "name": f"{task.name}-tokenizer",
            "version": task.version,
            **({"kind": "reconstruction"} if clips is None else {"kind": "video", "frames": clips}),
            "summary": f"The tokenizer's own share of {task.name}: reconstructions of its reference images.",
            "data": {"source": data},
            "preprocess": task.preprocess.model_dump(),
            **({"image_metrics": [quality]} if clips is None else {"video_metrics": [quality]}),
            "set_metrics": [request.model_dump() for request in compared],
            "code_metrics": [request.model_dump() for request in task.code_metrics if request.name not in of_samples],
            "block_size": task.block_size,
            "keep_codes": task.compares_codes,
            "table": ["bits_per_pixel", quality, *(request.name for request in compared)],
        }
    )


def tokenizer_evaluators(evaluators: Evaluators, task: TaskSpec) -> Evaluators:
    """Those of the generation task with PSNR instead of prompts: no network is loaded twice.

    Args:
        evaluators: of the generation task.
        task: the tokenizer's.
    """
    quality = {"psnr": Psnr()} if task.frames is None else {"video_psnr": VideoPsnr()}
    return replace(evaluators, image_metrics=quality, prompt_metrics=(), condition_metrics={})


def share_results(measured: Measured, requests: Sequence[MetricRequest], warnings: list[str]) -> list[MetricResult]:
    """What the tokenizer's job found, against the generator's own reference, under the stratum ``tokenizer``."""
    generation = measured.manifest.generation
    if generation is None or generation.tokenizer_job is None or generation.reference is None:
        return []
    folder = measured.out / generation.tokenizer_job
    store = BlockStore(folder / "blocks", folder.name)
    blocks = split_blocks(generation.tokenizer_samples, measured.manifest.task_spec.block_size)
    store.content(blocks)  # every byte is held against its digest before any is used
    statistics = open_reference(measured.out, generation.reference)
    paths = [store.tensors_path(block) for block in blocks]
    found: list[MetricResult] = []
    for job in set_jobs(requests, measured.manifest.allow_small_sets):
        if job.uses_training or not getattr(job.estimator, "uses_references", True):
            continue
        references = statistics.features(job.extractor, job.feature) or statistics.moments(job.extractor, job.feature)
        if references is not None:
            predictions = StoredFeatures(paths, feature_key(job.extractor, job.feature))
            found += set_estimates(job, predictions, references, warnings, STRATUM)
    real = merge_counts([store.tensors(block, CODES_PREFIX) for block in blocks])
    return found + _code_results(measured, real, measured.manifest.tokenizer_info)


def _code_results(measured: Measured, real: Mapping[str, NDArray[np.int64]], info: TokenizerInfo) -> list[MetricResult]:
    """Codes of real images, and how far those that were sampled are from them."""
    wanted = {request.name for request in measured.manifest.task_spec.code_metrics}
    sampled = merge_counts([measured.store.tensors(block, CODES_PREFIX) for block in measured.blocks])
    results = [
        metric_result(metric_info(entry.metric), Estimate(value=entry.value, n=entry.n), STRATUM)
        for entry in summarise_codes(real, info)
        if entry.metric in wanted and entry.stratum == "all"
    ]
    if DIVERGENCE not in wanted:
        return results
    value, tokens = jensen_shannon(sampled, real)
    return [*results, metric_result(metric_info(DIVERGENCE), Estimate(value=value, n=tokens))]


def job_path(job: JobPlan, out: Path) -> str:
    """Where the tokenizer's job lies, from the folder of all runs."""
    return job.folder.resolve().relative_to(out.resolve()).as_posix()
