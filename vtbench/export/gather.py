"""Finished runs, read and made ready: names, steps, tags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from vtbench.core.digests import digest_json
from vtbench.core.outgoing import terminal_line
from vtbench.core.secrets import masked
from vtbench.export.values import Exported, Order, Picture, Scalar
from vtbench.results.records.previews import preview_files
from vtbench.results.records.record import RunRecord, readable_records

Source = RunRecord | Path | str
Sources = Source | Iterable[Source]
_KEY_DIGITS = 12


def gather(runs: Sources, order: Order) -> list[Exported]:
    """Every finished run of ``runs``, each file once, in the order given.

    Args:
        runs: records, or paths of records, of run folders, or of folders above them.
        order: gives name and step.

    Raises:
        UsageError: a path without records.
        VtbenchError: no record can be read; one that cannot is told as a warning.
    """
    return [_exported(record, folder, order) for record, folder in _found(runs)]


def _found(runs: Sources) -> Iterator[tuple[RunRecord, Path | None]]:
    seen: set[Path] = set()
    for source in [runs] if isinstance(runs, (RunRecord, Path, str)) else runs:
        if isinstance(source, RunRecord):
            yield source, None
            continue
        for file, record in readable_records(source):
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield record, file.parent


def _exported(record: RunRecord, folder: Path | None, order: Order) -> Exported:
    task, named = _text(record.task.name), order.run_name is not None
    tags = _tags(record)
    return Exported(
        record=record,
        folder=folder,
        name=order.run_name or f"{task}/{_text(record.model.label)}",
        key=digest_json([order.run_name] if named else [record.run_id, record.job_key], length=_KEY_DIGITS),
        task=task,
        step=order.step or 0,
        scalars=tuple(Scalar(task, result) for result in record.results),
        images=() if folder is None else _images(task, folder),
        tags={f"{task}.{name}": text for name, text in tags.items()} if named else tags,
        named=named,
    )


def _images(task: str, folder: Path) -> tuple[Picture, ...]:
    return tuple(Picture(f"{task}/{_text(path.stem)}", path) for path in preview_files(folder).values())


def _tags(record: RunRecord) -> dict[str, str]:
    """What says of which measurement the numbers are; what a record does not state is left out."""
    data, limited = record.data, record.data.limited_from
    stated = {
        "task": record.task.name,
        "protocol_id": record.task.protocol_id,
        "data_fingerprint": data.fingerprint,
        "model": record.model.label,
        "reference": record.model.reference,
        "revision": record.model.revision,
        "status": record.status,
        "limited": "" if limited is None else f"{data.n_expected} of {limited} samples: for testing only",
        "n_scored": str(data.n_scored),
        "n_failed": str(data.n_failed),
        "dtype": record.model.dtype,
        "device": record.environment.device_name or record.environment.device,
        "seed": str(record.determinism.seed),
        "finished": record.finished.isoformat(),
        "vtbench_version": record.code.vtbench_version,
        "run": record.run_id,
        "job_key": record.job_key,
        "warnings": " | ".join(record.warnings),
    }
    return {name: _text(text) for name, text in stated.items() if text}


def _text(text: str) -> str:
    return terminal_line(masked(text))
