"""What others' code read while a job was measured, kept beside its blocks: they stand while it is as it was.

The job's key holds what is known of a model before it runs. What its code opens by itself is seen only then.
"""

from __future__ import annotations

from vtbench.core.errors import DamagedFileError, UsageError
from vtbench.core.foreign import read_files
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.storing.input_files import inputs_in, inputs_path, read_inputs, write_inputs
from vtbench.run.worker import Worker


def keep_inputs(plan: JobPlan, worker: Worker) -> None:
    """Add what has been read by now to what this worker knows of the job; before the block that rests on it."""
    read = read_files.read_by(plan.code_files, plan.out)
    path = inputs_path(plan.folder, worker.rank)
    before = _kept(plan).get(path.name, {})
    if not read.keys() <= before.keys():
        write_inputs(path, plan.key, {**read, **before})


def changed_input(plan: JobPlan) -> str | None:
    """A file that was read when the blocks were measured, and that is another now; ``None`` where none is."""
    try:
        kept = _kept(plan)
    except DamagedFileError as error:  # what the blocks rest on is not known any more
        return str(error.path)
    for files in kept.values():
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
    return {path.name: read_inputs(path, plan.key) for path in inputs_in(plan.folder)}
