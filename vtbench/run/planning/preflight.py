"""Preflight: everything that can be known to fail is told at once, before any work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from vtbench import assets
from vtbench.core.disk.files import require_writable
from vtbench.core.errors import AssetMissingError, UsageError, VtbenchError
from vtbench.features import EXTRACTORS
from vtbench.metrics.catalog.conditioned import CONDITION_REGISTRY
from vtbench.metrics.catalog.lookup import BLOCK_REGISTRY, IMAGE_REGISTRY, PROMPT_REGISTRY, VIDEO_REGISTRY
from vtbench.run.measuring.evaluators import required_features, set_jobs
from vtbench.run.options import RunOptions
from vtbench.run.planning.given import GivenData
from vtbench.run.planning.models import Source
from vtbench.tasks import TaskSpec


def required_assets(tasks: Iterable[TaskSpec]) -> list[str]:
    """Names of the weights that the metrics of these tasks load."""
    needed: dict[str, None] = {}
    for task in tasks:
        targets: list[Any] = [IMAGE_REGISTRY.load(request.name) for request in task.image_metrics]
        targets += [VIDEO_REGISTRY.load(request.name) for request in task.video_metrics]
        targets += [EXTRACTORS.load(name) for name in required_features(task.set_metrics)]
        targets += [BLOCK_REGISTRY.load(request.name) for request in task.block_metrics]
        targets += [PROMPT_REGISTRY.load(request.name) for request in task.prompt_metrics]
        targets += [CONDITION_REGISTRY.load(request.name) for request in task.condition_metrics]
        for target in targets:
            needed |= dict.fromkeys(getattr(target, "required_assets", ()))
    return list(needed)


def check_labels(sources: Iterable[Source]) -> list[VtbenchError]:
    """Two models that tables would call the same."""
    named: dict[str, list[str]] = {}
    for source in sources:
        named.setdefault(source.label, []).append(source.reference)
    return [
        UsageError(f"{len(those)} models are called {label!r}: {' and '.join(those)}", "tell them apart by name=NAME")
        for label, those in named.items()
        if len(those) > 1
    ]


def check_unused(tasks: Sequence[TaskSpec], given: GivenData, options: RunOptions) -> list[VtbenchError]:
    """Options that no task of the session reads: whoever gives one believes that it decides something."""
    made = [task for task in tasks if task.of_samples]
    problems: list[VtbenchError] = []
    images_made = [task for task in made if task.kind == "generation"]
    if options.samples is not None and made and not images_made:
        problems.append(UsageError("--samples keeps generated images: no task here has any", "leave it out"))
    of_generators = (("--reference", given.reference), ("--samples", options.samples), ("conditions", given.conditions))
    for option, value in of_generators:
        if value is not None and tasks and not made:
            problems.append(UsageError(f"{option} is for generators that sample: no task here has any", "leave it out"))
    if given.training is not None and tasks and all(task.training is None for task in tasks):
        told = "leave it out; memorisation-folder compares with it"
        problems.append(UsageError("--training is read by no task here", told))
    if given.data is not None and made and not any(_reads_data(task) for task in tasks):
        told = "leave it out; what to compare with is given with --reference"
        problems.append(UsageError(f"--data is read by none of {', '.join(task.name for task in tasks)}", told))
    return problems


def _reads_data(task: TaskSpec) -> bool:
    """Images of a task for tokenizers, the list of prompts or of images of one for generators."""
    return not task.of_samples or (task.conditions is not None and task.conditions.of in ("prompts", "images"))


def check_tasks(tasks: Sequence[TaskSpec]) -> list[VtbenchError]:
    """Bad metric parameters, and weights that are neither here nor to be had (fetching those that can be)."""
    problems: list[VtbenchError] = []
    for task in tasks:
        try:
            set_jobs(task.set_metrics, allow_small_sets=False)
        except VtbenchError as error:
            problems.append(error)
    problems += _unavailable(tasks)
    for name in required_assets(tasks):
        try:
            assets.resolve(name)
        except VtbenchError as error:
            problems.append(error)
    return problems


def _unavailable(tasks: Iterable[TaskSpec]) -> list[VtbenchError]:
    """Extractors and condition metrics whose weights come from elsewhere than the manifest, and cannot be had."""
    problems: list[VtbenchError] = []
    for name in sorted({name for task in tasks for name in required_features(task.set_metrics)}):
        extractor = EXTRACTORS.load(name)
        try:
            if hasattr(extractor, "check_available"):
                extractor.check_available()
        except VtbenchError as error:
            problems.append(error)
    for request in (request for task in tasks for request in task.condition_metrics):
        available = getattr(CONDITION_REGISTRY.load(request.name), "check_available", None)
        try:
            if available is not None:
                available(request.params)
        except VtbenchError as error:
            problems.append(error)
    return problems


def check_folder(folder: Path, option: str) -> list[VtbenchError]:
    """Whether a folder can be made and written."""
    try:
        require_writable(folder, f"give a folder that can be made and written: {option} DIR")
    except VtbenchError as error:
        return [error]
    return []


def raise_all(problems: Sequence[VtbenchError]) -> None:
    """Raise every problem as one error, so that a user mends them in one go.

    Raises:
        UsageError: one of the problems is a wrong name or argument.
        AssetMissingError: all others are missing weights.
        VtbenchError: anything else.
    """
    if not problems:
        return
    if len(problems) == 1:
        raise problems[0]
    kinds: tuple[type[VtbenchError], ...] = (UsageError, AssetMissingError, VtbenchError)
    kind = next(kind for kind in kinds if any(isinstance(problem, kind) for problem in problems))
    lines = "\n".join(f"- {problem}" for problem in problems)
    raise kind(f"{len(problems)} problems, found before any work:\n{lines}")
