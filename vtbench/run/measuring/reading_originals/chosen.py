"""What reads the images of a task, by what its text metrics take for the truth."""

from __future__ import annotations

from vtbench.metrics.catalog.rates import truth_of
from vtbench.metrics.texts.compat_omnidoc import OMNIDOC_COLUMNS
from vtbench.metrics.texts.compat_vtbench import RELEASED_COLUMNS
from vtbench.run.measuring.reading import TEXT_COLUMNS, TextScorer, text_scorer
from vtbench.run.measuring.reading_originals.released import ReleasedTextScorer
from vtbench.run.measuring.reading_originals.rereading import OmnidocScorer, RereadScorer
from vtbench.tasks import TaskSpec

AnyTextScorer = TextScorer | ReleasedTextScorer | RereadScorer | OmnidocScorer
_COLUMNS = {"compat_vtbench": RELEASED_COLUMNS, "compat_omnidoc": OMNIDOC_COLUMNS}


def task_text_scorer(task: TaskSpec) -> AnyTextScorer | None:
    """What reads the images of this task, if anything does.

    Raises:
        UsageError: unknown reader or wrong arguments.
        AssetMissingError: the engine, its models or a language are not installed.
    """
    scorer = text_scorer(task.reader)
    if scorer is None:
        return None
    truth = _truth(task)
    if truth == "compat_vtbench":
        return ReleasedTextScorer(scorer.reader)
    if truth == "compat_omnidoc":
        return OmnidocScorer(scorer.reader)
    return RereadScorer(scorer.reader, scorer.case) if truth == "reread" else scorer


def text_columns(task: TaskSpec) -> tuple[str, ...]:
    """Row columns of the task's readings."""
    return () if task.reader is None else _COLUMNS.get(_truth(task), TEXT_COLUMNS)


def _truth(task: TaskSpec) -> str:
    """A task has one: its schema sees to it."""
    return next((truth_of(request.name) for request in task.text_metrics), "")
