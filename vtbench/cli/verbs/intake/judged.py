"""``vtbench import``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli import completion
from vtbench.cli import options as o
from vtbench.cli.output import emit_records
from vtbench.core.disk.files import user_path


def import_(
    format: Annotated[
        str,
        typer.Argument(autocompletion=completion.formats, metavar="FORMAT", help="vtbench list formats."),
    ],
    path: Annotated[
        list[Path], typer.Argument(metavar="PATH…", parser=user_path, help="Files that the benchmark's script wrote.")
    ],
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="What tables call the model.")],
    revision: Annotated[str, typer.Option("--revision", help="Of the model: version of its weights.")] = "",
    judge: Annotated[
        str, typer.Option("--judge", metavar="NAME", help="Who gave the scores. [default: the benchmark's own]")
    ] = "",
    judge_revision: Annotated[
        str, typer.Option("--judge-revision", help="Of the judge, where its name does not tell.")
    ] = "",
    prompts: Annotated[
        str, typer.Option("--prompts", help="original, or rewritten: images made from other words.")
    ] = "original",
    prompt_set: Annotated[
        str, typer.Option("--prompt-set", metavar="NAME", help="Which of the benchmark's lists: en, zh …")
    ] = "",
    questions: Annotated[
        Path | None,
        typer.Option("--questions", metavar="FILE", parser=user_path, help="The benchmark's own list, for parts."),
    ] = None,
    column: Annotated[
        str, typer.Option("--column", metavar="NAME", help="Of the model, in a file of several. [default: --model]")
    ] = "",
    benchmark: Annotated[
        str, typer.Option("--benchmark", metavar="NAME", help="Of judgements: what tables call the task.")
    ] = "",
    mean_over_tags: Annotated[
        bool, typer.Option("--mean-over-tags", help="Of judgements: every tag weighs the same.")
    ] = False,
    lower_is_better: Annotated[bool, typer.Option("--lower-is-better", help="Of judgements.")] = False,
    per_prompt: Annotated[
        int, typer.Option("--per-prompt", min=0, metavar="N", help="Images a prompt. [default: the benchmark's]")
    ] = 0,
    out: o.Out = Path("runs"),
    json: o.Json = False,
) -> None:
    """Bring what a benchmark's own judge found into records, with intervals over prompts."""
    from vtbench.run.judging.asked import Asked
    from vtbench.run.judging.bringing import bring

    asked = Asked(
        format=format, paths=path, model=model, out=out, revision=revision, judge=judge, judge_revision=judge_revision,
        prompts=prompts, prompt_set=prompt_set, questions=questions, column=column, benchmark=benchmark,
        mean_over_tags=mean_over_tags, lower_is_better=lower_is_better, per_prompt=per_prompt,
        command=("vtbench", *sys.argv[1:]),
    )  # fmt: skip
    emit_records([bring(asked)], json)
