"""What others' code read while a job was measured, kept beside its blocks: they stand while it is as it was.

The job's key holds what is known of a model before it runs. What its code opens by itself is seen only then.
"""

from __future__ import annotations

import json

from vtbench.core import read_files
from vtbench.core.errors import UsageError
from vtbench.core.files import write_text
from vtbench.core.outside import parse_json, read_text
from vtbench.run.plan import JobPlan
from vtbench.run.worker import Worker

_INPUTS = "inputs"


def keep_inputs(plan: JobPlan, worker: Worker) -> None:
    """Add what has been read by now to what this worker knows of the job; before the block that rests on it."""
    read = read_files.read_by(plan.code_files, plan.out)
    path = plan.folder / f"{_INPUTS}-{worker.rank}.json"
    before = _kept(plan).get(path.name, {})
    if not read.keys() <= before.keys():
        write_text(path, json.dumps({**read, **before}, indent=1, sort_keys=True))


def changed_input(plan: JobPlan) -> str | None:
    """A file that was read when the blocks were measured, and that is another now; ``None`` where none is."""
    for files in _kept(plan).values():
        found = read_files.changed(files)
        if found is not None:
            return found
    return None


def refuse_changed(plan: JobPlan, path: str, worker: Worker) -> None:
    """Several workers share the folder: none may delete it under the others.

    Raises:
        UsageError: there are several.
    """
    if worker.world > 1:
        raise UsageError(
            f"{path}, which was read for it, has changed since {plan.folder} was measured",
            "delete that folder first, or give --workers-of none",
        )


def _kept(plan: JobPlan) -> dict[str, dict[str, str]]:
    found = {}
    for path in sorted(plan.folder.glob(f"{_INPUTS}-*.json")):
        told = parse_json(read_text(path), path, "--fresh measures again")
        files = told if isinstance(told, dict) else {}
        found[path.name] = {str(name): str(digest) for name, digest in files.items()}
    return found
