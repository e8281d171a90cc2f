"""What every destination is handed, and what it says afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.results.records.record import RunRecord
from vtbench.results.records.schema import MetricResult
from vtbench.results.tables.rows import result_name


@dataclass(frozen=True, kw_only=True)
class Order:
    """What was asked for.

    Attributes:
        to: name of the destination.
        dest: folder, file or address; ``None`` for the destination's own default.
        project: of W&B.
        experiment: of MLflow.
        run_name: one run at the destination for all that is exported; ``None``: a run a record.
        step: where in a training the runs belong; ``None``: nowhere, which counts as 0.
        offline: nothing goes over the network.
    """

    to: str
    dest: str | None = None
    project: str | None = None
    experiment: str | None = None
    run_name: str | None = None
    step: int | None = None
    offline: bool = False


@dataclass(frozen=True)
class Scalar:
    """One result, under the name that the wide frame gives it: ``psnr``, ``psnr[glyph_px=8]``."""

    task: str
    result: MetricResult

    @property
    def name(self) -> str:
        """``<task>/<metric>[<stratum>]``; without the brackets over all samples."""
        return f"{self.task}/{result_name(self.result)}"

    @property
    def values(self) -> dict[str, float]:
        """The value by :attr:`name`, and the ends of its interval by ``…_ci_low`` and ``…_ci_high``, if it has one."""
        low, high = self.result.ci_low, self.result.ci_high
        ends = {} if low is None or high is None else {f"{self.name}_ci_low": low, f"{self.name}_ci_high": high}
        return {self.name: self.result.value, **ends}

    @property
    def about(self) -> str:
        """Unit, direction, samples and interval in words."""
        result = self.result
        better = {True: "higher is better", False: "lower is better", None: ""}[result.higher_is_better]
        return " · ".join(part for part in (result.unit, better, f"n {result.n}", result.ci_method) if part)


@dataclass(frozen=True)
class Picture:
    """A preview that the run kept, as it lies: original, prediction and error side by side, or a generated image."""

    name: str
    path: Path


@dataclass(frozen=True, kw_only=True, eq=False)
class Exported:
    """One finished run, ready to be written anywhere. No text in it holds a credential or a control character.

    Attributes:
        record: what frames are made of.
        folder: where it lies; ``None`` for a record in memory.
        name: what the destination calls the run that this becomes, or becomes part of.
        key: 12 hex digits that name that run: equal for repeats of a job, or for one ``run_name``.
        task: of the record.
        step: where in a training it belongs.
        scalars: every result, strata too.
        images: previews; empty where none were kept.
        tags: protocol id, data fingerprint, model and the like, by name; led by ``<task>.`` where a run at the
            destination may hold several tasks.
        named: ``run_name`` was given.
    """

    record: RunRecord
    folder: Path | None
    name: str
    key: str
    task: str
    step: int
    scalars: tuple[Scalar, ...]
    images: tuple[Picture, ...]
    tags: Mapping[str, str]
    named: bool

    @property
    def values(self) -> dict[str, float]:
        """All values and interval ends by name."""
        return {name: value for scalar in self.scalars for name, value in scalar.values.items()}

    @property
    def place(self) -> str:
        """``<task>@<step>``: what a run at the destination holds once."""
        return f"{self.task}@{self.step}"

    @property
    def identity(self) -> dict[str, str]:
        """What must not change along a curve, by ``<task>.protocol_id`` and ``<task>.data_fingerprint``."""
        return {
            f"{self.task}.protocol_id": self.record.task.protocol_id,
            f"{self.task}.data_fingerprint": self.record.data.fingerprint,
        }

    @property
    def digest(self) -> str:
        """16 hex digits over results, identity and step: equal where nothing new would be written."""
        return digest_json([self.record.results_digest(), self.identity, self.step], length=16)


@dataclass(frozen=True)
class Written:
    """What became of one run, or of one table.

    Attributes:
        run: what the destination calls it.
        where: file, folder or address.
        rows: results, or rows of a table.
        images: previews.
        what: ``written``, ``replaced`` or ``already there``.
    """

    run: str
    where: str
    rows: int
    images: int
    what: str = "written"


def distinct(runs: list[Exported]) -> list[Exported]:
    """The runs without repeats of equal results.

    Raises:
        UsageError: two would overwrite each other: repeats of one job with other results, or one task twice under one
            ``run_name``.
    """
    kept: dict[tuple[str, str], Exported] = {}
    for run in runs:
        other = kept.setdefault((run.key, run.task), run)
        if other.digest == run.digest:
            continue
        if run.named:
            labels = f"{other.record.model.label} and {run.record.model.label}"
            raise UsageError(
                f"--run-name {run.name} would hold {run.task} twice: {labels}",
                "name one run a task and model, or leave --run-name out: each record is then a run of its own",
            )
        raise UsageError(
            f"{run.folder} and {other.folder} are one job with other results", "export one of them at a time"
        )
    return list(kept.values())
