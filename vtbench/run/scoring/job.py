"""Score: fold all blocks, in order, into a record. Needs the run folder only: no model, no data, no GPU."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from vtbench.core.disk.links import refuse_links
from vtbench.core.errors import VtbenchError
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.results.records.nearest import Pair
from vtbench.results.records.record import RECORD_FILE, RunRecord, refuse_newer_record, write_record
from vtbench.results.records.samples import FAILED, SAMPLES_FILE, Samples, write_samples
from vtbench.results.records.schema import IntegritySection
from vtbench.run.measuring.previews import fixed_indices, prune_previews
from vtbench.run.scoring.brought.judged import judged_results
from vtbench.run.scoring.conditioned import condition_results, truth_results
from vtbench.run.scoring.copies.nearest import pairs_of, with_names
from vtbench.run.scoring.copies.training_codes import copy_results
from vtbench.run.scoring.costs import cost_results
from vtbench.run.scoring.fold import (
    Measured,
    block_results,
    code_results,
    image_results,
    likelihood_results,
    prompt_results,
    text_results,
)
from vtbench.run.scoring.instances import instance_results
from vtbench.run.scoring.learnability import learnability_results
from vtbench.run.scoring.maps import map_results
from vtbench.run.scoring.probing import probing_results
from vtbench.run.scoring.recording import make_record
from vtbench.run.scoring.robustness import robustness_results
from vtbench.run.scoring.sets import set_results
from vtbench.run.scoring.shapes import shape_results
from vtbench.run.scoring.tokenizer_share import share_results
from vtbench.run.scoring.warnings import warnings_of
from vtbench.run.storing.blocks import Block, BlockStore, split_blocks
from vtbench.run.storing.manifest import JobManifest
from vtbench.tasks import MetricRequest, TaskSpec


def score_job(
    folder: Path,
    out: Path,
    manifest: JobManifest,
    extra: Sequence[MetricRequest] = (),
    *,
    note: Callable[[str], None],
    pictured: Callable[[Sequence[tuple[str, Pair]]], None] | None = None,
) -> RunRecord:
    """Fold the blocks of a finished job, write ``samples.parquet`` and, last, ``record.json``.

    Args:
        folder: the job's folder.
        out: the folder of all runs, which holds the reference features.
        manifest: the job.
        extra: set metrics beyond the task's own, on features that were stored.
        note: told what is being computed.
        pictured: given the pairs of samples and training images that results name, while samples still have pictures.

    Raises:
        UnwritableError: a symbolic link lies where something is to be written or deleted.
        DamagedFileError: a file is not what was stored.
        VtbenchError: blocks are missing, no sample could be scored, or a newer vtbench wrote the record that is there.
    """
    refuse_links(folder, out)
    refuse_newer_record(folder / RECORD_FILE)
    task, store = manifest.task_spec, BlockStore(folder / "blocks", manifest.job_key)
    blocks = split_blocks(manifest.samples, task.block_size)
    content = _whole_content(store, blocks, folder)
    samples = store.samples(blocks)
    _require_some_scored(samples)
    told_of_sets, told_of_probes = list[str](), list[str]()
    measured = Measured(out, folder, manifest, store, blocks, samples, content)
    of_sets, reference = set_results(measured, [*task.set_metrics, *extra], told_of_sets, note)
    results = [
        *image_results(task, samples),
        *truth_results(task, samples),
        *text_results(task, samples, manifest.reader_id),
        *instance_results(task, samples, manifest.reader_id),
        *block_results(task, samples),
        *prompt_results(task, samples),
        *condition_results(task, samples),
        *likelihood_results(task, samples),
        *cost_results(task, samples, manifest.environment.hardware),
        *learnability_results(measured),
        *probing_results(measured, told_of_probes, note),
        *judged_results(task, samples),
        *code_results(measured),
        *of_sets,
        *shape_results(measured),
        *map_results(measured),
        *robustness_results(measured, told_of_sets, note),
        *share_results(measured, task.set_metrics, told_of_sets),
        *copy_results(measured, told_of_sets),
    ]
    results = with_names(results, samples)
    if pictured is not None:
        pictured(pairs_of(results))
    rows = write_rows(samples, manifest.job_key, folder)
    prune_previews(folder / "previews", _kept_previews(task, samples))
    warnings = warnings_of(manifest, samples, results, [*told_of_probes, *told_of_sets])
    metas, digests = [store.meta(block) for block in blocks], IntegritySection(samples=rows, blocks=content)
    record = make_record(manifest, samples, results, reference, warnings, metas, digests)
    write_record(record, folder / RECORD_FILE)
    return record


def write_rows(samples: Samples, job: str, folder: Path) -> str:
    """Write a job's rows, which name the job; the digest of their content."""
    return str(write_samples(samples, folder / SAMPLES_FILE, {"job": job})["content"])


def _whole_content(store: BlockStore, blocks: Sequence[Block], folder: Path) -> str:
    """The digest of what all blocks hold: every byte is read here, before any number is made of it."""
    missing = [block for block in blocks if not store.is_there(block)]
    if missing:
        raise VtbenchError(
            f"{folder}: {len(missing)} of {len(blocks)} blocks are not measured yet",
            "give the same `vtbench run` again: it goes on where it stopped",
        )
    return store.content(blocks)


def _require_some_scored(samples: Samples) -> None:
    if all(status == FAILED for status in samples.status):
        raise VtbenchError(
            f"all {len(samples)} samples failed; the first, {samples.ids[0]}: {samples.message[0]}",
            "nothing was scored: mend the data or the model and run again with --fresh",
        )


def _kept_previews(task: TaskSpec, samples: Samples) -> frozenset[int]:
    info = metric_info(task.previews.by)
    column = samples.metrics.get(info.row_column)
    worst: list[int] = []
    if column is not None:
        finite = [
            (value, int(index)) for value, index in zip(column, samples.index, strict=True) if math.isfinite(value)
        ]
        worst = [index for _, index in sorted(finite, reverse=not info.higher_is_better)[: task.previews.worst]]
    return fixed_indices(len(samples), task.previews.fixed) | frozenset(worst)
