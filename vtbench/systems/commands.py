"""What a command of a row names, held against what there is: models with their arguments, tasks and suites."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping

from vtbench.core.errors import VtbenchError
from vtbench.core.naming.reference import parse_reference
from vtbench.core.naming.sweeps import swept
from vtbench.generators.resolve import generator_arguments
from vtbench.systems.entries import Coverage, Run
from vtbench.tasks import load_suite, load_task
from vtbench.tokenizers.resolve import tokenizer_arguments


def problems(coverage: Coverage) -> list[str]:
    """A line each: rows whose command names what is not there. Imports the adapters that are named."""
    return [f"{system.name}: {told}" for system in coverage.systems for run in system.runs for told in _told(run)]


def options(command: str) -> list[tuple[str, str]]:
    """Every option of a command with its value (empty for none), and the words without one under no name.

    ``vtbench run -g var-d16`` is ``("", "run")``, ``("-g", "var-d16")``.
    """
    words = shlex.split(command)[1:]
    found: list[tuple[str, str]] = []
    while words:
        word = words.pop(0)
        valued = word.startswith("-") and words and not words[0].startswith("-")
        found.append((word, words.pop(0)) if valued else (word, "") if word.startswith("-") else ("", word))
    return found


def _told(run: Run) -> Iterator[str]:
    named = options(run.command)
    if ("", "run") in named and not any(option in _MODELS for option, _ in named):
        yield f"{run.command} names no model"
    for option, value in named:
        try:
            _NAMED.get(option, _nothing)(value)
        except VtbenchError as error:
            yield f"{option} {value}: {error.what}"


def _generator(text: str) -> None:
    for one in swept([text]):
        generator_arguments(parse_reference(one))


def _tokenizer(text: str) -> None:
    for one in swept([text]):
        tokenizer_arguments(parse_reference(one))


def _task(text: str) -> None:
    if not text.endswith((".yaml", ".yml")):  # one of the reader's own
        load_task(text)


def _nothing(text: str) -> None:
    del text


_MODELS = ("-g", "--generator", "-t", "--tokenizer", "--suite")
_NAMED: Mapping[str, Callable[[str], object]] = {
    "-g": _generator,
    "--generator": _generator,
    "-t": _tokenizer,
    "--tokenizer": _tokenizer,
    "--task": _task,
    "--suite": load_suite,
}
