"""Where a row's numbers come from, in words, and the command that measures them again."""

from __future__ import annotations

import shlex

from vtbench.checkpoints.cards import load_generator_cards
from vtbench.results.records.record import RunRecord

_BESIDE, _SHARE = "tokenizer of ", "-tokenizer"
"""How the job of a generator's tokenizer calls its model and its task."""


def origin(record: RunRecord) -> list[tuple[str, str]]:
    """Names and texts: from status to digest; what is not known is left out."""
    weights = ", ".join(f"{weight.name} {weight.sha256[:12]}" for weight in record.model.weights) or "none"
    environment, speed = record.environment, record.performance.images_per_s
    fields = [
        ("status", f"{record.status}, {record.data.n_scored} of {record.data.n_expected} samples"),
        ("model", f"{record.model.name} {record.model.revision}, {record.model.dtype}, {record.model.import_path}"),
        ("weights", weights),
        ("licence", record.model.licence),
        ("resized in and out", record.model.resized_in_out or "no"),
        ("sampler", ", ".join(f"{name} {value}" for name, value in record.model.sampler.items())),
        ("seed", str(record.determinism.seed)),
        ("measured", f"{record.finished:%Y-%m-%d %H:%M} UTC on {environment.device_name or environment.device}"),
        ("speed", f"{speed:.2f} images/s" if speed else ""),
        ("code", f"vtbench {record.code.vtbench_version}, commit {(record.code.git_commit or 'unknown')[:12]}"),
        ("results digest", record.results_digest()[:16]),
    ]
    return [(name, text) for name, text in fields if text]


def command_of(record: RunRecord) -> str:
    """A command that measures this row again, whatever else the original one measured.

    A generator's tokenizer is measured beside the generator, by a task that is not asked for by name.
    """
    task, beside = record.task.name, _generators_beside(record)
    option = "--generator" if record.model.kind == "generator" or beside else "--tokenizer"
    models = beside or [record.model.reference]
    words = ["vtbench", "run", *(word for model in models for word in (option, model))]
    words += ["--task", task.removesuffix(_SHARE) if beside else task]
    for name in ("data", "reference"):
        if record.config.given.get(name):
            words += [f"--{name}", str(record.config.given[name])]
    if record.determinism.seed:
        words += ["--seed", str(record.determinism.seed)]
    if record.model.dtype != "float32":
        words += ["--dtype", record.model.dtype]
    return shlex.join(words)


def _generators_beside(record: RunRecord) -> list[str]:
    """Generators whose tokenizer the row is of; none where it was measured by itself."""
    reference = record.model.reference
    if reference.startswith(_BESIDE):
        return [reference.removeprefix(_BESIDE)]
    run = record.config.run
    if record.task.name.removesuffix(_SHARE) not in run.get("tasks", ()) or not record.task.name.endswith(_SHARE):
        return []
    asked, cards = [str(model) for model in run.get("generators", ())], load_generator_cards()
    its = [model for model in asked if (card := cards.get(model.partition(",")[0])) and card.tokenizer == reference]
    return its[:1] or asked
