"""Which clouds of two sets a task of shapes compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vtbench.core.contracts import ImageDataset
from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.data.clouds.contract import CloudSet, Side, drawn_places
from vtbench.data.clouds.opening import open_clouds
from vtbench.data.preparing.presets import make_preset
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.jobs import JobData
from vtbench.tasks import TaskSpec
from vtbench.tasks.sections import ShapesSpec

_FINGERPRINT_DIGITS = 64


@dataclass(frozen=True, eq=False, kw_only=True)
class ShapesData(JobData):
    """Two sets of equally many clouds. A row is a sample; the reference of its place is measured with it.

    Attributes:
        samples: what a model made; ``ids`` are theirs.
        references: what they are compared with.
    """

    samples: Side
    references: Side


def open_shapes_data(
    task: TaskSpec, source: GeneratorSource, given: str | ImageDataset | None, limit: int | None
) -> ShapesData:
    """The clouds of a model, and those they are compared with.

    Args:
        given: ``--reference``, instead of the task's own.
        limit: only the first so many of those that are compared, on both sides.

    Raises:
        UsageError: a generator of images, no reference, or fewer clouds than the task takes.
    """
    assert task.shapes is not None and task.reference is not None
    if source.clouds is None:
        raise UsageError(
            f"{source.label} makes images, the task {task.name} takes point clouds", "use clouds,path=DIR or FILE.npy"
        )
    named = given if given is not None else task.reference.data
    if not isinstance(named, str):
        raise UsageError(f"task {task.name} names no reference", "give its clouds with --reference DIR or FILE.npy")
    references = open_clouds(named)
    samples, compared, left_out = _sides(task.shapes, source.clouds, references, limit, task.name)
    whole = compared.places == range(len(references.ids))
    return ShapesData(
        task=task,
        source=named,
        ids=samples.ids,
        preset=make_preset(task.preprocess.preset, task.preprocess.size),
        fingerprint=references.fingerprint if whole else _of_some(references, compared),
        left_out=left_out,
        notes=tuple(
            [f"reference: {note}" for note in references.notes]
            + _drawn_notes(task.shapes, source.clouds, references, len(samples.places) + len(left_out))
        ),
        samples=samples,
        references=compared,
    )


def _sides(
    spec: ShapesSpec, samples: CloudSet, references: CloudSet, limit: int | None, task: str
) -> tuple[Side, Side, tuple[str, ...]]:
    """Both sides, equally many, and the ids of samples that a limit leaves out."""
    fewest = min(len(samples.ids), len(references.ids))
    count = spec.count or fewest
    if count > fewest or fewest < 2:
        raise UsageError(
            f"{task} compares {max(count, 2):,} clouds a side; there are {len(samples.ids):,} samples and "
            f"{len(references.ids):,} references",
            "give as many, or a task of your own with another count: docs/shapes.md",
        )
    first, second = (_places(len(clouds.ids), count, spec.seed) for clouds in (samples, references))
    kept = count if limit is None else min(max(limit, 2), count)
    left_out = tuple(samples.ids[place] for place in first[kept:])
    return Side(samples, first[:kept]), Side(references, second[:kept]), left_out


def _places(of: int, count: int, seed: int) -> Sequence[int]:
    return range(of) if of == count else [int(place) for place in drawn_places(of, count, seed)]


def _of_some(references: CloudSet, compared: Side) -> str:
    return digest_json([references.fingerprint, list(compared.places)], _FINGERPRINT_DIGITS)


def _drawn_notes(spec: ShapesSpec, samples: CloudSet, references: CloudSet, count: int) -> list[str]:
    sides = (("samples", len(samples.ids)), ("references", len(references.ids)))
    return [f"{count:,} of {there:,} {side}, drawn by seed {spec.seed}" for side, there in sides if there > count]
