"""Whether the prompts that were judged are the benchmark's, and all of them."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.core.digests import digest_json
from vtbench.run.judging.asked import ORIGINAL, Asked
from vtbench.run.judging.source import Brought, Format
from vtbench.tasks import TaskSpec


def fingerprint(asked: Asked, form: Format, brought: Brought, task: TaskSpec) -> str:
    """What numbers must have in common to compare: the benchmark and its list, or somebody's own prompts.

    It is that of the benchmark where some prompts were not judged, too: two such runs compare on those that both have.
    """
    assert task.judged is not None
    if form.is_open:
        return digest_json([task.name, brought.found.prompts], length=32)
    others = brought.found.texts if other_texts(asked, form, brought, task) else []
    return digest_json([form.name, task.judged.prompt_set, others], length=32)


def other_texts(asked: Asked, form: Format, brought: Brought, task: TaskSpec) -> list[str]:
    """A warning where as many prompts as the benchmark has are not its own, and nothing says why."""
    assert task.judged is not None
    wanted, texts = form.texts.get(task.judged.prompt_set), brought.found.texts
    if asked.prompts != ORIGINAL or wanted is None or len(texts) != task.data.expected_count:
        return []
    if digest_of_texts(texts) == wanted:
        return []
    return [f"the prompts are not those of {form.name}: --prompts rewritten, where they are its own in other words"]


def digest_of_texts(texts: Sequence[str]) -> str:
    """Of prompts, in any order."""
    return digest_json(sorted(texts), length=16)


def lacking(brought: Brought) -> list[str]:
    """A warning for each metric on another number of prompts than the benchmark has, where metrics have their own."""
    if len(brought.metrics) < 2:
        return []  # told of the samples as a whole
    heads = [(column.partition(":")[0], column) for column in brought.found.columns]
    told = []
    for name, count in brought.expected.items():
        having = max((brought.found.having(column) for head, column in heads if head == name), default=0)
        if count and having != count:
            told.append(f"{name}: {having} prompts, where the benchmark has {count}")
    return told if len({*brought.expected.values()}) > 1 else []
