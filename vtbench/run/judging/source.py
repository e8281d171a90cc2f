"""What a reader of judges' files is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vtbench.run.judging.collecting import Collected


@dataclass(frozen=True)
class Judge:
    """Who gave the values: a name, with whatever tells its version."""

    name: str
    revision: str = ""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Files, and what somebody says of them.

    Attributes:
        paths: files or folders.
        model: what tables call the model: a file of several has a column of that name, or ``column``.
        questions: the benchmark's own list, where it says what the files do not.
        prompt_set: which of the benchmark's lists; empty where there is one, or the files say it.
        column: of the model, in a file of several.
        per_prompt: images of each prompt, where files are in order and say no more.
    """

    paths: Sequence[Path]
    model: str = ""
    questions: Path | None = None
    prompt_set: str = ""
    column: str = ""
    per_prompt: int = 0


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What files hold.

    Attributes:
        found: values by prompt, in columns that begin with the name of a metric.
        metrics: those whose values are there.
        fields: strata of the prompts.
        expected: prompts that a metric has in the whole benchmark, where it is known.
        prompt_set: which list of the benchmark it is, where it has several.
        judges: of each metric, where the files say it.
        notes: what a reader of the numbers must know.
        files: that were read.
    """

    found: Collected
    metrics: Sequence[str]
    fields: Sequence[str] = ()
    expected: Mapping[str, int] = field(default_factory=dict)
    prompt_set: str = ""
    judges: Mapping[str, Judge] = field(default_factory=dict)
    notes: Sequence[str] = ()
    files: Sequence[Path] = ()


@dataclass(frozen=True, kw_only=True)
class Format:
    """A layout of judges' files.

    Attributes:
        name: that ``vtbench import`` takes.
        summary: of the benchmark, one sentence.
        files: which files are given.
        read: the reader.
        source: repository and commit that its layout and arithmetic were read in.
        per_prompt: images of each prompt; 0 where any number will do.
        judge: that the benchmark states; empty where it must be said, or where each metric has its own.
        judges: of each metric, where they differ.
        known_judges: the only ones there are; empty where anybody may judge.
        prompt_sets: lists of the benchmark; the first is taken where nothing says which.
        questions: what ``--questions`` takes; empty where it takes nothing.
        texts: digest of the benchmark's prompts by list, of the sorted texts, as JSON.
    """

    name: str
    summary: str
    files: str
    read: Callable[[Source], Brought]
    source: str = ""
    per_prompt: int = 0
    judge: str = ""
    judges: Mapping[str, str] = field(default_factory=dict)
    known_judges: Sequence[str] = ()
    prompt_sets: Sequence[str] = ()
    questions: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether it is of no benchmark: its files name metrics and judges themselves."""
        return not self.source

    @property
    def told_judge(self) -> str:
        """Who judges, in words."""
        if self.known_judges:
            return f"given: {' or '.join(self.known_judges)}"
        own = ", ".join(dict.fromkeys(self.judges.values()))
        return own or self.judge or ("each line's own" if self.is_open else "given")
