"""Images against the prompts they were made from, and the prompts that a metric does not read to their end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from vtbench.core.contracts import PromptMetric
from vtbench.core.foreign.guard import foreign
from vtbench.core.info import MetricInfo
from vtbench.run.measuring.transit.scored import values_back
from vtbench.run.measuring.transit.transfers import Transfers

_CUT = "_prompt_cut"


def cut_column(info: MetricInfo) -> str:
    """Row column: 1 where the metric did not read the prompt to its end, 0 where it did."""
    return f"{info.row_column}{_CUT}"


def prompt_columns(infos: Iterable[MetricInfo]) -> list[str]:
    """Row columns of prompt metrics."""
    return [column for info in infos for column in (info.row_column, cut_column(info))]


def prompt_scores(
    metrics: Iterable[PromptMetric], images: Tensor, prompts: Sequence[str], transfers: Transfers
) -> dict[str, Tensor]:
    """Scores of ``uint8 [B,3,H,W]`` and ``B`` prompts, ``[B]`` by column, on their way to the host; a metric without
    ``cut`` leaves its column empty."""
    columns: dict[str, Tensor] = {}
    for metric in metrics:
        cut = getattr(metric, "cut", None)
        name = f"metric {metric.info.name}"
        with foreign(name):
            values = metric(images, prompts)
            lost = None if cut is None else cut(prompts)
        columns[metric.info.row_column] = values_back(name, values, len(prompts), transfers)
        if lost is not None:
            columns[cut_column(metric.info)] = torch.tensor([float(one) for one in lost])
    return columns
