"""What is given in place of the tasks' own data, how data are opened with it, and for which device or generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from vtbench.core.contracts import Condition, ImageDataset
from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.data.sources.subset import Subset
from vtbench.generators.likelihoods import CODES, PIXELS, WITHOUT_CLASS, require_likelihood
from vtbench.run import provenance
from vtbench.run.measuring.robustness.answers import asks_in_float32
from vtbench.run.options import RunOptions
from vtbench.run.planning.generation_data import open_generation_data
from vtbench.run.planning.generation_reference import GenerationReference, find_reference, find_training
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.jobs import JobData, TaskData, open_task_data
from vtbench.run.planning.models import FolderSource, Source, TokenizerSource
from vtbench.run.planning.premade.maps import open_maps_data
from vtbench.run.planning.premade.shapes import open_shapes_data
from vtbench.run.probing.labelled import LabelledSplit
from vtbench.run.storing.rows import strata_of
from vtbench.tasks import TaskSpec
from vtbench.tasks.sections import ProbingSpec


@dataclass(frozen=True, eq=False)
class GivenData:
    """What a session is to measure on.

    Attributes:
        data: ``--data``: images for tasks of tokenizers, a file of prompts for those of generators; by name, or a data
            set itself. ``None`` for the tasks' own.
        reference: ``--reference``: what generated images are compared with.
        conditions: what they are made from, of a task that leaves it open.
        limit: only the first so many samples.
        training: ``--training``: what generators were trained on.
    """

    data: str | ImageDataset | None = None
    reference: str | ImageDataset | None = None
    conditions: Sequence[Condition] | None = None
    limit: int | None = None
    training: str | ImageDataset | None = None

    def images(self, task: TaskSpec) -> TaskData:
        """The data of a task for tokenizers.

        Raises:
            UsageError: nobody names any, an id is empty or repeated, or a task of probing finds too few labels.
        """
        data = open_task_data(task, self.data, self.limit)
        if task.probing is not None:
            _check_split(data, task.probing)
        return data

    def asked(self, task: TaskSpec, source: GeneratorSource) -> JobData:
        """What a task asks of a generator.

        Raises:
            UsageError: a generator that cannot take the task's conditions, or nothing to compare with.
        """
        if task.shapes is not None:
            return open_shapes_data(task, source, self.reference, self.limit)
        if task.maps is not None:
            return open_maps_data(task, source, self.reference, self.limit)
        for what, there in (("point clouds", source.clouds), ("maps", source.maps)):
            if there is not None:
                raise UsageError(
                    f"{source.label} is {what}, the task {task.name} takes images", "see vtbench list tasks"
                )
        asked = self.data if self.conditions is None and isinstance(self.data, str) else self.conditions
        compared, trained_on = self.compared(task), self.trained_on(task)
        if compared is not None and trained_on is not None and compared.identity == trained_on.identity:
            raise UsageError(
                f"{task.name}: held-out and training images are the same",
                "--reference names images of the same kind that the generator was not trained on",
            )
        return open_generation_data(task, source, asked, compared, self.limit, trained_on)

    def compared(self, task: TaskSpec) -> GenerationReference | None:
        """What images generated for a task are compared with."""
        return find_reference(task, self.reference)

    def trained_on(self, task: TaskSpec) -> GenerationReference | None:
        """The images that generators of a task were trained on, where it compares with them."""
        return find_training(task, self.training)


def answering(data: TaskData, source: Source) -> TaskData:
    """The images of a task of tokenizers, if this source can answer all that the task asks.

    Raises:
        UsageError: a task of robustness, of probing or of cost, and images whose model is not here; or a task that
            compares a model with the same one in float32, and a model that cannot be made once more.
    """
    does = _asks_of_model(data.task)
    if does and isinstance(source, FolderSource):
        raise UsageError(
            f"{data.task.name} {does}, and {source.label} is images made elsewhere",
            "give the model itself: --tokenizer NAME",
        )
    if asks_in_float32(data.task.robustness_metrics) and not isinstance(source, TokenizerSource):
        raise UsageError(
            f"{data.task.name} makes a tokenizer once more in float32, and {source.label} is given as an object",
            "name the tokenizer, as --tokenizer NAME does",
        )
    return data


def _asks_of_model(task: TaskSpec) -> str:
    """What a task asks of a model beside images; empty where images are enough."""
    if task.timing:
        return "times the calls of a model"
    if task.probing:
        return "looks at what a model encodes"
    return "encodes again what a model made" if task.robustness_metrics else ""


def on_device(data: TaskData, device: torch.device, options: RunOptions) -> TaskData:
    """Data whose fingerprint names the device, where the task times calls; any other as it is.

    So a resumed run goes on where it began or begins anew, a worker on another machine plans another job, and whatever
    compares rows of one fingerprint keeps devices apart.

    Raises:
        UsageError: others measure: what they run on is not known here.
    """
    if data.task.timing is None:
        return data
    if options.measured_on is not None:
        raise UsageError(
            f"{data.task.name} is of one device, and workers elsewhere may run on several",
            "run it on the machine itself, without --launcher",
        )
    hardware = provenance.environment(device).hardware
    return replace(data, fingerprint=digest_json([data.fingerprint, hardware], len(data.fingerprint)))


def fitting(data: TaskData, source: GeneratorSource) -> TaskData:
    """The images of a task of tokens, if this generator can be asked how likely they are.

    Raises:
        UsageError: it does not tell what the task asks for, is conditioned on something else than the task gives, or
            the images have no labels of its own.
    """
    task, info = data.task, source.info
    assert task.likelihood is not None
    require_likelihood(source.label, source.likelihoods, PIXELS if task.of_pixels else CODES)
    without_class = task.likelihood.given == "nothing" and WITHOUT_CLASS in source.likelihoods
    if info.conditions != task.likelihood.conditions and not without_class:
        raise UsageError(
            f"{source.label} is conditioned on {info.conditions}, the task {task.name} gives {task.likelihood.given}",
            "code-nll-unconditional-folder gives nothing; a task of your own says what: docs/adding-a-task.md",
        )
    if info.images:
        raise UsageError(f"{source.label} is conditioned on images too, which the task {task.name} does not give")
    if task.likelihood.given == "label":
        _check_labels(data, source)
    return data


def _check_labels(data: TaskData, source: GeneratorSource) -> None:
    dataset = data.dataset.dataset if isinstance(data.dataset, Subset) else data.dataset
    if hasattr(dataset, "target") and not any(_has_label(dataset.target(place)) for place in range(len(data.ids))):
        raise UsageError(
            f"{data.source}: no image has a class label, which {source.label} is conditioned on",
            "a folder a class, or a data set with labels: --data DIR",
        )
    classes, known = getattr(dataset, "positional_classes", None), source.info.classes
    if classes and known and classes != known:
        raise UsageError(
            f"{data.source}: its {classes} folders are numbered in the order of their names, and {source.label} knows "
            f"{known} classes: the numbers are not its labels",
            "name each folder by the number of its class, or give the folders of all classes",
        )


def _check_split(data: TaskData, spec: ProbingSpec) -> None:
    """Hold images out as it will be done when they are scored, if the data say their targets beforehand.

    Raises:
        UsageError: see :meth:`LabelledSplit.of`.
    """
    dataset = data.dataset.dataset if isinstance(data.dataset, Subset) else data.dataset
    if not hasattr(dataset, "target"):
        return
    targets = (dataset.target(place) for place in range(len(data.ids)))
    group = spec.group or ""
    told = [strata_of(target if isinstance(target, Mapping) else {}, (spec.label, group)) for target in targets]
    try:
        LabelledSplit.of(data.ids, [one[spec.label] for one in told], [one[group] for one in told], spec)
    except UsageError as error:
        raise UsageError(f"{data.source}: {error.what}", error.hint) from error


def _has_label(target: object) -> bool:
    return isinstance(target, Mapping) and target.get("label") is not None
