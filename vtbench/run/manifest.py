"""``plan.json``: what a job set out to do. With the block files it is all that scoring needs, now or later."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.files import write_text
from vtbench.core.info import TokenizerInfo, WeightFile
from vtbench.results import strict_json
from vtbench.results.schema import (
    CodeSection,
    ConfigSection,
    DeterminismSection,
    EnvironmentSection,
    ModelSection,
    WeightSection,
)
from vtbench.run.sources import Source
from vtbench.tasks import TaskSpec

PLAN_FILE = "plan.json"


class JobManifest(BaseModel):
    """One job, self-contained: re-scoring needs neither the model nor the data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    created: AwareDatetime
    job_key: str
    command: tuple[str, ...]
    config: ConfigSection
    model: ModelSection
    info: dict[str, Any]
    task: dict[str, Any]
    data_source: str
    data_fingerprint: str
    samples: int
    references: dict[str, str]
    allow_small_sets: bool
    reader_id: str | None = None
    determinism: DeterminismSection
    environment: EnvironmentSection
    code: CodeSection
    warnings: tuple[str, ...] = ()

    @property
    def task_spec(self) -> TaskSpec:
        """The task as it was when the job was planned."""
        return TaskSpec.model_validate(self.task)

    @property
    def tokenizer_info(self) -> TokenizerInfo:
        """The model's geometry."""
        fields = dict(self.info)
        fields["weights"] = tuple(WeightFile(**weight) for weight in fields["weights"])
        fields["codebook_sizes"] = tuple(fields["codebook_sizes"])
        return TokenizerInfo(**fields)


def model_section(source: Source, dtype: str) -> ModelSection:
    """What the record says about a model."""
    info = source.info
    return ModelSection(
        reference=source.reference,
        label=source.label,
        name=info.name,
        revision=info.revision,
        kind=info.kind,
        family=info.family,
        import_path=source.import_path,
        args=source.args,
        dtype=dtype,
        weights=tuple(WeightSection(**asdict(weight)) for weight in info.weights),
        codebook_sizes=info.codebook_sizes,
        downsample_factor=info.downsample_factor,
        native_size=info.native_size,
        stochastic=info.stochastic,
        licence=info.licence,
        citation=info.citation,
    )


def write_manifest(manifest: JobManifest, folder: Path) -> None:
    """Write ``plan.json`` atomically."""
    write_text(folder / PLAN_FILE, strict_json.dumps(manifest.model_dump()))


def read_manifest(folder: Path) -> JobManifest:
    """Read ``plan.json``.

    Raises:
        UsageError: the folder holds none.
        VtbenchError: it cannot be read.
    """
    path = folder / PLAN_FILE
    if not path.is_file():
        raise UsageError(f"{folder} is not a run folder: it holds no {PLAN_FILE}", "give OUT/<task>/<model>/<job key>")
    try:
        return JobManifest.model_validate(strict_json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as error:
        raise VtbenchError(f"{path} cannot be read: {error}", "run the job again with --fresh") from error
