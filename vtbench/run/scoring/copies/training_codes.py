"""Codes of samples against those of the images that a generator was trained on.

Its tokenizer encodes them in an ordinary reconstruction job that keeps codes; generators of one tokenizer share it.
Where the tokenizer's job on the reference has kept codes too, those of held-out images are compared likewise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from vtbench.core.contracts import Estimate
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.metrics.catalog.rates import CODE_COPIES
from vtbench.metrics.codes.copies import EQUAL_SHARE, CodeCopies, Tokens
from vtbench.metrics.images.pixel import Psnr
from vtbench.results.records.samples import SCORED
from vtbench.results.records.schema import MetricResult
from vtbench.results.records.statistics import bootstrap_interval, interval_method
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.planning.generation_data import GenerationData
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.scoring.fold import Measured, metric_result
from vtbench.run.scoring.tokenizer_share import own_tokenizer_job
from vtbench.run.storing.blocks import Block, BlockStore, split_blocks
from vtbench.run.storing.kept_codes import KEPT_FORM, KEPT_PREFIX
from vtbench.tasks import TaskSpec

_PACKED_BYTES = 8


def training_job(plan: JobPlan) -> JobPlan | None:
    """The job that encodes training images; ``None`` where no codes are compared."""
    data, source = plan.data, plan.source
    if not isinstance(data, GenerationData) or not isinstance(source, GeneratorSource):
        return None
    training = data.training
    if training is None or training.dataset is None or source.tokenizer_info is None or not plan.task.compares_codes:
        return None
    return own_tokenizer_job(plan, source, training, training_task(plan.task, training.source))


def training_task(task: TaskSpec, data: str) -> TaskSpec:
    """The tokenizer on training images: its codes are kept, and PSNR tells whether they are what they should be."""
    return TaskSpec.model_validate(
        {
            "name": f"{task.name}-training",
            "version": task.version,
            "kind": "reconstruction",
            "summary": f"The images that generators of {task.name} were trained on, encoded by their tokenizer.",
            "data": {"source": data},
            "preprocess": task.preprocess.model_dump(),
            "image_metrics": ["psnr"],
            "code_metrics": ["bits_per_pixel", "tokens_per_image", "codebook_usage"],
            "block_size": task.block_size,
            "keep_codes": True,
            "previews": {"fixed": 0, "worst": 0},
            "table": ["bits_per_pixel", "psnr", "codebook_usage"],
        }
    )


def training_evaluators(evaluators: Evaluators) -> Evaluators:
    """PSNR alone."""
    alone = replace(evaluators, image_metrics={"psnr": Psnr()}, extractors={}, features={})
    return replace(alone, text=None, instances=None, block_metrics=(), prompt_metrics=())


def copy_results(measured: Measured, warnings: list[str]) -> list[MetricResult]:
    """Metrics of codes against those of training images; what cannot be had adds a warning."""
    wanted = [request.name for request in measured.manifest.task_spec.code_metrics if request.name in CODE_COPIES]
    if not wanted:
        return []
    samples = _Kept(measured.store, measured.blocks)
    training, held_out = _Kept.of_job(measured, training=True), _Kept.of_job(measured, training=False)
    reason = _why_not(samples, training)
    if training is None or reason:
        warnings.append(f"{', '.join(wanted)} not computed: {reason}")
        return []
    compared = CodeCopies(samples.tokens())
    others = None if held_out is None or held_out.form != training.form else CodeCopies(held_out.tokens())
    for part in training.parts():
        compared.look_at(part)
        if others is not None:
            others.look_at(part)
    return [metric_result(metric_info(name), found) for name, found in _estimates(compared, others) if name in wanted]


@dataclass(frozen=True, eq=False)
class _Kept:
    """Codes in the blocks of a job."""

    store: BlockStore
    blocks: Sequence[Block]

    @classmethod
    def of_job(cls, measured: Measured, *, training: bool) -> _Kept | None:
        """Of the job on training images, or of that on the reference; ``None`` where there is none, or without codes.

        Every byte is held against its digest before any is used.
        """
        generation, size = measured.manifest.generation, measured.manifest.task_spec.block_size
        if generation is None:
            return None
        name = generation.training_job if training else generation.tokenizer_job
        count = generation.training_samples if training else generation.tokenizer_samples
        if name is None:
            return None
        folder: Path = measured.out / name
        kept = cls(BlockStore(folder / "blocks", folder.name), split_blocks(count, size))
        kept.store.content(kept.blocks)
        return kept if kept.form is not None else None

    @property
    def form(self) -> dict[str, Any] | None:
        """Grids, and whether tokens are bits, where all blocks that hold any images say the same."""
        forms = [self.store.meta(block).get(KEPT_FORM) for block in self.blocks if self._has_images(block)]
        return forms[0] if forms and all(form == forms[0] for form in forms) else None

    def parts(self) -> Iterator[Tokens]:
        """Codes ``[n,T]`` block by block: levels one after another, bits of a token as one number."""
        for block in self.blocks:
            arrays = self.store.tensors(block, KEPT_PREFIX)
            levels = [_as_numbers(arrays[name]) for name in sorted(arrays, key=int)]
            if levels:
                yield np.concatenate(levels, axis=1)

    def tokens(self) -> Tokens:
        """All of them, ``[N,T]``."""
        return np.concatenate(list(self.parts()))

    def _has_images(self, block: Block) -> bool:
        return any(status == SCORED for status in self.store.samples([block]).status)


def _as_numbers(array: Tokens) -> Tokens:
    """``[n,T]`` as it is; packed bits ``[n,T,bytes]`` as ``[n,T]``."""
    if array.ndim == 2:
        return array
    if array.shape[2] <= _PACKED_BYTES:
        wide = np.zeros((*array.shape[:2], _PACKED_BYTES), dtype=np.uint8)
        wide[..., : array.shape[2]] = array
        return wide.view(np.uint64)[..., 0]
    return np.ascontiguousarray(array).view(f"V{array.shape[2]}")[..., 0]


def _why_not(samples: _Kept, training: _Kept | None) -> str:
    if training is None:
        return "training images have no codes here: give them as images, for a generator of codes"
    mine, theirs = samples.form, training.form
    if mine is None:
        return "samples have no codes of one size"
    if mine != theirs:
        return f"samples have codes of {_told(mine)}, training images at the task's size of {_told(theirs or {})}"
    return ""


def _told(form: dict[str, Any]) -> str:
    return " + ".join("x".join(map(str, grid)) for grid in form.get("grids", ())) or "no size"


def _estimates(samples: CodeCopies, held_out: CodeCopies | None) -> Iterator[tuple[str, Estimate]]:
    copied, runs = samples.copied(), samples.longest.astype(np.float64)
    count, n = int(copied.sum()), len(copied)
    details: dict[str, Any] = {"training_images": samples.seen, "tokens": samples.tokens}
    interval = stats.binomtest(count, n).proportion_ci(0.95, method="wilson")
    most = {"most_equal": int(samples.equal.max()), "equal_share": EQUAL_SHARE}
    beside = {} if held_out is None else {"held_out": float(held_out.copied().mean())}
    yield "code_copy_rate", Estimate(
        value=count / n, n=n, ci_low=float(interval.low), ci_high=float(interval.high),
        ci_method="Wilson, training images fixed", details={**details, **most, **beside},
    )  # fmt: skip
    low, high = bootstrap_interval(runs, "mean")
    beside = {} if held_out is None else {"held_out": float(held_out.longest.mean())}
    yield "longest_code_run", Estimate(
        value=float(runs.mean()), n=n, ci_low=low, ci_high=high, ci_method=interval_method(),
        details={**details, "longest": int(runs.max()), **beside},
    )  # fmt: skip
