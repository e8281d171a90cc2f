"""A job's folder of what judges gave: its plan, its rows in blocks, and the record that follows from them."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import torch
from filelock import FileLock

from vtbench.core.digests import digest_file, digest_json
from vtbench.core.disk.files import path_segment
from vtbench.core.disk.links import refuse_links
from vtbench.results.records.record import RunRecord
from vtbench.results.records.samples import Samples
from vtbench.results.records.schema import ConfigSection, DeterminismSection, ModelSection
from vtbench.run import provenance
from vtbench.run.judging.asked import Asked
from vtbench.run.judging.prompts import fingerprint, lacking, other_texts
from vtbench.run.judging.source import Brought, Format
from vtbench.run.progress import say
from vtbench.run.scoring.job import score_job
from vtbench.run.storing.blocks import Block, BlockResult, BlockStore, split_blocks
from vtbench.run.storing.manifest import GenerationManifest, JobManifest, write_manifest
from vtbench.tasks import TaskSpec

_KEY_DIGITS = 16
_ABSENT = -1.0
"""Stands for NaN in what a key is a digest of; no count or mean of a judge's is looked at there."""


def write_job(asked: Asked, form: Format, brought: Brought, task: TaskSpec) -> RunRecord:
    """Write plan, rows and record below ``asked.out``; the same values of the same model come to the same folder.

    Raises:
        UnwritableError: a symbolic link lies where something is to be written.
        VtbenchError: no prompt has a value.
    """
    samples = brought.found.samples(_columns(task, brought), brought.fields)
    manifest = _manifest(asked, form, brought, task, samples)
    out = asked.out.resolve()
    folder = out.joinpath(path_segment(task.name), path_segment(asked.model), manifest.job_key)
    refuse_links(folder, out)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".score.lock"):
        write_manifest(manifest, folder)
        _write_rows(samples, folder, manifest, task.block_size)
        return score_job(folder, out, manifest, note=say)


def _columns(task: TaskSpec, brought: Brought) -> dict[str, str]:
    """Columns as they were read, to columns of rows: what comes before the first colon is the metric."""
    names = dict(zip(brought.metrics, (request.name for request in task.judged_metrics), strict=True))
    heads = [(column, *column.partition(":")) for column in brought.found.columns]
    return {column: f"{names[head]}{colon}{part}" for column, head, colon, part in heads if head in names}


def _manifest(asked: Asked, form: Format, brought: Brought, task: TaskSpec, samples: Samples) -> JobManifest:
    of = fingerprint(asked, form, brought, task)
    found = brought.found
    notes = (*brought.notes, *found.notes(asked.per_prompt or form.per_prompt), *lacking(brought))
    conditions = {"of": "prompts", "prompts": asked.prompts, "count": len(samples), "judged": found.items}
    files = {path.name: digest_file(path) for path in brought.files}
    return JobManifest(
        created=datetime.now(timezone.utc),
        job_key=_key(asked, task, of, samples),
        command=asked.command,
        config=ConfigSection(given=asked.given, resolved={"format": form.name, "files": files}),
        model=_model(asked),
        info=None,
        task=task.model_dump(mode="json"),
        data_source=f"prompts of {task.name}",
        data_fingerprint=of,
        samples=len(samples),
        references={},
        generation=GenerationManifest(conditions=conditions),
        allow_small_sets=False,
        determinism=DeterminismSection(),
        environment=provenance.environment(torch.device("cpu")),
        code=provenance.code(),
        warnings=(*notes, *other_texts(asked, form, brought, task)),
    )


def _model(asked: Asked) -> ModelSection:
    name = asked.model
    return ModelSection(
        reference=name, label=name, name=name, revision=asked.revision, kind="generator", conditions="prompt"
    )


def _key(asked: Asked, task: TaskSpec, of: str, samples: Samples) -> str:
    rows = {name: [_ABSENT if v != v else v for v in column.tolist()] for name, column in samples.metrics.items()}
    labels = {name: list(column) for name, column in samples.strata.items()}
    content = [list(samples.ids), list(samples.status), labels, rows]
    return digest_json([task.protocol_id, of, asked.model, asked.revision, content], length=_KEY_DIGITS)


def _write_rows(samples: Samples, folder: Path, manifest: JobManifest, size: int) -> None:
    store = BlockStore(folder / "blocks", manifest.job_key)
    for block in split_blocks(len(samples), size):
        store.write(block, BlockResult(_part(samples, block), {}, {"seconds": {}, "events": []}))


def _part(samples: Samples, block: Block) -> Samples:
    part = slice(block.start, block.stop)
    return Samples(
        ids=samples.ids[part],
        index=samples.index[part],
        status=samples.status[part],
        stage=samples.stage[part],
        message=samples.message[part],
        height=samples.height[part],
        width=samples.width[part],
        metrics={name: rows[part] for name, rows in samples.metrics.items()},
        strata={name: labels[part] for name, labels in samples.strata.items()},
    )
