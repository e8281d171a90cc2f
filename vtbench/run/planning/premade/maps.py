"""Which maps of a folder belong to which of the references."""

from __future__ import annotations

from dataclasses import dataclass

from vtbench.core.contracts import ImageDataset
from vtbench.core.errors import UsageError
from vtbench.data.maps.folder import MapFolder
from vtbench.data.preparing.presets import make_preset
from vtbench.data.sources.listing import named
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.jobs import JobData
from vtbench.tasks import TaskSpec


@dataclass(frozen=True, eq=False, kw_only=True)
class MapsData(JobData):
    """Maps against the truth; ``ids`` are the stems of the references.

    Attributes:
        predictions: what a model made.
        references: the truth.
        samples: predictions a stem, of the stem that has most.
    """

    predictions: MapFolder
    references: MapFolder
    samples: int


def open_maps_data(
    task: TaskSpec, source: GeneratorSource, given: str | ImageDataset | None, limit: int | None
) -> MapsData:
    """The maps of a model, and the truth.

    Args:
        given: ``--reference``, instead of the task's own.
        limit: only the first so many references.

    Raises:
        UsageError: a source of something else, no reference, or no prediction of any stem.
    """
    assert task.maps is not None and task.reference is not None
    if source.maps is None:
        raise UsageError(f"{source.label} is no folder of maps, the task {task.name} takes maps", "use maps,path=DIR")
    folder = given if given is not None else task.reference.data
    if not isinstance(folder, str):
        raise UsageError(f"task {task.name} names no reference", "give the folder of true maps with --reference DIR")
    references, predictions = MapFolder(folder), source.maps
    counts = {stem: len(predictions.files(stem)) for stem in references.ids}
    if not any(counts.values()):
        raise UsageError(
            f"no map in {predictions.root} has the stem of a reference",
            f"references are {named(references.ids, 2)}, predictions {named(predictions.ids, 2)}: give equal stems",
        )
    kept = len(references.ids) if limit is None else limit
    return MapsData(
        task=task,
        source=folder,
        ids=references.ids[:kept],
        preset=make_preset(task.preprocess.preset, task.preprocess.size),
        fingerprint=references.fingerprint_of(min(kept, len(references.ids))),
        left_out=references.ids[kept:],
        notes=_strays(predictions, references),
        predictions=predictions,
        references=references,
        samples=max(counts.values()),
    )


def _strays(predictions: MapFolder, references: MapFolder) -> tuple[str, ...]:
    """Predictions that belong to no reference, told."""
    used = {name for stem in references.ids for name in predictions.files(stem)}
    strays = [stem for stem in predictions.ids if predictions.files(stem)[0] not in used]
    return (f"{len(strays)} maps belong to no reference: {named(strays)}",) if strays else ()
