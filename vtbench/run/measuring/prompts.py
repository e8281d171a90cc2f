"""Images against the prompts they were made from, and the prompts that a metric does not read to their end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import Tensor

from vtbench.core.contracts import PromptMetric
from vtbench.core.foreign.guard import foreign
from vtbench.core.foreign.returned import one_number_each
from vtbench.core.info import MetricInfo

_CUT = "_prompt_cut"


def cut_column(info: MetricInfo) -> str:
    """Row column: 1 where the metric did not read the prompt to its end, 0 where it did."""
    return f"{info.row_column}{_CUT}"


def prompt_columns(infos: Iterable[MetricInfo]) -> list[str]:
    """Row columns of prompt metrics."""
    return [column for info in infos for column in (info.row_column, cut_column(info))]


def prompt_scores(metrics: Iterable[PromptMetric], images: Tensor, prompts: Sequence[str]) -> dict[str, list[float]]:
    """Scores of ``uint8 [B,3,H,W]`` and ``B`` prompts, by column; a metric without ``cut`` leaves its column empty."""
    columns: dict[str, list[float]] = {}
    for metric in metrics:
        cut = getattr(metric, "cut", None)
        with foreign(f"metric {metric.info.name}"):
            values = metric(images, prompts)
            lost = None if cut is None else cut(prompts)
        columns[metric.info.row_column] = one_number_each(f"metric {metric.info.name}", values, len(prompts))
        if lost is not None:
            columns[cut_column(metric.info)] = [float(one) for one in lost]
    return columns
