"""Room on the disk that jobs will take, from what they keep of each sample: told before any work where it lacks."""

from __future__ import annotations

import math
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from vtbench.core.errors import StorageFullError, VtbenchError
from vtbench.core.foreign.guard import foreign
from vtbench.features import EXTRACTORS
from vtbench.run.measuring.evaluators import required_features
from vtbench.run.measuring.robustness.answers import perturbed_sets
from vtbench.run.measuring.videos.strips import MOST_FRAMES as SHOWN_FRAMES
from vtbench.run.planning.generation_data import GenerationData
from vtbench.run.planning.generation_reference import GenerationReference
from vtbench.run.planning.jobs import JobPlan, TaskData, row_columns
from vtbench.run.scoring.copies.beside import jobs_beside
from vtbench.run.storing.references import FOLDER
from vtbench.tasks import TaskSpec

_FLOAT32, _FLOAT64 = 4, 8
_ROW_BYTES = 200
"""Of a row beside its metrics: id, state, place, size."""
_JOB_BYTES = 1 << 20
"""Of a job beside its samples: plan, record, the headers of its files."""
_WIDTH = 2048
"""Of a feature whose extractor does not say."""
_SIDE = 512
"""Of images whose size is not known before they are made."""
_MARGIN = 1.1


def check_room(plans: Sequence[JobPlan]) -> list[VtbenchError]:
    """Whether the disks of ``--out`` and ``--samples`` have room for what is still to be measured."""
    if not plans:
        return []
    out, samples = plans[0].options.out, _existing(plans[0].options.samples)
    jobs = [job for plan in plans for job in (plan, *(beside.plan for beside in jobs_beside(plan)))]
    needed: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    named: dict[int, Path] = {}
    for folder, parts in ((out, room_of(jobs)), (samples, room_of_samples(plans))):
        if folder is not None:
            disk = folder.stat().st_dev
            named.setdefault(disk, folder)
            for part, size in parts.items():
                needed[disk][part] += size
    found = (_lacking(named[disk], parts) for disk, parts in needed.items())
    return [problem for problem in found if problem is not None]


def _existing(folder: Path | None) -> Path | None:
    """The folder, or the nearest one above it that is there."""
    return None if folder is None else next(path for path in (folder, *folder.parents) if path.exists())


def room_of(jobs: Iterable[JobPlan]) -> dict[str, float]:
    """Bytes that jobs will write below ``--out``, by what they are; what is measured already is left out."""
    parts: dict[str, float] = defaultdict(float)
    references: dict[tuple[str, str, str], float] = {}
    out: Path | None = None
    for job in jobs:
        out, left = job.options.out, _left(job)
        if not left:
            continue
        task, width = job.task, _width(job.task)
        parts["rows"] += 2 * left * (_ROW_BYTES + _FLOAT64 * len(row_columns(task)))
        parts["features"] += left * width * _FLOAT32 * (1 + perturbed_sets(task.robustness_metrics))
        parts["previews"] += _previews(task, left) * _pixels(job)
        parts["records"] += _JOB_BYTES
        key = (job.data.fingerprint, task.preprocess.model_dump_json(), ",".join(sorted(_features(task))))
        references[key] = _references(job, width)
    if out is not None:
        parts["reference features"] += max(0.0, sum(references.values()) - _stored(out / FOLDER))
    return parts


def room_of_samples(plans: Iterable[JobPlan]) -> dict[str, float]:
    """Bytes of the images that generators leave in ``--samples``, at most."""
    made = [plan for plan in plans if isinstance(plan.data, GenerationData)]
    return {"images": sum(3.0 * _left(plan) * _pixels(plan) * (plan.task.frames or 1) for plan in made)}


def _lacking(folder: Path, parts: Mapping[str, float]) -> VtbenchError | None:
    needed, free = _MARGIN * sum(parts.values()), shutil.disk_usage(folder).free
    if free >= needed:
        return None
    shown = [f"{name} {told(size)}" for name, size in sorted(parts.items(), key=lambda part: -part[1]) if size]
    return StorageFullError(
        f"{folder}: {told(free)} free, about {told(needed)} needed ({', '.join(shown[:3])})",
        "make room on that disk, choose a folder on another one, or measure less with --limit",
    )


def told(size: float) -> str:
    """A number of bytes for people: ``3 GB``, ``2.1 MB``."""
    for unit, bytes_of in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= bytes_of:
            return f"{size / bytes_of:.3g} {unit}"
    return f"{math.ceil(size / 1e3)} kB"


def _left(job: JobPlan) -> int:
    """Samples whose blocks are not there yet; a whole job again where it is measured afresh."""
    if job.options.fresh:
        return len(job.data.ids)
    return sum(block.stop - block.start for block in job.data.blocks if not job.store.rows_path(block).is_file())


def _features(task: TaskSpec) -> dict[str, int]:
    """Numbers an image, by extractor and feature."""
    widths: dict[str, int] = {}
    for extractor, features in required_features(task.set_metrics).items():
        known: Mapping[str, int] = getattr(EXTRACTORS.load(extractor), "widths", {})
        widths |= {f"{extractor}.{feature}": int(known.get(feature, _WIDTH)) for feature in features}
    return widths


def _width(task: TaskSpec) -> int:
    return sum(_features(task).values())


def _references(job: JobPlan, width: int) -> float:
    """Features of every original; of a generator's reference moments too, or a file of statistics to be copied."""
    data = job.data
    if not isinstance(data, GenerationData):
        return len(data.ids) * width * _FLOAT32
    return sum(_file_of(found, job.task, width) for found in (data.reference, data.training) if found is not None)


def _file_of(found: GenerationReference, task: TaskSpec, width: int) -> float:
    if found.dataset is None:
        return float(found.statistics.path.stat().st_size) if found.statistics is not None else 0.0
    moments = sum(each**2 for each in _features(task).values()) * _FLOAT64
    return float(len(found.dataset) * width * _FLOAT32 + moments)


def _previews(task: TaskSpec, samples: int) -> float:
    """Bytes a pixel of all pictures: without loss, original and error beside each prediction. The worst are passed by
    others while they are looked for. Of a clip some frames are shown."""
    if task.kind == "tokens":
        return 0.0
    shown = min(task.frames or 1, SHOWN_FRAMES)
    if task.of_samples:
        return 3.0 * shown * (samples if task.training is not None else min(samples, task.previews.fixed))
    return 9.0 * shown * min(samples, task.previews.fixed + task.previews.worst * (1 + math.log(max(samples, 1))))


def _pixels(job: JobPlan) -> int:
    """Of an image: of the first one where the task leaves them as they are."""
    if job.task.preprocess.size:
        return job.task.preprocess.size**2
    if isinstance(job.data, TaskData):
        with suppress(Exception), foreign(f"the data of {job.task.name}"):  # told when it is measured
            return job.data.pixels_of_first()
    return _SIDE**2


def _stored(folder: Path) -> float:
    """Bytes that lie in a folder and below it."""
    total = 0.0
    for path in (Path(place, name) for place, _, names in os.walk(folder) for name in names):
        with suppress(OSError):  # another worker's, renamed meanwhile
            total += path.lstat().st_size
    return total
