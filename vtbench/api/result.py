"""What an evaluation found: records, and the values and frames that people take from them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vtbench.core.errors import UsageError
from vtbench.results.records.record import RunRecord
from vtbench.results.records.schema import MetricResult
from vtbench.results.tables.frames import metrics_frame, rows_frame

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """One evaluation: a record for every model and task.

    Attributes:
        records: what ``vtbench run`` would have written, in the order of models and tasks.
        rows: of each record, a row an image.
        out: the folder that holds it all, where one was asked for.
    """

    records: tuple[RunRecord, ...]
    rows: tuple[pa.Table, ...] = field(default=())
    out: Path | None = None

    def value(self, metric: str, *, task: str | None = None, model: str | None = None, stratum: str = "all") -> float:
        """One number: ``result.value("psnr")``.

        Args:
            metric: its public name.
            task: needed where several tasks have the metric.
            model: needed where several models were measured.
            stratum: a part of the samples, as ``level=0``.

        Raises:
            UsageError: no such metric, with a suggestion; or more than one value of that name.
        """
        return self.result(metric, task=task, model=model, stratum=stratum).value

    def result(
        self, metric: str, *, task: str | None = None, model: str | None = None, stratum: str = "all"
    ) -> MetricResult:
        """As :meth:`value`, with the interval, the number of samples, and what is behind it."""
        asked = [
            record
            for record in self.records
            if task in (None, record.task.name) and model in (None, record.model.label, record.model.name)
        ]
        if not asked:
            raise UsageError(f"nothing was measured of {_told(task, model)}", f"there is {self._held()}")
        found = [(record, one) for record in asked if (one := record.result(metric, stratum)) is not None]
        if not found:
            part = "" if stratum == "all" else f" of {stratum}"
            raise UsageError(f"no {metric}{part} was measured", _suggestion(metric, asked))
        if len(found) > 1:
            places = ", ".join(f"{record.model.label} on {record.task.name}" for record, _ in found)
            raise UsageError(f"{metric} was measured {len(found)} times: {places}", "say which: task=…, model=…")
        return found[0][1]

    def scalars(self) -> dict[str, float]:
        """Every value over all samples as ``{"photos-mini/psnr": 31.4}``, for a logger; where there are several models,
        ``{"MODEL/photos-mini/psnr": …}``."""
        several = len({record.model.label for record in self.records}) > 1
        return {
            "/".join([*([record.model.label] if several else []), record.task.name, result.metric]): result.value
            for record in self.records
            for result in record.results
            if result.stratum == "all"
        }

    def table(self, wide: bool = True) -> pd.DataFrame:
        """The values as :func:`vtbench.metrics_frame` has them: a row for every model and task, a column a metric with
        its interval; or, with ``wide=False``, a row a value."""
        return metrics_frame(self.records, wide=wide)

    @property
    def samples(self) -> pd.DataFrame:
        """A row an image, as :func:`vtbench.samples_frame` has them."""
        return rows_frame(list(zip(self.records, self.rows, strict=True)))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the numbers must know, each once."""
        return tuple(dict.fromkeys(warning for record in self.records for warning in record.warnings))

    def __repr__(self) -> str:
        lines = [f"{record.model.label} on {record.task.name}: {_line(record)}" for record in self.records]
        return "\n".join([f"vtbench result of {len(self.records)}:", *(f"  {line}" for line in lines)])

    def _held(self) -> str:
        return ", ".join(f"{record.model.label} on {record.task.name}" for record in self.records)


def _told(task: str | None, model: str | None) -> str:
    return " and ".join([f"{kind} {name}" for kind, name in (("model", model), ("task", task)) if name is not None])


def _suggestion(metric: str, records: Sequence[RunRecord]) -> str:
    strata = {one.stratum for record in records for one in record.results if one.metric == metric}
    if strata:
        return f"its strata are {', '.join(sorted(strata))}"
    names = list(dict.fromkeys(one.metric for record in records for one in record.results))
    close = difflib.get_close_matches(metric, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names)}"


def _line(record: RunRecord) -> str:
    """The columns of the task's table."""
    columns = record.task.spec.get("table") or dict.fromkeys(result.metric for result in record.results)
    found = [(name, record.result(name)) for name in columns]
    return ", ".join(f"{name} {result.value:.4g}" for name, result in found if result is not None)
