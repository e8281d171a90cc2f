"""What fits together in a task: each metric under its kind, and what one kind of task has and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtbench.metrics.catalog.conditioned import CONDITION_REGISTRY, condition_entry
from vtbench.metrics.catalog.lookup import INSTANCE_METRICS, PIXEL_LIKELIHOOD, metric_info
from vtbench.metrics.catalog.maps import MAP_METRICS
from vtbench.metrics.catalog.probing import probe_of
from vtbench.metrics.catalog.rates import truth_of
from vtbench.metrics.catalog.robustness import perturbed_base, robustness_rule
from vtbench.tasks.clips import check_clips
from vtbench.tasks.kinds import METRIC_KINDS, TRUTH, WITHOUT_IMAGES
from vtbench.tasks.trained import check_training

if TYPE_CHECKING:
    from vtbench.tasks.schema import TaskSpec
    from vtbench.tasks.sections import ConditionSpec


def check_task(task: TaskSpec) -> None:
    """Metrics are known and listed under their kind, and the fields of a kind of task are there, and no other's.

    Raises:
        ValueError: says which metric or field is out of place.
    """
    _metrics(task)
    _instances(task)
    _generation(task)
    check_training(task.kind, task.training is not None, task.of_training)
    _sections_of_kinds(task)
    _likelihood(task)
    _robustness(task)
    _without_images(task)
    check_clips(task)
    _probing(task)
    _texts(task)
    names = [metric_info(request.name).name for request in task.metrics]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"metrics listed twice: {', '.join(repeated)}")


def _metrics(task: TaskSpec) -> None:
    for expected in METRIC_KINDS:
        for request in task.listed(expected):
            kind = metric_info(request.name).kind
            measured_too = expected == "condition" and request.name in CONDITION_REGISTRY  # as geneval, also judged
            if kind != expected and not measured_too:
                raise ValueError(f"{request.name} is a metric of kind {kind}, listed under {expected}_metrics")
    if bool(task.text_metrics) != (task.reader is not None):
        raise ValueError("text_metrics need a reader, and a reader needs text_metrics")


def _probing(task: TaskSpec) -> None:
    if task.fits_a_probe and task.preprocess.size is None and not task.data.source:
        raise ValueError("a probe is fitted on images of one size: preprocess.size states it")
    for request in task.probing_metrics:
        probe_of(request.name, request.params)


def _texts(task: TaskSpec) -> None:
    derived = [m.name for m in task.text_metrics if m.name.endswith(("_floor", "_excess"))]
    if derived:
        raise ValueError(f"{', '.join(derived)}: ask for the metric itself; floor and excess come with it")
    if len({truth_of(metric.name) for metric in task.text_metrics}) > 1:
        raise ValueError("text metrics of one task share a truth: cer, reread_… and compat_… are of three")


def _instances(task: TaskSpec) -> None:
    if bool(task.instance_metrics) != (task.instances is not None):
        raise ValueError("instance_metrics need instances, and instances need instance_metrics")
    if task.instances is not None:
        if task.reader is not None:
            raise ValueError("a task has a reader or instances, not both: a record names one of them")
        known = INSTANCE_METRICS[task.instances.of]
        strange = [request.name for request in task.instance_metrics if request.name not in known]
        if strange:
            raise ValueError(f"{strange[0]} is no metric of {task.instances.of}; known: {', '.join(known)}")


def _generation(task: TaskSpec) -> None:
    if (task.kind == "generation") != (task.conditions is not None):
        raise ValueError("a generation task has conditions, and no other task has")
    if task.kind != "generation":
        if task.prompt_metrics or task.condition_metrics or (task.reference is not None and not task.of_samples):
            raise ValueError("prompt_metrics, condition_metrics and a reference belong to generation tasks")
        if task.kind != "tokens" and not [one for one in task.metrics if one not in task.code_metrics]:
            raise ValueError("name at least one metric beside code_metrics, as image_metrics or set_metrics")
        return
    assert task.conditions is not None
    paired = task.text_metrics + task.instance_metrics + task.block_metrics
    if TRUTH not in task.conditions.roles:
        paired += task.image_metrics
    if paired:
        raise ValueError(f"{paired[0].name} compares with an original, which a generated image does not have")
    if task.prompt_metrics and task.conditions.of in ("classes", "none", "images"):
        raise ValueError(f"{task.prompt_metrics[0].name} needs prompts")
    if task.condition_metrics:
        _conditioned(task, task.conditions)
    if task.set_metrics and task.reference is None:
        raise ValueError("set_metrics of a generation task need a reference (which may be left to --reference: {})")


def _conditioned(task: TaskSpec, conditions: ConditionSpec) -> None:
    for request in task.condition_metrics:
        entry = condition_entry(request.name)
        lacking = [role for role in entry.roles_with(request.params) if role not in conditions.roles]
        if lacking:
            raise ValueError(f"{request.name} compares with images as {lacking[0]}: name them under conditions")
        unnamed = [field for field in entry.fields if field not in task.strata]
        if unnamed:
            raise ValueError(f"{request.name} is made of values by {unnamed[0]}: add it to strata, [{unnamed[0]}]")
        if entry.of_groups and task.block_size % conditions.per_prompt:
            raise ValueError(
                f"{request.name} is given all {conditions.per_prompt} images of a prompt: block_size must be a "
                f"multiple of that, {task.block_size} is not"
            )


def _sections_of_kinds(task: TaskSpec) -> None:
    """What one kind of task has, and no other."""
    for kind, metrics, section, what in (
        ("tokens", "likelihood_metrics", "likelihood", "what is given"),
        ("robustness", "robustness_metrics", "", ""),
        ("learnability", "learnability_metrics", "learnability", "what is fitted"),
        ("probing", "probing_metrics", "probing", "what is told and held out"),
        ("cost", "cost_metrics", "timing", "how calls are timed"),
        ("shapes", "shape_metrics", "shapes", "which clouds are compared"),
        ("maps", "map_metrics", "maps", "what maps are of"),
        ("judged", "judged_metrics", "judged", "whose results it is of"),
    ):
        of = f"kind {kind}" if kind in ("cost", "judged") else kind
        if section and (task.kind == kind) != (getattr(task, section) is not None):
            raise ValueError(f"a task of {of} says under {section} {what}, and no other task does")
        if bool(getattr(task, metrics)) != (task.kind == kind):
            raise ValueError(f"{metrics} belong to tasks of {of}, which name at least one")


def _likelihood(task: TaskSpec) -> None:
    if task.kind != "tokens":
        return
    others = [r for r in task.metrics if r not in (*task.likelihood_metrics, *task.code_metrics)]
    if others:
        raise ValueError(f"{others[0].name} needs a model's images, and nothing is decoded here")
    if any(request.name == "code_js_divergence" for request in task.code_metrics):
        raise ValueError("code_js_divergence compares codes that were sampled, and nothing is sampled here")
    if task.of_pixels and len(task.metrics) > 1:
        raise ValueError(f"{PIXEL_LIKELIHOOD} is of pixels, the others are of codes: give it a task of its own")


def _without_images(task: TaskSpec) -> None:
    if task.kind == "judged" and task.metrics != task.judged_metrics:
        raise ValueError("what judges found is all there is of a judged task: judged_metrics alone")
    if task.kind not in WITHOUT_IMAGES:
        return
    if task.reference is None or task.reference.statistics is not None:
        raise ValueError("the reference is data, or left to --reference: reference: {}")
    others = [request for request in task.metrics if request not in (*task.shape_metrics, *task.map_metrics)]
    if others:
        raise ValueError(f"{others[0].name} needs images, and there are none here")
    if task.maps is None:
        return
    strange = [one.name for one in task.map_metrics if one.name not in MAP_METRICS[task.maps.of]]
    if strange:
        raise ValueError(f"{strange[0]} is no metric of {task.maps.of}: {', '.join(MAP_METRICS[task.maps.of])}")
    if any(one.name == "mo_miou" for one in task.map_metrics) != bool(task.maps.moving):
        raise ValueError("mo_miou is over the classes under moving, and nothing else is")


def _robustness(task: TaskSpec) -> None:
    plain = {request.name for request in (*task.image_metrics, *task.set_metrics)}
    for request in task.robustness_metrics:
        robustness_rule(request.name, request.params)
        base = perturbed_base(request.name)
        if base is not None and base not in plain:
            raise ValueError(f"{request.name} is read beside {base}: ask for that too, with its parameters")
