"""Where a row's numbers come from, in words, and the command that measures them again."""

from __future__ import annotations

import shlex

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

    A generator's tokenizer is measured beside the generator: it has no name of its own.
    """
    reference, task = record.model.reference, record.task.name
    option = "--generator" if record.model.kind == "generator" else "--tokenizer"
    if reference.startswith(_BESIDE):
        option, reference, task = "--generator", reference.removeprefix(_BESIDE), task.removesuffix(_SHARE)
    words = ["vtbench", "run", option, reference, "--task", task]
    if record.config.given.get("data"):
        words += ["--data", str(record.config.given["data"])]
    if record.determinism.seed:
        words += ["--seed", str(record.determinism.seed)]
    if record.model.dtype != "float32":
        words += ["--dtype", record.model.dtype]
    return shlex.join(words)
