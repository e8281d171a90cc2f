"""``plan.json``: what a job set out to do. With the block files it is all that scoring needs, now or later."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from vtbench.core.disk.files import write_text
from vtbench.core.errors import DamagedFileError, UsageError, VtbenchError
from vtbench.core.info import TokenizerInfo, WeightFile
from vtbench.core.naming.trust import code_named, refuse_code
from vtbench.core.outside.misfits import misfits
from vtbench.core.outside.parsing import boundary, read_bytes, stored
from vtbench.core.outside.seals import REPAIR, BrokenSealError, unsealed
from vtbench.core.secrets import masked_value
from vtbench.results.records import strict_json
from vtbench.results.records.schema import (
    CodeSection,
    ConfigSection,
    DeterminismSection,
    EnvironmentSection,
    ModelSection,
    ReferenceSection,
)
from vtbench.tasks import TaskSpec

PLAN_FILE = "plan.json"


class GenerationManifest(BaseModel):
    """What only a generation job has.

    Attributes:
        conditions: what images were generated from, as the record tells it.
        reference: file of the reference statistics in the folder of all references; ``None`` without any.
        tokenizer_job: folder of the job that measured the generator's tokenizer, from the folder of all runs.
        tokenizer_samples: images that it was measured on.
        training: file of the training images' features in the folder of all references; ``None`` without any.
        training_job: folder of the job that encoded training images, from the folder of all runs.
        training_samples: images that it encoded.
        trained_on: what is said of the training images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    conditions: dict[str, Any]
    reference: str | None = None
    tokenizer_job: str | None = None
    tokenizer_samples: int = 0
    training: str | None = None
    training_job: str | None = None
    training_samples: int = 0
    trained_on: ReferenceSection | None = None

    @property
    def jobs_beside(self) -> dict[str, str]:
        """Folders of the jobs that belong to this one, from the folder of all runs, by what they are."""
        named = {"tokenizer's own": self.tokenizer_job, "training images'": self.training_job}
        return {what: folder for what, folder in named.items() if folder is not None}

    @property
    def statistics(self) -> list[str]:
        """Files in the folder of all references that its numbers come from."""
        return [name for name in (self.reference, self.training) if name is not None]


class JobManifest(BaseModel):
    """One job, self-contained: re-scoring needs neither the model nor the data.

    Attributes:
        limited_from: samples of the whole set where ``--limit`` cut it; ``None`` where it did not.
        measured_codes: digests of the code that makes rows and features of metrics that are not vtbench's own, by
            public name; ``None`` where they were not kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    created: AwareDatetime
    job_key: str
    command: tuple[str, ...]
    config: ConfigSection
    model: ModelSection
    info: dict[str, Any] | None
    task: dict[str, Any]
    data_source: str
    data_fingerprint: str
    samples: int
    limited_from: int | None = None
    references: dict[str, str]
    generation: GenerationManifest | None = None
    allow_small_sets: bool
    measured_codes: dict[str, str] | None = None
    reader_id: str | None = None
    determinism: DeterminismSection
    environment: EnvironmentSection
    code: CodeSection
    warnings: tuple[str, ...] = ()

    @property
    def task_spec(self) -> TaskSpec:
        """The task as it was when the job was planned.

        Raises:
            VtbenchError: the plan's task is none.
        """
        problem = f"{PLAN_FILE} of job {self.job_key} holds no task"
        with boundary(problem, REPAIR):
            try:
                return TaskSpec.model_validate(self.task)
            except ValidationError as error:
                raise VtbenchError(f"{problem}: {misfits(error, 'task')}", REPAIR) from None
            except VtbenchError as error:  # a metric that is not known
                raise VtbenchError(f"{problem}: {error.what}", error.hint) from None

    @property
    def protocol_id(self) -> str:
        """Of the task as it was measured: code that changed since then has no part in the rows and features."""
        task, then = self.task_spec, self.measured_codes or {}
        return task.protocol_id_with({name: then.get(name) for name in task.measured_codes})

    @property
    def changed_metrics(self) -> list[str]:
        """Metrics whose rows or features other code made than what is there now."""
        then = self.measured_codes or {}
        return [name for name, code in self.task_spec.measured_codes.items() if then.get(name) != code]

    @property
    def tokenizer_info(self) -> TokenizerInfo:
        """The geometry of the codes that were counted.

        Raises:
            VtbenchError: there are no codes, or what the plan says of them is no geometry.
        """
        if self.info is None:
            raise VtbenchError(f"{self.model.label} has no codes")
        fields = dict(self.info)
        with boundary(f"{PLAN_FILE} of job {self.job_key} says nothing sound of the codes", REPAIR):
            fields["weights"] = tuple(WeightFile(**weight) for weight in fields["weights"])
            fields["codebook_sizes"] = tuple(fields["codebook_sizes"])
            return TokenizerInfo(**fields)


def write_manifest(manifest: JobManifest, folder: Path) -> None:
    """Write ``plan.json`` atomically, sealed, without credentials: a record says what is read from here."""
    write_text(folder / PLAN_FILE, strict_json.dumps_sealed(masked_value(manifest.model_dump())))


def read_manifest(folder: Path, *, trusted: Collection[Path] = (), task: TaskSpec | None = None) -> JobManifest:
    """Read ``plan.json``.

    Args:
        folder: of the job.
        trusted: plans, or folders of plans, whose code may run.
        task: of the job in hand; code that it names itself may be named by the plan.

    Raises:
        UsageError: the folder holds none, or it names code without being trusted.
        DamagedFileError: it cannot be read, was edited, or names code that ``task`` does not.
    """
    path = folder / PLAN_FILE
    if not path.is_file():
        raise UsageError(f"{folder} is not a run folder: it holds no {PLAN_FILE}", "give OUT/<task>/<model>/<job key>")
    with stored(path, "cannot be read", REPAIR):
        content = strict_json.loads(read_bytes(path).decode("utf-8"))
        try:
            manifest = JobManifest.model_validate(unsealed(content))
        except BrokenSealError as error:
            raise DamagedFileError(path, str(error), REPAIR) from None
        except ValidationError as error:
            raise DamagedFileError(path, f"is not a plan: {misfits(error, 'plan')}", REPAIR) from error
    if task is None:
        refuse_code(manifest.task, path, trusted)
    elif not _codes(manifest.task) <= _codes(task.model_dump(mode="json")):
        raise DamagedFileError(path, "names code that the task in hand does not", REPAIR)
    return manifest


def _codes(task: Mapping[str, Any]) -> set[str]:
    return {code for _, code in code_named(task)}
