"""``docs/tasks.md``, written from the YAML files: ``python -m vtbench.tasks.reference > docs/tasks.md``."""

from __future__ import annotations

import sys
from itertools import groupby

from vtbench.metrics.catalog.lookup import metric_info
from vtbench.tasks.files import load_task, task_files
from vtbench.tasks.kinds import WITHOUT_IMAGES
from vtbench.tasks.schema import TaskSpec
from vtbench.tasks.sections import MetricRequest
from vtbench.tasks.suites import load_suites

_OF_CONDITIONS = ("generation", "editing", "restoration", "subjects")
_OTHERS = ("tokens", "cost", "shapes", "maps", "zoo", "compat")
_ORDER = ("reconstruction", "detail", "text", "video", *_OF_CONDITIONS, *_OTHERS)
_HEAD = """# Tasks

Written from the files under `tasks/` by `python -m vtbench.tasks.reference`; do not edit. What each metric means is in
[protocol](protocol.md), how to write a task in [adding a task](adding-a-task.md). Two numbers are comparable only where
the protocol id and the data fingerprint are equal.
"""


def task_reference() -> str:
    """Every shipped task in one table, then whole, by folder, then the suites, as Markdown."""
    files = task_files()
    names = sorted(files, key=lambda name: (_place(files[name].parent.name), name))
    tasks = {name: load_task(name) for name in names}
    rows = [f"| [`{name}`](#{name}) | {files[name].parent.name} | {_needs(task)} |" for name, task in tasks.items()]
    parts = [_HEAD, "\n".join(["| task | of | needs |", "|---|---|---|", *rows]) + "\n"]
    for folder, members in groupby(names, key=lambda name: files[name].parent.name):
        parts.append(f"## {folder.capitalize()}\n")
        parts += [_task(tasks[name]) for name in members]
    return "\n".join([*parts, "## Suites\n", *_suites()]).rstrip() + "\n"


def _suites() -> list[str]:
    parts = []
    for name, suite in load_suites().items():
        models = {"tokenizers": suite.tokenizers, "generators": suite.generators}
        counts = " and ".join(f"{len(found)} {kind}" for kind, found in models.items() if found)
        tasks = ", ".join(f"`{task}`" for task in suite.tasks)
        parts.append(f"- `{name}`: {suite.summary} Tasks: {tasks}; {counts}.")
    return parts


def _place(folder: str) -> tuple[int, str]:
    """Compat tasks reproduce quirks on purpose: nobody should meet them first."""
    return (_ORDER.index(folder) if folder in _ORDER else len(_ORDER)), folder


def _needs(task: TaskSpec) -> str:
    """In a word, what has to be at hand: nothing, the hub, or something of one's own."""
    if not task.of_samples:
        by_tesseract = task.reader is not None and task.reader.name.startswith("tesseract")
        return _at_hand(task.data.source, "--data") + (", and `make ocr`" if by_tesseract else "")
    compared = task.reference
    if compared is not None and compared.statistics:
        return f"statistics `{compared.statistics}`"
    listed = _listed(task)
    if compared is None:
        return listed
    if listed:
        return f"{listed}, and `--reference`"
    trained = task.training is not None and task.training.data is None
    return _at_hand(compared.data, "--reference") + (", `--training`" if trained else "")


def _listed(task: TaskSpec) -> str:
    """What a list must be given of; empty where the task draws its conditions itself."""
    of = "" if task.conditions is None else task.conditions.of
    if of not in ("prompts", "images"):
        return ""
    beside = of == "prompts" and task.conditions is not None and bool(task.conditions.images)
    if task.data.source or (task.conditions is not None and task.conditions.prompts):
        return "no download"
    return f"{of}{' and images' if beside else ''}, `--data`"


def _at_hand(source: str | None, option: str) -> str:
    if not source:
        return f"yours, `{option}`"
    return f"the hub, or `{option}`" if source.startswith("hub,") else "no download"


def _task(task: TaskSpec) -> str:
    rows = {
        "protocol id": f"`{task.protocol_id}`",
        "data": _data(task),
        "conditions": ""
        if task.conditions is None
        else _fields(task.conditions.model_dump(mode="json", exclude_none=True)),
        "reference": _reference(task),
        "training": _training(task),
        "likelihood": "" if task.likelihood is None else _fields(task.likelihood.model_dump()),
        "learnability": "" if task.learnability is None else _fields(task.learnability.model_dump()),
        "probing": "" if task.probing is None else _fields(task.probing.model_dump()),
        "maps": "" if task.maps is None else _fields(task.maps.model_dump(exclude_none=True)),
        "shapes": "" if task.shapes is None else _fields(task.shapes.model_dump(exclude_none=True)),
        "judged": "" if task.judged is None else _fields(task.judged.model_dump()),
        "frames of a clip": str(task.frames or ""),
        "preprocessing": "" if task.kind in WITHOUT_IMAGES else _preprocessing(task),
        "reader": "" if task.reader is None else f"`{task.reader.name}`, case: {task.reader.case}",
        "timing": "" if task.timing is None else _fields(task.timing.model_dump()),
        "instances": "" if task.instances is None else _fields(task.instances.model_dump()),
        "metrics": ", ".join(_metric(request) for request in task.metrics),
        "strata": ", ".join(f"`{name}`" for name in task.strata),
        "tolerances": ", ".join(f"`{name}` {value:g}" for name, value in task.tolerances.items()),
        "licence of the data": task.data.licence,
        "source": task.data.citation,
        "note": task.data.note,
        "quirks": " ".join(task.quirks),
    }
    table = "\n".join(f"| {field} | {value} |" for field, value in rows.items() if value)
    return f"### {task.name}\n\n{task.summary}\n\n| | |\n|---|---|\n{table}\n"


def _preprocessing(task: TaskSpec) -> str:
    side = task.preprocess.size
    return f"`{task.preprocess.preset}`" + (f", {side} px" if side else "")


def _data(task: TaskSpec) -> str:
    if task.of_samples and not task.data.source:
        return ""
    source = f"`{task.data.source}`" if task.data.source else "given by `--data`"
    what = "images" if task.frames is None else "clips"
    return source + (f", {task.data.expected_count:,} {what}" if task.data.expected_count else "")


def _reference(task: TaskSpec) -> str:
    if task.reference is None:
        return ""
    if task.reference.statistics:
        return f"statistics `{task.reference.statistics}`"
    return f"`{task.reference.data}`" if task.reference.data else "given by `--reference`"


def _training(task: TaskSpec) -> str:
    if task.training is None:
        return ""
    return f"`{task.training.data}`" if task.training.data else "given by `--training`"


def _metric(request: MetricRequest) -> str:
    version = metric_info(request.name).version
    told = [f"version {version}"] if version > 1 else []
    told += [f"{name} {value}" for name, value in request.params.items()]
    return f"`{request.name}`" + (f" ({', '.join(told)})" if told else "")


def _fields(fields: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in fields.items())


if __name__ == "__main__":
    sys.stdout.write(task_reference())
