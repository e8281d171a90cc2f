"""vtbench's own path: a planned job, measured block by block into real files, folded into a real record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vtbench.core.contracts import FeatureExtractor, ImageDataset, Prepared
from vtbench.core.info import TokenizerInfo
from vtbench.data.preparing.presets import make_preset
from vtbench.results.records.record import RunRecord
from vtbench.run.executing.job import measure_job
from vtbench.run.measuring.evaluators import Evaluators, build_evaluators, required_features
from vtbench.run.measuring.predict import Batch
from vtbench.run.options import RunOptions
from vtbench.run.planning.jobs import JobPlan, TaskData
from vtbench.run.scoring.job import score_job
from vtbench.run.storing.manifest import read_manifest
from vtbench.run.worker import Worker
from vtbench.tasks import TaskSpec

DEVICE = torch.device("cpu")
Predict = Callable[[Prepared], Tensor]


def make_task(name: str, image_metrics: Sequence[str], set_metrics: Sequence[Any], block_size: int = 16) -> TaskSpec:
    """A task on images as they are, without previews (no peer makes any)."""
    return TaskSpec.model_validate(
        {
            "name": name,
            "version": 1,
            "kind": "reconstruction",
            "summary": "A benchmark.",
            "data": {"source": None},
            "preprocess": {"preset": "native@1"},
            "image_metrics": image_metrics,
            "set_metrics": set_metrics,
            "block_size": block_size,
            "previews": {"fixed": 0, "worst": 0},
        }
    )


def make_evaluators(task: TaskSpec, extractors: Mapping[str, FeatureExtractor]) -> Evaluators:
    """The task's image metrics as the runner builds them, and extractors that were made elsewhere."""
    images_only = build_evaluators(task.model_copy(update={"set_metrics": ()}), DEVICE)
    return Evaluators(images_only.image_metrics, extractors, required_features(task.set_metrics))


@dataclass(eq=False)
class Handed:
    """A source whose predictions cost nothing, or next to nothing: what remains is the harness."""

    label: str
    predict_one: Predict
    batch_size: int

    def __post_init__(self) -> None:
        self.reference = self.label
        self.args: dict[str, Any] = {}
        self.import_path = f"{__name__}:Handed"
        self.info = TokenizerInfo(name=self.label, kind="continuous")
        self.code_files: frozenset[str] = frozenset()
        self.serves_on = True

    @property
    def identity(self) -> dict[str, Any]:
        return {"label": self.label}

    def open(self, *_: Any) -> Handed:
        return self

    def predict(self, samples: Sequence[Prepared]) -> Iterator[Batch]:
        for start in range(0, len(samples), self.batch_size):
            batch = samples[start : start + self.batch_size]
            yield Batch(batch, [self.predict_one(sample) for sample in batch])

    def release(self) -> None:
        """Nothing is held."""

    def warnings(self, ids: Sequence[str], left_out: Sequence[str] = ()) -> list[str]:
        return []

    def resolved(self, ids: Sequence[str]) -> dict[str, str]:
        return {}


def plan_job(
    source: Handed, task: TaskSpec, dataset: ImageDataset, out: Path, device: torch.device = DEVICE
) -> JobPlan:
    """One job over ``dataset``, read in this process."""
    data = TaskData(
        task=task,
        source="benchmark",
        ids=dataset.ids,
        preset=make_preset("native", None),
        fingerprint=dataset.fingerprint,
        dataset=dataset,
    )
    options = RunOptions(out=out, device=str(device), workers=0, allow_small_sets=True)
    return JobPlan(source, data, options, device.type)


def measure(plan: JobPlan, evaluators: Evaluators, device: torch.device = DEVICE) -> None:
    """Every block of the job, written to disk."""
    measure_job(plan, evaluators, device, Worker(0, 1, 0))


def score(plan: JobPlan) -> RunRecord:
    """The record of a measured job."""
    return score_job(plan.folder, plan.options.out, read_manifest(plan.folder), note=str)
