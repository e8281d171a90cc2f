"""Verify one job's folder: every byte of every file against its digest, and the files against one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtbench.core.disk.links import links_below
from vtbench.core.errors import DamagedFileError, UsageError, VtbenchError
from vtbench.core.outside.seals import UNSEALED
from vtbench.results.records.record import RECORD_FILE, RunRecord, read_record_with_seal
from vtbench.results.records.samples import SAMPLES_FILE, content_digest, read_sealed_samples
from vtbench.run.probing.store import FOLDER as PROBES
from vtbench.run.probing.store import check_probes
from vtbench.run.storing.blocks import Block, BlockStore, split_blocks
from vtbench.run.storing.input_files import inputs_in, read_inputs
from vtbench.run.storing.manifest import PLAN_FILE, JobManifest, read_manifest
from vtbench.run.storing.references import FOLDER, ReferenceFeatures, open_reference
from vtbench.run.verifying.findings import Finding, damage_told, damaged
from vtbench.run.verifying.values import wrong_values
from vtbench.tasks.sections import LearnabilitySpec

_OURS = (PLAN_FILE, RECORD_FILE, SAMPLES_FILE, ".score.lock")
_OURS_BELOW = {"blocks": (".parquet", ".safetensors"), "previews": (".webp",), PROBES: (".safetensors",)}


@dataclass(frozen=True, eq=False)
class _Job:
    folder: Path
    manifest: JobManifest
    store: BlockStore
    blocks: list[Block]

    @property
    def out(self) -> Path:
        return self.folder.absolute().parents[2]


def verify_job(folder: Path) -> list[Finding]:
    """Everything that is to be said of a job's folder; one ``ok`` or ``unfinished`` at the end where all is well."""
    found = [*_strangers(folder)]
    job, record = None, None
    try:
        manifest = read_manifest(folder, trusted=[folder])  # nothing that it names is imported here
        store = BlockStore(folder / "blocks", manifest.job_key)
        job = _Job(folder, manifest, store, split_blocks(manifest.samples, int(manifest.task["block_size"])))
    except VtbenchError as error:
        found.append(damage_told(error, folder / PLAN_FILE))
    except (KeyError, ValueError, TypeError):
        found.append(damaged(folder / PLAN_FILE, "names no size of blocks"))
    for path in inputs_in(folder):
        key = job.manifest.job_key if job is not None else None
        found += _attempt(path, lambda path=path, key=key: read_inputs(path, key))  # type: ignore[misc]
    if (folder / RECORD_FILE).is_file():
        record = _record(folder / RECORD_FILE, found)
    if job is not None:
        found += _blocks(job, must_be_whole=(folder / RECORD_FILE).exists())
        found += _references(job)
        if record is not None:
            found += _beside(job, record)
            found += _probes(job)
    if not any(one.status == "damaged" for one in found):
        found.append(_sound(folder, job, record))
    return found


def verify_record(path: Path) -> list[Finding]:
    """A record alone, as leaderboards keep it."""
    found: list[Finding] = []
    record = _record(path, found)
    if record is not None and not found:
        found.append(Finding(path, "ok", f"{record.model.label} on {record.task.name}, {record.finished:%Y-%m-%d}"))
    return found


def _record(path: Path, found: list[Finding]) -> RunRecord | None:
    try:
        record, is_sealed = read_record_with_seal(path)
    except VtbenchError as error:
        found.append(damage_told(error, path))
        return None
    if not is_sealed:
        found.append(Finding(path, "unchecked", UNSEALED))
    return record


def _sound(folder: Path, job: _Job | None, record: RunRecord | None) -> Finding:
    count = 0 if job is None else sum(job.store.is_there(block) for block in job.blocks)
    of = 0 if job is None else len(job.blocks)
    if record is None:
        return Finding(folder, "unfinished", f"{count} of {of} blocks are there, and whole", "give the same run again")
    return Finding(folder, "ok", f"{count} blocks, {record.data.n_expected} samples, {len(record.results)} results")


def _strangers(folder: Path) -> Iterator[Finding]:
    links, inputs = set(links_below(folder)), set(inputs_in(folder))
    for path in sorted(links):
        yield Finding(path, "link", "is a symbolic link: nothing is written or deleted through it")
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        known = inner.parts[0] in _OURS_BELOW and (len(inner.parts) == 1 or _is_ours(inner))
        if path in links or known or path in inputs or (len(inner.parts) == 1 and path.name in _OURS):
            continue
        left = path.name.endswith(".partial")
        yield Finding(
            path, "unknown", "is left of a process that was killed" if left else "is nothing that vtbench wrote"
        )


def _is_ours(inner: Path) -> bool:
    return len(inner.parts) == 2 and not inner.name.startswith(".") and inner.suffix in _OURS_BELOW[inner.parts[0]]


def _attempt(path: Path, check: Callable[[], Any]) -> Iterator[Finding]:
    try:
        check()
    except VtbenchError as error:
        yield damage_told(error, path)


def _blocks(job: _Job, must_be_whole: bool) -> Iterator[Finding]:
    missing = [block for block in job.blocks if not job.store.is_there(block)]
    for block in job.blocks:
        if block not in missing:
            yield from _attempt(job.store.rows_path(block), lambda b=block: job.store.check(b))  # type: ignore[misc]
    if missing and must_be_whole:
        first = job.store.rows_path(missing[0])
        yield damaged(job.store.folder, f"lacks {len(missing)} of {len(job.blocks)} blocks, {first.name} first")


def _references(job: _Job) -> Iterator[Finding]:
    """Those in the folder of all runs that the job's distances are to: its own originals', or a file of statistics."""
    for key in job.manifest.references.values():
        features = ReferenceFeatures(job.out, key, frozenset())
        for block in job.blocks:
            if job.store.is_there(block):
                yield from _attempt(features.path(block), lambda b=block, f=features: f.check(b))  # type: ignore[misc]
    generation = job.manifest.generation
    if generation is None:
        return
    for name in generation.statistics:
        yield from _attempt(job.out / FOLDER / name, lambda name=name: open_reference(job.out, name).check_sound())  # type: ignore[misc]
    for what, folder in generation.jobs_beside.items():
        if not (job.out / folder / PLAN_FILE).is_file():
            yield damaged(job.out / folder, f"is gone: the {what} job belongs to this one")


def _probes(job: _Job) -> Iterator[Finding]:
    """What probes found on the codes, of a task of learnability."""
    stated = job.manifest.task.get("learnability")
    if stated is not None:
        key, spec = job.manifest.job_key, LearnabilitySpec.model_validate(stated)
        yield from _attempt(job.folder / PROBES, lambda: check_probes(job.folder, key, spec))


def _beside(job: _Job, record: RunRecord) -> Iterator[Finding]:
    """The record against the plan, the blocks and the rows that it was made of."""
    path, manifest = job.folder / RECORD_FILE, job.manifest
    told = {
        "job key": (record.job_key, manifest.job_key),
        "samples": (record.data.n_expected, manifest.samples),
        "data": (record.data.fingerprint, manifest.data_fingerprint),
        "task": (record.task.name, manifest.task.get("name")),
        "model": (record.model.name, manifest.model.name),
        "seed": (record.determinism.seed, manifest.determinism.seed),
    }
    for name, (here, there) in told.items():
        if here != there:
            yield damaged(path, f"says {name} {here!r}, {PLAN_FILE} says {there!r}")
    blocks = ""
    with suppress(DamagedFileError, UsageError):  # told already
        blocks = job.store.content(job.blocks)
    if blocks and record.integrity.blocks and record.integrity.blocks != blocks:
        yield damaged(path, "was made of other blocks than are there")
    yield from _rows(job, record, bool(blocks))


def _rows(job: _Job, record: RunRecord, has_blocks: bool) -> Iterator[Finding]:
    path = job.folder / SAMPLES_FILE
    try:
        rows, seal = read_sealed_samples(path)
    except VtbenchError as error:
        yield damage_told(error, path)
        return
    if seal is None:
        yield Finding(path, "unchecked", UNSEALED)
    elif seal["of"] != {"job": job.manifest.job_key} or record.integrity.samples not in ("", seal["content"]):
        yield damaged(path, "holds other rows than the record was made of")
        return
    if has_blocks and content_digest(job.store.samples(job.blocks)) != content_digest(rows):
        yield damaged(path, "holds other rows than the blocks")
        return
    yield from (damaged(job.folder / RECORD_FILE, what) for what in wrong_values(record, rows))
