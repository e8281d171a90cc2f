"""What measures here the checkpoint that a reported number is of, by the task nearest to the stated protocol."""

from __future__ import annotations

import re
import shlex

from vtbench.results.leaderboards.published import ReportedRow

_TOKBENCH = re.compile(r"TokBench (text|face)[a-z ]* at (256|512|1024)\b")
_IMAGENET = re.compile(r"ImageNet.*?\b(256|512)\b")
_TOKENIZERS = ("tokenizers", "tokbench", "tokenbench")
_NOTHING = "No command repeats a reported number. "


def nearest_task(row: ReportedRow) -> str:
    """The task that resembles what the source states most; empty where none does."""
    found = _TOKBENCH.search(row.protocol)
    if found is not None:
        return f"tokbench-{'faces' if found[1] == 'face' else 'text'}-{found[2]}"
    found = _IMAGENET.search(row.protocol)
    return f"imagenet{found[1]}-val" if found is not None and row.file == "tokenizers" else ""


def measured_here(row: ReportedRow, card: str | None) -> tuple[str, str]:
    """Words, and the command that measures the same checkpoint under a named protocol; no command where none does."""
    task = nearest_task(row)
    if card is None:
        thing = "tokenizer" if row.file in _TOKENIZERS else "model"
        return f"{_NOTHING}No card here names the checkpoint of this {thing}.", ""
    if not task:
        return f"{_NOTHING}No task here resembles this protocol; vtbench show {card} tells the checkpoint.", ""
    command = shlex.join(["vtbench", "run", "--tokenizer", card, "--task", task, "--data", "DIR"])
    return f"{_NOTHING}This measures the same checkpoint, under the protocol of {task}:", command
