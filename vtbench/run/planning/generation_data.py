"""The conditions of a generation task, and what its images are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vtbench.core.contracts import Condition, ImageDataset
from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.data.conditions import (
    ConditionSet,
    balanced_classes,
    listed,
    listed_prompts,
    prompts,
    unconditional,
    uniform_classes,
)
from vtbench.data.fingerprint import notes_of
from vtbench.data.preparing.presets import make_preset
from vtbench.data.sources.subset import Subset
from vtbench.run.planning.foreign_parts import evaluators_identity
from vtbench.run.planning.generation_reference import GenerationReference
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.jobs import JobData
from vtbench.tasks import ConditionSpec, TaskSpec


@dataclass(frozen=True, eq=False, kw_only=True)
class GenerationData(JobData):
    """What one generator is asked for on one task.

    Attributes:
        conditions: one an image.
        images: the images themselves, where they were sampled before.
        reference: what they are compared with; ``None`` where no metric compares.
    """

    conditions: ConditionSet
    images: ImageDataset | None
    reference: GenerationReference | None


def open_generation_data(
    task: TaskSpec,
    source: GeneratorSource,
    asked: str | Sequence[Condition] | None,
    compared: GenerationReference | None,
    limit: int | None,
) -> GenerationData:
    """What the task asks of this generator.

    Args:
        asked: instead of the task's own: ``--data``, a file of prompts; or conditions themselves.
        compared: what its images are compared with, if with anything.
        limit: only the first so many images.

    Raises:
        UsageError: a generator that cannot take the task's conditions, or conditions where the task has its own.
    """
    assert task.conditions is not None
    conditions, images = _conditions(task, source, asked)
    _check_conditions(task, source)
    left_out = conditions.ids[limit:] if limit is not None else ()
    if limit is not None and left_out:
        conditions, images = conditions.subset(limit), None if images is None else Subset(images, limit)
    identity = [conditions.fingerprint, None if compared is None else compared.identity]
    return GenerationData(
        task=task,
        source=_told(conditions),
        ids=conditions.ids,
        preset=make_preset(task.preprocess.preset, task.preprocess.size),
        fingerprint=digest_json(identity),
        foreign=evaluators_identity(task),
        left_out=left_out,
        notes=(*notes_of(images), *(() if compared is None else (f"reference: {note}" for note in compared.notes))),
        conditions=conditions,
        images=images,
        reference=compared,
    )


def _conditions(
    task: TaskSpec, source: GeneratorSource, asked: str | Sequence[Condition] | None
) -> tuple[ConditionSet, ImageDataset | None]:
    spec = task.conditions
    assert spec is not None
    if asked is not None and not isinstance(asked, str):
        return _of_caller(task.name, spec, source, asked), None
    if source.premade is not None:
        images, found = source.premade
        return found, images
    if spec.of == "classes":
        assert spec.classes is not None and spec.count is not None
        if spec.balance == "balanced":
            return balanced_classes(spec.classes, spec.count // spec.classes), None
        return uniform_classes(spec.classes, spec.count, spec.seed), None
    if spec.of == "none":
        assert spec.count is not None
        return unconditional(spec.count), None
    if spec.of == "prompts":
        path = spec.prompts if asked is None else asked
        if path is None:
            raise UsageError("this task names no prompts of its own", "give a file of prompts with --data FILE")
        return prompts(Path(path), spec.per_prompt), None
    raise UsageError(
        f"{source.label} samples images, and the task takes those that are there",
        "use the generator folder,path=DIR or npz,path=FILE, or a task with conditions of its own",
    )


def _of_caller(task: str, spec: ConditionSpec, source: GeneratorSource, asked: Sequence[Condition]) -> ConditionSet:
    """Conditions that the caller gave, where the task leaves them open."""
    if source.premade is not None:
        raise UsageError(f"{source.label} was sampled before: it takes no conditions", "leave conditions= out")
    field = {"class": "label", "prompt": "prompt"}.get(source.info.conditions)
    if field is not None and any(getattr(condition, field) is None for condition in asked):
        raise UsageError(f"{source.label} is conditioned on {source.info.conditions}: a condition has no {field}")
    if spec.of == "prompts":
        return listed_prompts(asked, spec.per_prompt)
    if spec.of == "given":
        return listed(asked)
    raise UsageError(
        f"the task {task} has conditions of its own", "leave conditions= out, or use generation-folder or t2i-prompts"
    )


def _check_conditions(task: TaskSpec, source: GeneratorSource) -> None:
    assert task.conditions is not None
    wanted = {"classes": "class", "prompts": "prompt", "none": "none"}.get(task.conditions.of, source.info.conditions)
    if source.premade is None and source.info.conditions != wanted:
        raise UsageError(
            f"{source.label} is conditioned on {source.info.conditions}, the task {task.name} asks for {wanted}"
        )
    classes = task.conditions.classes
    if classes and source.info.classes and classes > source.info.classes:
        raise UsageError(f"{source.label} knows {source.info.classes} classes, the task {task.name} asks for {classes}")


def _told(conditions: ConditionSet) -> str:
    parts = [f"{name}={value}" for name, value in conditions.description.items() if name != "sha256"]
    return f"conditions,{','.join(parts)}"
