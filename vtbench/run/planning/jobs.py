"""Plan: which model on which task, on which samples, in which folder."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from vtbench.core.contracts import ImageDataset, Prepared, SampleFailure
from vtbench.core.digests import digest_json
from vtbench.core.disk.files import path_segment, user_path
from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import Reference
from vtbench.data.fingerprint import notes_of
from vtbench.data.ids import check_ids
from vtbench.data.loader import iterate_blocks
from vtbench.data.open import open_data
from vtbench.data.preparing.presets import Preset, make_preset
from vtbench.data.sources.subset import Subset
from vtbench.run.measuring.instances import instance_scorer
from vtbench.run.measuring.reading import text_scorer
from vtbench.run.options import RunOptions
from vtbench.run.planning.foreign_parts import dataset_code, evaluators_code, foreign_parts
from vtbench.run.planning.models import Source
from vtbench.run.planning.videos.asked import check_clips, clips_of
from vtbench.run.storing.blocks import Block, BlockStore, split_blocks
from vtbench.run.worker import Worker
from vtbench.tasks import TaskSpec

# Raised when the layout of block files changes, so that blocks of another layout are never resumed.
BLOCK_FORMAT = 2
_KEY_DIGITS = 16
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, eq=False, kw_only=True)
class JobData:
    """The samples of one task: what every kind of task has.

    Attributes:
        source: where they come from, as the record names it.
        ids: of the samples, in order.
        preset: brings an image to the size at which it is scored.
        fingerprint: numbers compare only where it is equal.
        left_out: ids of the samples that a limit left out, in order.
        reader_id: what reads texts or judges instances; ``None`` where nothing does.
        notes: what a reader of the numbers must know about the data, such as files that were left out.
        foreign: identity of metrics, extractors and data sets that are not vtbench's own.
        in_shards: whether neighbouring samples lie in one file, of several that are dear to open.
    """

    task: TaskSpec
    source: str
    ids: Sequence[str]
    preset: Preset
    fingerprint: str
    left_out: Sequence[str] = ()
    reader_id: str | None = None
    notes: tuple[str, ...] = ()
    foreign: Mapping[str, Any] = field(default_factory=dict)
    in_shards: bool = False

    @property
    def blocks(self) -> list[Block]:
        """The task's blocks over these samples."""
        return split_blocks(len(self.ids), self.task.block_size)

    def share(self, worker: Worker) -> list[Block]:
        """The blocks that are a worker's: one in ``world``, or, of data in shards, a run, so that it opens few."""
        return worker.run_of(self.blocks) if self.in_shards else worker.share(self.blocks)

    @property
    def limited_from(self) -> int | None:
        """Samples of the whole set where a limit cut it; ``None`` where it did not."""
        return len(self.ids) + len(self.left_out) if self.left_out else None


@dataclass(frozen=True, eq=False, kw_only=True)
class TaskData(JobData):
    """The images of a task, opened once and shared by every model."""

    dataset: ImageDataset

    def arriving(
        self,
        spans: Sequence[tuple[int, int, int]],
        decoders: int,
        ready: Callable[[Prepared], Prepared] | None = None,
    ) -> Iterator[tuple[int, list[Prepared | SampleFailure]]]:
        """The prepared samples of blocks ``(index, start, stop)``, in order; see :func:`iterate_blocks`."""
        return iterate_blocks(self.dataset, self.preset, spans, decoders, ready)

    def pixels_of_first(self) -> int:
        """Pixels of the first image as it is stored; of a clip, of one frame."""
        return math.prod(self.dataset[0].image.shape[-2:])


def open_task_data(task: TaskSpec, data: str | ImageDataset | None, limit: int | None) -> TaskData:
    """Open the data of a task: ``--data`` where given (by name, or a data set itself), else what the task names.

    Raises:
        UsageError: neither names any data, or an id is empty or repeated.
    """
    source, dataset = _opened(task, data) if data is None or isinstance(data, str) else (str(data), data)
    code = dataset_code(dataset)
    left_out = dataset.ids[limit:] if limit is not None else ()
    if limit is not None and left_out:
        dataset = Subset(dataset, limit)
    check_ids(dataset)
    if len(dataset) == 0:
        raise UsageError(f"{source} holds no samples", "check --data and --limit")
    check_clips(source, dataset, task.frames, f"task {task.name}")
    preset = make_preset(task.preprocess.preset, task.preprocess.size, task.frames)
    return TaskData(
        task=task,
        source=source,
        ids=dataset.ids,
        preset=preset,
        fingerprint=dataset.fingerprint,
        left_out=left_out,
        reader_id=_reader_id(task),
        foreign=foreign_parts(task, code),
        notes=notes_of(dataset),
        in_shards=bool(getattr(dataset, "in_shards", False)),
        dataset=dataset,
    )


def _opened(task: TaskSpec, data: str | None) -> tuple[str, ImageDataset]:
    """The data set that a name stands for, and the name that the record has."""
    source = task.data.source if data is None else data
    if source is None:
        raise UsageError(f"task {task.name} names no data of its own", f"give it with: --task {task.name} --data DIR")
    if data is not None and task.frames is not None:
        source = clips_of(data, task.frames, task.data.folder_as)
    elif data is not None and task.data.folder_as is not None and user_path(data).is_dir():
        source = str(Reference(task.data.folder_as, {"path": data}))
    return source, open_data(source)


def _reader_id(task: TaskSpec) -> str | None:
    """What reads texts or judges instances: engine, model files and settings; none where nothing does."""
    text, instances = text_scorer(task.reader), instance_scorer(task.instances)
    if text is not None:
        return text.reader_id
    return instances.judge_id if instances is not None else None


@dataclass(frozen=True, eq=False)
class JobPlan:
    """One model on one task, with the folder that is its own."""

    source: Source
    data: JobData
    options: RunOptions
    device_type: str

    @property
    def task(self) -> TaskSpec:
        """The task."""
        return self.data.task

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that decides what the blocks hold; the job key is its digest."""
        return {
            "format": BLOCK_FORMAT,
            "protocol": self.task.protocol_id,
            "block_size": self.task.block_size,
            "data": self.data.fingerprint,
            "samples": len(self.data.ids),
            "model": self.source.identity,
            "dtype": self.options.dtype,
            "device": self.device_type,
            "seed": self.options.seed,
            **({"reader": self.data.reader_id} if self.data.reader_id else {}),
            **({"foreign": dict(self.data.foreign)} if self.data.foreign else {}),
            # A folder may hold just the samples of a limited run: the record of that one is no record of this.
            **({} if self.data.limited_from is None else {"limited": True}),
        }

    @cached_property
    def code_files(self) -> frozenset[str]:
        """Sources of somebody else's model, metrics and extractors."""
        return self.source.code_files | evaluators_code(self.task)

    @cached_property
    def key(self) -> str:
        """Name of the job's folder: the same job is found again, any other never meets it."""
        return digest_json(_jsonable(self.identity), length=_KEY_DIGITS)

    @cached_property
    def folder(self) -> Path:
        """``OUT/<task>/<model>/<job key>``."""
        return self.out.joinpath(path_segment(self.task.name), path_segment(self.source.label), self.key)

    @cached_property
    def out(self) -> Path:
        """The folder of all runs. It may be a link itself; nothing below it may that is written to."""
        return self.options.out.resolve()

    @property
    def record_path(self) -> Path:
        """Its presence means that the job is complete."""
        return self.folder / "record.json"

    @cached_property
    def store(self) -> BlockStore:
        """The job's block files."""
        return BlockStore(self.folder / "blocks", self.key, self.data.ids, row_columns(self.task))

    @property
    def batch_size(self) -> int:
        """Images given to the model at once."""
        return min(self.options.batch_size or self.task.block_size, self.task.block_size)


def row_columns(task: TaskSpec) -> list[str]:
    """Metric columns of a task's row files."""
    from vtbench.metrics.catalog.conditioned import condition_columns
    from vtbench.metrics.catalog.costs import COST_COLUMNS
    from vtbench.metrics.catalog.lookup import metric_info
    from vtbench.metrics.catalog.rates import BITS_COLUMN, tokens_column
    from vtbench.metrics.texts.instances import instance_columns
    from vtbench.run.measuring.evaluators import block_metrics
    from vtbench.run.measuring.maps.asked import map_columns
    from vtbench.run.measuring.prompts import prompt_columns
    from vtbench.run.measuring.reading_originals.chosen import text_columns
    from vtbench.run.measuring.robustness.answers import robustness_columns
    from vtbench.run.measuring.shapes.asked import nearest_columns

    pairs = (*task.image_metrics, *task.video_metrics)
    columns = [metric_info(request.name).row_column for request in pairs]
    of_blocks = [column for metric in block_metrics(task.block_metrics) for column in metric.columns]
    instances = instance_columns(task.instances.of) if task.instances is not None else ()
    of_prompts = prompt_columns(metric_info(request.name) for request in task.prompt_metrics)
    others = [*of_prompts, *(metric_info(request.name).row_column for request in task.likelihood_metrics)]
    for one in task.condition_metrics:
        others.extend(condition_columns(one.name, metric_info(one.name), one.params))
    others += robustness_columns(task.robustness_metrics)
    others += COST_COLUMNS if task.timing is not None else ()
    others += nearest_columns(task.shape_metrics) + map_columns(task.map_metrics)
    rates = (BITS_COLUMN, tokens_column(task.frames))
    return [*dict.fromkeys(columns), *rates, *text_columns(task), *instances, *of_blocks, *others]


def _jsonable(value: Any) -> Any:
    """Tuples as lists and anything exotic as text, so that the digest is defined for every argument.

    A text that tells an address tells no identity: such a job is never found again.
    """
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    if isinstance(value, (str, int, bool, type(None))):
        return value
    return uuid.uuid4().hex if _ADDRESS.search(repr(value)) else repr(value)
