"""The conditions of a generation task, and what its images are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vtbench.core.contracts import Condition, ImageDataset
from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.data.condition_sources.opening import open_conditions
from vtbench.data.conditions import (
    ConditionSet,
    balanced_classes,
    listed,
    listed_prompts,
    of_prompts,
    unconditional,
    uniform_classes,
)
from vtbench.data.fingerprint import notes_of
from vtbench.data.matched import MatchedImages
from vtbench.data.preparing.presets import make_preset
from vtbench.data.sources.subset import Subset
from vtbench.metrics.catalog.conditioned import CONDITION_REGISTRY
from vtbench.run.measuring.conditioned.at_size import compared_roles
from vtbench.run.planning.foreign_parts import evaluators_identity
from vtbench.run.planning.generation_reference import GenerationReference
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.jobs import JobData
from vtbench.run.planning.videos.asked import refuse_other_samples
from vtbench.tasks import ConditionSpec, TaskSpec


@dataclass(frozen=True, eq=False, kw_only=True)
class GenerationData(JobData):
    """What one generator is asked for on one task.

    Attributes:
        conditions: one an image.
        images: the images themselves, where they were sampled before.
        reference: what they are compared with; ``None`` where no metric compares.
        training: what the generator was trained on; ``None`` where no metric asks.
    """

    conditions: ConditionSet
    images: ImageDataset | None
    reference: GenerationReference | None
    training: GenerationReference | None = None


def open_generation_data(
    task: TaskSpec,
    source: GeneratorSource,
    asked: str | Sequence[Condition] | None,
    compared: GenerationReference | None,
    limit: int | None,
    training: GenerationReference | None = None,
) -> GenerationData:
    """What the task asks of this generator.

    Args:
        asked: instead of the task's own: ``--data``, a file of prompts; or conditions themselves.
        compared: what its images are compared with, if with anything.
        limit: only the first so many images.
        training: what the generator was trained on, if that is compared with.

    Raises:
        UsageError: a generator that cannot take the task's conditions, or conditions where the task has its own.
    """
    assert task.conditions is not None
    refuse_other_samples(source, task)
    conditions, images = _conditions(task, source, asked)
    _check_conditions(task, source, conditions)
    left_out = conditions.ids[limit:] if limit is not None else ()
    if limit is not None and left_out:
        conditions, images = conditions.subset(limit), None if images is None else Subset(images, limit)
    identity = [conditions.fingerprint, None if compared is None else compared.identity]
    if task.condition_metrics or task.strata or task.image_metrics:
        identity.append(conditions.metadata_digest())
    identity += [] if training is None else [{"training": training.identity}]
    beside = (("reference", compared), ("training images", training))
    return GenerationData(
        task=task,
        source=_told(conditions),
        ids=conditions.ids,
        preset=make_preset(task.preprocess.preset, task.preprocess.size, task.frames),
        fingerprint=digest_json(identity),
        foreign=evaluators_identity(task),
        left_out=left_out,
        notes=(*conditions.notes, *_notes(task, source, images, beside)),
        conditions=conditions,
        images=images,
        reference=compared,
        training=training,
    )


def _notes(
    task: TaskSpec,
    source: GeneratorSource,
    images: ImageDataset | None,
    beside: Iterable[tuple[str, GenerationReference | None]],
) -> Iterator[str]:
    yield from notes_of(images)
    yield from (f"{what}: {note}" for what, found in beside if found for note in found.notes)
    assert task.conditions is not None
    if told := _told_truths(task.conditions, source):
        yield f"{source.label} is shown images as {' and '.join(told)}, which other generators are not: it is a ceiling"


def _conditions(
    task: TaskSpec, source: GeneratorSource, asked: str | Sequence[Condition] | None
) -> tuple[ConditionSet, ImageDataset | None]:
    spec = task.conditions
    assert spec is not None
    if asked is not None and not isinstance(asked, str):
        return _of_caller(task.name, spec, source, asked), None
    if source.premade is not None:
        return _of_premade(task, *source.premade, asked)
    if spec.of == "classes":
        assert spec.classes is not None and spec.count is not None
        if spec.balance == "balanced":
            return balanced_classes(spec.classes, spec.count // spec.classes), None
        return uniform_classes(spec.classes, spec.count, spec.seed), None
    if spec.of == "none":
        assert spec.count is not None
        return unconditional(spec.count), None
    if spec.of in ("prompts", "images"):
        return _of_list(task, asked), None
    raise UsageError(
        f"{source.label} samples images, and the task takes those that are there",
        "use the generator videos,path=DIR, or a task with conditions of its own"
        if task.frames is not None
        else "use the generator folder,path=DIR or npz,path=FILE, or a task with conditions of its own",
    )


def _of_premade(
    task: TaskSpec, images: ImageDataset, found: ConditionSet, asked: str | None
) -> tuple[ConditionSet, ImageDataset]:
    """Of images that are there: what their own list says; else what the task's list says of those so named."""
    assert task.conditions is not None
    listed_already = found.description.get("sha256") is not None
    if listed_already or task.conditions.of not in ("prompts", "images") or _named_list(task, asked) is None:
        return found, images
    conditions = _of_list(task, asked)
    return conditions, MatchedImages(images, conditions)


def _named_list(task: TaskSpec, asked: str | None) -> str | None:
    """What the task's conditions are opened from; ``None`` where nobody says it."""
    assert task.conditions is not None
    return asked or task.conditions.prompts or task.data.source


def _of_list(task: TaskSpec, asked: str | None) -> ConditionSet:
    """Of the task's own list or source, or of the one given in its place."""
    spec, named = task.conditions, _named_list(task, asked)
    assert spec is not None
    if named is None:
        what = "a list that names images (JSON lines)" if spec.images else "a file of prompts"
        raise UsageError(f"this task names no {spec.of} of its own", f"give {what} with --data FILE")
    return open_conditions(named, of=spec.of, roles=spec.roles, per_line=spec.per_prompt, folder_as=task.data.folder_as)


def _of_caller(task: str, spec: ConditionSpec, source: GeneratorSource, asked: Sequence[Condition]) -> ConditionSet:
    """Conditions that the caller gave, where the task leaves them open."""
    if source.premade is not None:
        raise UsageError(f"{source.label} was sampled before: it takes no conditions", "leave conditions= out")
    field = {"class": "label", "prompt": "prompt"}.get(source.info.conditions)
    if field is not None and any(getattr(condition, field) is None for condition in asked):
        raise UsageError(f"{source.label} is conditioned on {source.info.conditions}: a condition has no {field}")
    lacking = [role for role in spec.roles if any(role not in condition.images for condition in asked)]
    if lacking:
        raise UsageError(f"the task {task} asks for images as {' and '.join(lacking)}: a condition has none")
    if spec.of == "prompts":
        return listed_prompts(asked, spec.per_prompt)
    if spec.of == "images":
        return of_prompts(asked, spec.per_prompt, {"file": "given by the caller"}, "images")
    if spec.of == "given":
        return listed(asked)
    raise UsageError(
        f"the task {task} has conditions of its own", "leave conditions= out, or use generation-folder or t2i-prompts"
    )


def _check_judged(task: TaskSpec, conditions: ConditionSet) -> None:
    """Refuse conditions that a metric can make nothing of, before anything is sampled."""
    for request in task.condition_metrics:
        check = getattr(CONDITION_REGISTRY.load(request.name), "check", None)
        if check is None:
            continue
        for sample in conditions.samples:
            try:
                check(sample.condition)
            except UsageError as error:
                raise UsageError(f"{request.name} cannot judge {sample.id}: {error.what}", error.hint) from error


def _check_conditions(task: TaskSpec, source: GeneratorSource, conditions: ConditionSet) -> None:
    assert task.conditions is not None
    _check_judged(task, conditions)
    if source.premade is not None:
        _check_compared(task, source, conditions)
        if task.prompt_metrics and any(sample.condition.prompt is None for sample in conditions.samples):
            raise UsageError(
                f"{task.prompt_metrics[0].name} needs the prompts that {source.label} was made from",
                "tell them in a list: folder,path=DIR,conditions=LIST.jsonl, a line an image: "
                '{"file": "0001.png", "prompt": …}',
            )
        return
    kinds = {"classes": "class", "prompts": "prompt", "none": "none", "images": _beside_images(conditions)}
    wanted = kinds.get(task.conditions.of, source.info.conditions)
    if source.info.conditions != wanted:
        raise UsageError(
            f"{source.label} is conditioned on {source.info.conditions}, the task {task.name} asks for {wanted}"
        )
    classes = task.conditions.classes
    if classes and source.info.classes and classes > source.info.classes:
        raise UsageError(f"{source.label} knows {source.info.classes} classes, the task {task.name} asks for {classes}")
    _check_images(task, source, conditions)


def _check_compared(task: TaskSpec, source: GeneratorSource, conditions: ConditionSet) -> None:
    """Refuse samples that nobody says what to compare with."""
    for role in sorted(compared_roles(task)):
        if any(role not in sample.condition.images for sample in conditions.samples):
            raise UsageError(
                f"{task.name} compares {source.label} with images as {role}, and nobody names any",
                "give the list that it was made from with --data, or as folder,path=DIR,conditions=LIST.jsonl",
            )


def _beside_images(conditions: ConditionSet) -> str:
    """What lines of images say beside: their class, or nothing."""
    return "none" if any(sample.condition.label is None for sample in conditions.samples) else "class"


def _check_images(task: TaskSpec, source: GeneratorSource, conditions: ConditionSet) -> None:
    """Refuse images that the generator lacks, and those that it would ignore."""
    assert task.conditions is not None
    hidden, known = hidden_roles(task.conditions, source), {*source.info.images, *source.info.optional_images}
    is_ceiling = bool(_told_truths(task.conditions, source))
    shown = [
        tuple(role for role in sample.condition.images if role not in hidden and (role in known or not is_ceiling))
        for sample in conditions.samples
    ]
    for roles in sorted(set(shown)):
        if problem := source.info.image_problem(roles):
            given = f"gives images as {' and '.join(roles)}" if roles else "gives no images"
            raise UsageError(
                f"{source.label} {problem}, and the task {task.name} {given}",
                "a task says what its conditions hold: conditions: {of: prompts, images: [source]}; see generation in "
                "docs/adding-a-task.md",
            )


def hidden_roles(spec: ConditionSpec, source: GeneratorSource) -> frozenset[str]:
    """Of images that this generator is not shown: those for metrics alone, unless it says that it takes them."""
    return frozenset(spec.judged) - {*source.info.images}


def _told_truths(spec: ConditionSpec, source: GeneratorSource) -> list[str]:
    """Images for metrics alone that it says it takes: a row to hold others against, and no rival of theirs."""
    return [] if source.premade is not None else [role for role in source.info.images if role in spec.judged]


def _told(conditions: ConditionSet) -> str:
    parts = [f"{name}={value}" for name, value in conditions.description.items() if name != "sha256"]
    return f"conditions,{','.join(parts)}"
