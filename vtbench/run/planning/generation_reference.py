"""What the images of a generation task are compared with: a file of statistics, or a data set whose features are taken.

Whatever it is, a file of reference statistics comes to lie in the folder of all references, so that a copied run
folder can be scored again anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock

from vtbench.core.contracts import ImageDataset
from vtbench.core.digests import digest_json
from vtbench.core.disk.files import cache_dir
from vtbench.core.disk.links import refuse_linked_way, refuse_links
from vtbench.core.disk.partial import sweep
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.data.fingerprint import notes_of
from vtbench.data.open import open_data
from vtbench.data.preparing.presets import make_preset
from vtbench.features import FEATURES_VERSION
from vtbench.metrics.sets.reference_statistics import ReferenceStatistics
from vtbench.results.records.schema import ReferenceSection
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.options import RunOptions
from vtbench.run.planning.foreign_parts import dataset_code, extractor_identity
from vtbench.run.planning.reference_files import check_answers, named_statistics, statistics_named
from vtbench.run.planning.videos.asked import check_clips, check_frames, clips_of
from vtbench.run.statistics.building import StatisticsRequest, build_statistics
from vtbench.run.storing.references import FOLDER, keep, link, open_placed, statistics_name
from vtbench.tasks import PreprocessSpec, TaskSpec


@dataclass(frozen=True, eq=False)
class GenerationReference:
    """A reference that was found, but whose features may still have to be taken.

    Attributes:
        source: as it was named.
        statistics: the file, if it is one.
        dataset: the images, if it is not.
        preprocess: how images are prepared: as the task's samples are.
        notes: what a reader of the numbers must know about it, as far as is known before features are taken.
        frames: of clips; ``None`` of images.
    """

    source: str
    preprocess: PreprocessSpec
    statistics: ReferenceStatistics | None = None
    dataset: ImageDataset | None = None
    notes: tuple[str, ...] = ()
    frames: int | None = None

    @property
    def identity(self) -> Any:
        """What tells this reference from every other."""
        if self.statistics is not None:
            return {"statistics": self.statistics.digest}
        assert self.dataset is not None
        code = dataset_code(self.dataset)
        read = {} if code is None else {"read by": code}
        return {"data": self.dataset.fingerprint, "preprocess": self.preprocess.model_dump(), **read}

    @property
    def section(self) -> ReferenceSection:
        """What a record says of it before any features are taken."""
        if self.statistics is not None:
            return reference_section(self.statistics)
        assert self.dataset is not None
        count, preset = len(self.dataset), self.preprocess.preset
        told = f"{count} images of {self.source}, {preset}"
        return ReferenceSection(description=told, n=count, digest=self.dataset.fingerprint)

    def ready(self, evaluators: Evaluators, options: RunOptions, device: torch.device) -> str:
        """Have the file of statistics in the folder of all references; its name there.

        Raises:
            NotComparableError: statistics of another network or image size.
        """
        if self.statistics is not None:
            return self._linked(self.statistics, evaluators, options.out)
        return self._built(evaluators, options, device)

    def _linked(self, statistics: ReferenceStatistics, evaluators: Evaluators, out: Path) -> str:
        side = self.preprocess.size
        for name, extractor in evaluators.extractors.items():
            statistics.check_fits(name, extractor.id, None if side is None else (side, side))
        name = statistics_name(statistics.digest[:24])
        refuse_linked_way(out / FOLDER, out)
        if not _is_whole(out / FOLDER / name):
            link(statistics.path, out / FOLDER / name)
        return name

    def _built(self, evaluators: Evaluators, options: RunOptions, device: torch.device) -> str:
        assert self.dataset is not None
        extractors = {name: extractor_identity(name, extractor) for name, extractor in evaluators.extractors.items()}
        wanted = {name: sorted(features) for name, features in evaluators.features.items()}
        key = digest_json([FEATURES_VERSION, self.identity, extractors, wanted, device.type], length=24)
        name = statistics_name(key)
        here, cached = options.out / FOLDER / name, cache_dir() / "references" / name
        sweep(cached.parent)
        refuse_links(here.parent, options.out)
        here.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(here.with_suffix(".lock")):  # the operating system's: a killed worker cannot leave it behind
            if not _is_whole(here) and _is_whole(cached):
                link(cached, here)
            if not _is_whole(here):
                preset = make_preset(self.preprocess.preset, self.preprocess.size, self.frames)
                request = StatisticsRequest(
                    self.source, self.dataset, preset, evaluators.features, decoders=options.decoders
                )
                build_statistics(request, evaluators.extractors, device, here, key)
                if options.lasting:
                    keep(here, cached)
        return name


def _is_whole(path: Path) -> bool:
    """A damaged file, or another's, counts as absent: it is made again."""
    try:
        open_placed(path)
    except (VtbenchError, OSError):
        return False
    return True


def find_reference(task: TaskSpec, given: str | ImageDataset | None) -> GenerationReference | None:
    """The reference of a task: ``--reference`` where given (by name, or a data set itself), else what the task names.

    Raises:
        UsageError: the task compares, and nothing is named.
        AssetMissingError: statistics with a name that are not on this machine.
    """
    if task.reference is None:
        return None
    if given is not None and not isinstance(given, str):
        return _of_data(task, str(given), given)
    found: ReferenceStatistics | None = None
    notes: tuple[str, ...] = ()
    source = given or task.reference.data
    if given is not None:
        found, notes = statistics_named(given) or (None, ())
    elif task.reference.statistics is not None:
        source = task.reference.statistics
        found = named_statistics(source)
    if source is None:
        raise UsageError(
            f"task {task.name} names no reference", "give it with --reference FILE.safetensors or --reference DIR"
        )
    if found is None:
        source = source if task.frames is None else clips_of(source, task.frames)
        return _of_data(task, source, open_data(source))
    check_answers(found, source, task.set_metrics)
    found.check_sound()
    check_frames(found, task)
    return GenerationReference(source, task.preprocess, statistics=found, notes=notes, frames=task.frames)


def _of_data(task: TaskSpec, source: str, dataset: ImageDataset) -> GenerationReference:
    check_clips(source, dataset, task.frames, f"task {task.name}")
    return GenerationReference(source, task.preprocess, dataset=dataset, notes=notes_of(dataset), frames=task.frames)


def find_training(task: TaskSpec, given: str | ImageDataset | None) -> GenerationReference | None:
    """The images that generators of a task were trained on: ``--training``, else what the task names.

    Statistics that hold the features of every image do for metrics of sets.

    Raises:
        UsageError: the task compares with them, and nothing is named; or statistics without features.
    """
    if task.training is None:
        return None
    source = task.training.data if given is None else given
    if source is None:
        raise UsageError(f"task {task.name} names no training images", "give them with --training DATA")
    if not isinstance(source, str):
        return GenerationReference(str(source), task.preprocess, dataset=source, notes=notes_of(source))
    found, notes = statistics_named(source) or (None, ())
    if found is None:
        dataset = open_data(source)
        return GenerationReference(source, task.preprocess, dataset=dataset, notes=notes_of(dataset))
    check_answers(found, source, [request for request in task.set_metrics if request in task.of_training])
    found.check_sound()
    return GenerationReference(source, task.preprocess, statistics=found, notes=notes)


def reference_section(statistics: ReferenceStatistics) -> ReferenceSection:
    """What a record says about a reference."""
    return ReferenceSection(description=statistics.note.description, n=statistics.n, digest=statistics.digest)
