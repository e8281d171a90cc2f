"""Prompts that a metric does not read to their end: counted in every block, told in the record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from vtbench.metrics.catalog.lookup import metric_info
from vtbench.results.records.samples import FAILED, SCORED, Samples
from vtbench.run.measuring.prompts import cut_column, prompt_columns, prompt_scores
from vtbench.run.measuring.transit.transfers import OnHost
from vtbench.run.planning.jobs import row_columns
from vtbench.run.scoring.fold import prompt_results
from vtbench.run.scoring.warnings import _cut_prompts
from vtbench.tasks import load_task

CLIP = metric_info("clip_score")


class Lengths:
    """Scores a prompt by its length; reads five letters."""

    info = CLIP

    def __call__(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        return torch.tensor([float(len(prompt)) for prompt in prompts], dtype=torch.float64)

    def cut(self, prompts: Sequence[str]) -> list[bool]:
        return [len(prompt) > 5 for prompt in prompts]


class Careless(Lengths):
    cut = None  # type: ignore[assignment]


def samples(values: Sequence[float], cut: Sequence[float] | None, status: Sequence[str]) -> Samples:
    n = len(values)
    columns = {CLIP.row_column: np.array(values)} | ({} if cut is None else {cut_column(CLIP): np.array(cut)})
    blank, sides = [""] * n, np.full(n, 64, dtype=np.int32)
    return Samples(
        ids=[str(i) for i in range(n)],
        index=np.arange(n),
        status=status,
        stage=blank,
        message=blank,
        height=sides,
        width=sides,
        metrics=columns,
    )


def test_scores_come_with_what_was_cut() -> None:
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    found = prompt_scores([Lengths()], images, ["short", "longer"], OnHost())
    columns = {name: column.tolist() for name, column in found.items()}
    assert columns == {"clip_score": [5.0, 6.0], "clip_score_prompt_cut": [0.0, 1.0]}
    assert set(found) == set(prompt_columns([CLIP])) <= set(row_columns(load_task("t2i-prompts")))
    assert list(prompt_scores([Careless()], images, ["short", "longer"], OnHost())) == ["clip_score"]


def test_a_record_counts_them_and_warns_and_failed_samples_do_not_count() -> None:
    task = load_task("t2i-prompts")
    of = samples([20.0, 22.0, np.nan], [1.0, 0.0, 1.0], [SCORED, SCORED, FAILED])
    (result,) = prompt_results(task, of)
    assert result.value == pytest.approx(21.0) and result.details["n_prompts_cut"] == 1
    (warning,) = _cut_prompts([result])
    assert warning.startswith("clip_score: 1 of 2 prompts are longer than the text encoder reads")
    (whole,) = prompt_results(task, samples([20.0, 22.0], [0.0, 0.0], [SCORED, SCORED]))
    assert whole.details["n_prompts_cut"] == 0 and list(_cut_prompts([whole])) == []


def test_rows_of_an_older_version_say_nothing_of_it() -> None:
    for cut in (None, [np.nan, np.nan]):
        (result,) = prompt_results(load_task("t2i-prompts"), samples([20.0, 22.0], cut, [SCORED, SCORED]))
        assert "n_prompts_cut" not in result.details and list(_cut_prompts([result])) == []
