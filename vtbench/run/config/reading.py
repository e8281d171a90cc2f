"""From a file, or from stdin, to a :class:`RunConfig`: bounded, strict, and without anything being imported."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import parse_reference
from vtbench.core.naming.trust import refuse_code
from vtbench.core.outside.parsing import MOST_YAML_BYTES, boundary, parse_yaml, read_text
from vtbench.run.config.as_typed import MODELS, AsTyped
from vtbench.run.config.places import refuse_misread, taken_from
from vtbench.run.config.refusals import HELP, problems
from vtbench.run.config.schema import RunConfig
from vtbench.tasks.files import YAML_SUFFIXES, read_mapping

STDIN = "-"


def read_configs(places: Sequence[str], trusted: Collection[Path] = ()) -> RunConfig:
    """What ``--config`` names: one file, or nothing, which is every default.

    Raises:
        UsageError: several files, of which none could be told to come first; or as :func:`read_config`.
    """
    if any(not place.strip() for place in places):
        raise UsageError("--config is empty", "give it a value, or leave it out")
    if len(places) > 1:
        raise UsageError(f"--config is given {len(places)} times", "one file says it all; flags replace what it says")
    return read_config(places[0], trusted) if places else RunConfig.model_validate({})


def read_config(place: str, trusted: Collection[Path] = ()) -> RunConfig:
    """The invocation that a YAML file holds.

    Paths of tasks and of a suite are taken from the file's folder, as those in a suite are; everything else means what
    it means on the command line.

    Args:
        place: path of the file, or ``-`` for stdin, whose folder is the current one.
        trusted: files, or folders of files, whose code and programs may run; of stdin, only ``-`` itself.

    Raises:
        UsageError: unreadable, not YAML, an unknown key (with a suggestion), a value that does not fit, a masked
            credential, or code that is named without the file being trusted.
    """
    piped = place == STDIN
    file = Path(STDIN) if piped else user_path(place)
    where = "stdin" if piped else str(file)
    content = parse_yaml(_stdin() if piped else read_text(file), where, AsTyped)
    if not isinstance(content, dict):
        raise UsageError(f"{where} {_no_mapping(content)}", HELP)
    allowed = [path for path in trusted if str(path) == STDIN] if piped else trusted
    refuse_code(content, file, allowed)
    config = _validated(content, where)
    for told in (config.content, _arguments(config)):  # name and arguments apart may be code together
        refuse_code(told, file, allowed)
    refuse_misread(config, where, file.parent)
    return taken_from(file.parent, config)


def _arguments(config: RunConfig) -> dict[str, Any]:
    """Arguments of each model as they are resolved: one may name another model."""
    return {key: [parse_reference(str(model)).args for model in getattr(config, key)] for key in MODELS}


def is_config_file(text: str) -> bool:
    """Whether ``text`` is the path of a YAML file that holds a run config: nothing that a suite or task must have."""
    path = user_path(text)
    if not (text.endswith(YAML_SUFFIXES) and path.is_file()):
        return False
    keys = read_mapping(path).keys()
    return bool(keys) and keys <= RunConfig.model_fields.keys()


def _stdin() -> str:
    with boundary("stdin cannot be read", HELP, UsageError):
        return sys.stdin.buffer.read(MOST_YAML_BYTES + 1).decode("utf-8")


def _no_mapping(content: Any) -> str:
    return "is empty" if content is None else f"must hold a mapping, not {type(content).__name__}"


def _validated(content: dict[Any, Any], where: str) -> RunConfig:
    told = f"{where} is not a valid run config"
    with boundary(told, HELP, UsageError):
        try:
            return RunConfig.model_validate(content)
        except ValidationError as error:
            raise UsageError(f"{told}: {problems(error)}", HELP) from None
