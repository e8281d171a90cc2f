"""What can be written, and what to do with it next."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from vtbench.core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of template.

    Attributes:
        word: how ``vtbench new`` calls it; the files are ``files/WORD.*.txt`` and ``files/WORD_test.py.txt``.
        suffix: of the file that is written: Python, or YAML for a task.
        separator: between the words of its public name.
        following: commands and lines to go on with; ``$reference``, ``$path``, ``$name``, ``$module`` and ``$cls`` are
            filled in.
    """

    word: str
    suffix: str = ".py"
    separator: str = "-"
    following: tuple[str, ...]


KINDS = {
    kind.word: kind
    for kind in (
        Kind(
            word="tokenizer",
            following=("vtbench doctor $reference", "vtbench run --tokenizer $reference --task photos-mini"),
        ),
        Kind(
            word="generator",
            following=("vtbench doctor $reference", "vtbench run --generator $reference --task generation-mini"),
        ),
        Kind(
            word="metric",
            separator="_",
            following=(
                "vtbench new task my-task",
                "in the task's YAML: image_metrics: [psnr, $reference]",
                "vtbench run --task ./my-task.yaml --trust ./my-task.yaml --tokenizer jpeg,quality=10",
            ),
        ),
        Kind(
            word="task",
            suffix=".yaml",
            following=("vtbench show $path", "vtbench run --task $path --tokenizer jpeg,quality=10"),
        ),
        Kind(
            word="dataset",
            following=("vtbench run --data $reference,path=index.csv --task folder --tokenizer jpeg,quality=10",),
        ),
        Kind(
            word="reader",
            following=("in the YAML of a text task: reader: {name: $reference}; run that file with --trust FILE",),
        ),
        Kind(
            word="extractor",
            separator="_",
            following=(
                'in a package\'s pyproject.toml: [project.entry-points."vtbench.features"] $name = "$module:$cls"',
                "in a task's YAML, once that is installed: set_metrics: [fd_$name, kid_$name]",
            ),
        ),
    )
}


def find_kind(word: str) -> Kind:
    """The kind of that name.

    Raises:
        UsageError: there is none; with a suggestion.
    """
    if word in KINDS:
        return KINDS[word]
    close = difflib.get_close_matches(word, KINDS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(KINDS)}"
    raise UsageError(f"there is no template of a {word!r}", hint)
