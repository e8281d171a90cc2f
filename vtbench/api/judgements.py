"""``vtbench.import_judgements``: files of a benchmark's own judge in, a record out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from typing_extensions import Unpack

from vtbench.core.disk.files import user_path
from vtbench.core.foreign.importing import imports_apart

if TYPE_CHECKING:
    from vtbench.results.records.record import RunRecord


class Told(TypedDict, total=False):
    """What files do not say, as the options of ``vtbench import``.

    Attributes:
        revision: of the model.
        judge: who gave the scores.
        judge_revision: of the judge.
        prompts: ``original`` or ``rewritten``.
        prompt_set: which of the benchmark's lists.
        column: of the model, in a file of several.
        benchmark: what tables call the task, of judgements.
        mean_over_tags: every tag weighs the same, of judgements.
        lower_is_better: of judgements.
        per_prompt: images a prompt.
    """

    revision: str
    judge: str
    judge_revision: str
    prompts: str
    prompt_set: str
    column: str
    benchmark: str
    mean_over_tags: bool
    lower_is_better: bool
    per_prompt: int


def import_judgements(
    format: str,
    paths: str | Path | Sequence[str | Path],
    *,
    model: str,
    out: str | Path = "runs",
    questions: str | Path | None = None,
    **told: Unpack[Told],
) -> RunRecord:
    """What a benchmark's own judge found: ``vtbench.import_judgements("geneval", "results.jsonl", model="mine")``.

    The same job folder and record as ``vtbench import`` writes; tables, comparisons and reports take it as any other.

    Args:
        format: of the files, by name: ``vtbench list formats``.
        paths: a file or folder, or several.
        model: what tables call the model.
        out: folder of runs.
        questions: the benchmark's own list, which some formats take for parts.
        told: what files do not say; see :class:`Told`.

    Raises:
        UsageError: an unknown format, options that do not fit it, or files that cannot be read, with the line.
        UnwritableError: the folder of runs cannot be written.
        VtbenchError: no prompt has a value.
    """
    with imports_apart():
        from vtbench.run.judging.asked import Asked
        from vtbench.run.judging.bringing import bring
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    asked = Asked(
        format=format,
        paths=[user_path(str(path)) for path in given],
        model=model,
        out=user_path(str(out)),
        questions=None if questions is None else user_path(str(questions)),
        **told,
    )
    return bring(asked)
