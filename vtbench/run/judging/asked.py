"""What somebody asks to be brought, held against what the format takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtbench.core.disk.files import path_segment
from vtbench.core.errors import UsageError
from vtbench.metrics.catalog.judged import is_judge
from vtbench.run.judging.formats.judgements import BAD_JUDGE
from vtbench.run.judging.source import Format

ORIGINAL = "original"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be brought, and what its files do not say.

    Attributes:
        format: of the files, by name.
        paths: files or folders.
        model: what tables call the model.
        out: folder of runs.
        revision: of the model.
        judge: who gave the values; the benchmark's own unless given.
        judge_revision: what tells the judge's version, where its name does not.
        prompts: ``original``, or ``rewritten`` where images were made from other words than the benchmark's.
        prompt_set: which of the benchmark's lists.
        questions: the benchmark's own list of questions or prompts.
        column: of the model, in a file of several.
        benchmark: what tables call the task, of somebody's own judge.
        mean_over_tags: tags weigh the same, of somebody's own judge.
        lower_is_better: of somebody's own judge.
        per_prompt: images of each prompt, where it is another number than the benchmark's.
        command: for the record.
    """

    format: str
    paths: Sequence[Path]
    model: str
    out: Path = Path("runs")
    revision: str = ""
    judge: str = ""
    judge_revision: str = ""
    prompts: str = ORIGINAL
    prompt_set: str = ""
    questions: Path | None = None
    column: str = ""
    benchmark: str = ""
    mean_over_tags: bool = False
    lower_is_better: bool = False
    per_prompt: int = 0
    command: tuple[str, ...] = ()

    @property
    def given(self) -> dict[str, Any]:
        """Options as they were given; of files their names, since folders are of one machine."""
        told = {
            "format": self.format,
            "files": [path.name for path in self.paths],
            "model": self.model,
            "judge": self.judge,
            "judge_revision": self.judge_revision,
            "prompts": self.prompts,
            "prompt_set": self.prompt_set,
            "questions": "" if self.questions is None else self.questions.name,
            "column": self.column,
        }
        return {name: value for name, value in told.items() if value}


def check_asked(asked: Asked, form: Format) -> None:
    """Options against the format.

    Raises:
        UsageError: one that it does not take, or lacks.
    """
    for given, offered, option in (
        (asked.questions, form.questions, "--questions"),
        (asked.prompt_set, form.prompt_sets, "--prompt-set"),
    ):
        if given and not offered:
            raise UsageError(f"{form.name} takes no {option}", "vtbench list formats says what it takes")
    if asked.prompt_set and asked.prompt_set not in form.prompt_sets:
        raise UsageError(f"{form.name} has no prompts {asked.prompt_set!r}", f"it has {', '.join(form.prompt_sets)}")
    if asked.prompts not in (ORIGINAL, "rewritten"):
        raise UsageError(f"prompts are original or rewritten, not {asked.prompts!r}", "--prompts rewritten")
    if not form.is_open and (asked.benchmark or asked.mean_over_tags or asked.lower_is_better):
        raise UsageError(f"what {form.name} measures is known", "a name and a direction are for judgements")
    _check_judge(asked, form)
    if asked.benchmark and path_segment(asked.benchmark) != asked.benchmark.lower():
        raise UsageError(f"{asked.benchmark!r} is no name of a task", "small letters, digits and -, as emu-edit")


def _check_judge(asked: Asked, form: Format) -> None:
    if asked.judge and (form.judges or form.is_open):
        told = "each metric has its own" if form.judges else "each line names its own"
        raise UsageError(f"{form.name} takes no judge: {told}", "leave --judge out")
    if form.known_judges and asked.judge not in form.known_judges:
        raise UsageError(
            f"{form.name} needs --judge", f"one of {', '.join(form.known_judges)}: they are not comparable"
        )
    if not asked.judge and not form.judge and not form.judges and not form.is_open:
        raise UsageError(f"{form.name} needs --judge NAME: who gave the scores", "as gpt-4o-2024-05-13, date and all")
    for text in (asked.judge, asked.judge_revision):
        if text and not is_judge(text):
            raise UsageError(f"{text!r} is no name of a judge", BAD_JUDGE)
