"""Whether what lies in a job's folder is that job's: its plan, its record, its blocks and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vtbench.core.errors import DamagedFileError, UsageError
from vtbench.core.outside.seals import REPAIR
from vtbench.core.secrets import masked_value
from vtbench.results.records.record import RunRecord
from vtbench.results.records.samples import SAMPLES_FILE, read_sealed_samples
from vtbench.results.records.schema import WeightSection
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.planning.models import PredictionSource
from vtbench.run.probing.store import check_probes
from vtbench.run.storing.blocks import Block
from vtbench.run.storing.manifest import PLAN_FILE, JobManifest, read_manifest
from vtbench.run.storing.references import ReferenceFeatures, open_reference


def own_manifest(plan: JobPlan) -> JobManifest:
    """The job's ``plan.json``, held against the job in hand.

    Raises:
        UsageError: there is none.
        DamagedFileError: it cannot be read, was edited, or is another job's.
    """
    manifest = read_manifest(plan.folder, task=plan.task)
    planned, kept = _planned(plan), _kept(manifest)
    different = [name for name in planned if planned[name] != kept[name]]
    if different:
        raise DamagedFileError(
            plan.folder / PLAN_FILE, f"is not the plan of this job: {', '.join(different)} differ", REPAIR
        )
    return manifest


def _planned(plan: JobPlan) -> dict[str, Any]:
    source, data = plan.source, plan.data
    info = source.info if isinstance(source, PredictionSource) else None
    told: dict[str, Any] = masked_value(
        {
            "job key": plan.key,
            "task": plan.task.protocol_id,
            "block size": plan.task.block_size,
            "data": data.fingerprint,
            "samples": len(data.ids),
            "whole set": data.limited_from,
            "reader": data.reader_id,
            "seed": plan.options.seed,
            "dtype": plan.options.dtype,
        }
    )
    if info is not None:
        told |= masked_value({"model": [info.name, info.revision, [weight.sha256 for weight in info.weights]]})
    return told


def _kept(manifest: JobManifest) -> dict[str, Any]:
    model, task = manifest.model, manifest.task_spec
    weights: tuple[WeightSection, ...] = model.weights
    return {
        "job key": manifest.job_key,
        "task": manifest.protocol_id,
        "block size": task.block_size,
        "data": manifest.data_fingerprint,
        "samples": manifest.samples,
        "whole set": manifest.limited_from,
        "reader": manifest.reader_id,
        "seed": manifest.determinism.seed,
        "dtype": model.dtype,
        "model": [model.name, model.revision, [weight.sha256 for weight in weights]],
    }


def problem_beside_record(plan: JobPlan, record: RunRecord) -> str:
    """What is wrong with the plan, a block or a reference beside a record, in words; empty where nothing is.

    Every byte is read, so that what ``verify`` tells is what the same command repairs.
    """
    if record.job_key not in ("", plan.key) or record.data.n_expected != len(plan.data.ids):
        return f"{plan.record_path} is another job's"
    try:
        manifest = own_manifest(plan)
        if plan.store.content(plan.data.blocks) != record.integrity.blocks:
            return f"{plan.record_path} was made of other blocks than are there"
        check_references(manifest, plan.out, plan.data.blocks)
        if plan.task.learnability is not None:
            check_probes(plan.folder, plan.key, plan.task.learnability)
    except (DamagedFileError, UsageError) as error:
        return error.what
    return ""


def check_references(manifest: JobManifest, out: Path, blocks: Sequence[Block]) -> None:
    """Hold what a job's distances are to against its seals; what the user's cache still has whole is taken from there.

    Raises:
        DamagedFileError: a file in the folder of all references is gone or damaged.
    """
    for key in manifest.references.values():
        features = ReferenceFeatures(out, key, frozenset())
        for block in blocks:
            if not features.has(block):
                features.check(block)
    for name in [] if manifest.generation is None else manifest.generation.statistics:
        open_reference(out, name)


def problem_of_rows(plan: JobPlan, record: RunRecord) -> str:
    """What is wrong with ``samples.parquet`` beside a record; empty where nothing is."""
    path = plan.folder / SAMPLES_FILE
    try:
        _, seal = read_sealed_samples(path)
    except (DamagedFileError, UsageError) as error:
        return error.what
    if seal is None or seal["of"] != {"job": plan.key} or seal["content"] != record.integrity.samples:
        return f"{path} holds other rows than the record was made of"
    return ""
