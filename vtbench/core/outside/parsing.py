"""Bytes from outside: read up to a bound, parsed up to a bound, and every way a parser fails told in one sentence.

A task, a prompt list, a checkpoint's configuration or a program's answer may be damaged or hostile. What its parser
raises is not what a person needs to read, and a file of 500 bytes can unfold to gigabytes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from vtbench.core.errors import DamagedFileError, UsageError, VtbenchError

MOST_TEXT_BYTES = 256 << 20
"""Of a text file that is read whole: a record with a failure for each of a million samples fits."""
MOST_YAML_BYTES = 1 << 20
MOST_YAML_NODES = 100_000
MOST_JSON_VALUES = 8_000_000
MOST_DEPTH = 64
_LONGEST_REASON = 200
_CHUNK = 1 << 20
_HALF_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")


@contextmanager
def boundary(problem: str, hint: str | None = None, kind: type[VtbenchError] = VtbenchError) -> Iterator[None]:
    """Run a parser: whatever it raises becomes ``PROBLEM: REASON``.

    An expected error passes as it is, and so do interrupts.

    Args:
        problem: names the file and what it is not: ``"rows.parquet is not a Parquet file"``.
        hint: what to do next.
        kind: the class of the error raised.
    """
    with _translated(lambda why: kind(f"{problem}: {why}", hint)):
        yield


@contextmanager
def stored(path: Path, problem: str, hint: str | None = None) -> Iterator[None]:
    """:func:`boundary` for a file that vtbench wrote itself: whatever is raised becomes a ``DamagedFileError``."""
    with _translated(lambda why: DamagedFileError(path, f"{problem}: {why}", hint)):
        yield


@contextmanager
def _translated(told: Callable[[str], VtbenchError]) -> Iterator[None]:
    try:
        yield
    except VtbenchError:
        raise
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":  # a parser in Rust gave up
            raise told(reason(error)) from error
        raise


def reason(error: BaseException) -> str:
    """What an exception says, in one line of bounded length; its class where it says nothing."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    try:
        said = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - an exception whose text cannot be made still has a class
        said = ""
    said = said or type(error).__name__
    return said if len(said) <= _LONGEST_REASON else f"{said[: _LONGEST_REASON - 1]}…"


def read_bytes(path: Path, most: int = MOST_TEXT_BYTES) -> bytes:
    """A whole file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is larger than ``most`` bytes.
    """
    with path.open("rb") as stream:
        # by the size that it has: memory for all that is asked for is taken at once
        wanted = min(os.fstat(stream.fileno()).st_size, most) + 1
        parts, total = [stream.read(wanted)], 0
        while (total := total + len(parts[-1])) <= most and len(parts[-1]) == wanted:  # a pipe, or it grew
            wanted = min(most + 1 - total, _CHUNK)
            parts.append(stream.read(wanted))
    if total > most:
        raise ValueError(f"it is larger than the {most >> 20} MiB that are read")
    return b"".join(parts)


def read_text(path: Path, most: int = MOST_TEXT_BYTES) -> str:
    """A whole text file, UTF-8 with or without a byte-order mark.

    Raises:
        UsageError: it cannot be read, is larger than ``most`` bytes, or is not UTF-8.
    """
    try:
        data = read_bytes(path, most)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path, too
        raise UsageError(f"{path} cannot be read: {reason(error)}", "is it the right file?") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a text file in UTF-8: byte {error.start}", "save it as UTF-8") from None


def parse_json(text: str, where: Path | str, hint: str | None = None, kind: type[VtbenchError] = VtbenchError) -> Any:
    """JSON to plain data, strictly: no ``NaN`` or ``Infinity``, which other readers refuse.

    Raises:
        VtbenchError: (or ``kind``) anything else, nested too deeply, or a number of too many digits.
    """
    with boundary(f"{where} is not JSON", hint, kind):
        return load_json(text)


def read_json(path: Path, kind: type[VtbenchError] = VtbenchError, hint: str | None = None) -> Any:
    """:func:`parse_json` of a file. Raises as that, and where the file cannot be read."""
    with boundary(f"{path} cannot be read", hint, kind):
        data = read_bytes(path)
    with boundary(f"{path} is not JSON", hint, kind):
        return load_json(data.decode("utf-8"))


def load_json(text: str, constants: bool = False) -> Any:
    """JSON to plain data, strictly and within bounds.

    Args:
        text: what is read.
        constants: take ``NaN``, ``Infinity`` and ``-Infinity``, which Python writes, as the numbers that they mean.

    Raises:
        ValueError: not JSON, ``NaN`` or ``Infinity``, more than :data:`MOST_JSON_VALUES` values, nested deeper than
            :data:`MOST_DEPTH`, a number of too many digits, or half a character.
        RecursionError: nested very much deeper.
    """
    if sum(text.count(mark) for mark in ",[{") > MOST_JSON_VALUES:
        raise ValueError(f"it holds more than {MOST_JSON_VALUES:,} values")
    content = json.loads(text, parse_constant=float if constants else _refuse_constant)
    _check_plain(content, _HALF_ESCAPED.search(text) is not None)
    return content


def parse_yaml(text: str, where: Path | str, loader: type[UniqueKeys] | None = None) -> Any:
    """YAML to plain data by :class:`yaml.SafeLoader`, bounded before anything is built.

    Args:
        text: what is read.
        where: its name in messages.
        loader: builds the data in a way of its own; :class:`UniqueKeys` where it is not given.

    Raises:
        UsageError: not YAML, a tag, a key given twice, or more bytes, nodes (aliases counted as often as they unfold)
            or levels than a person writes.
    """
    if len(text) > MOST_YAML_BYTES:
        raise UsageError(f"{where} is larger than the {MOST_YAML_BYTES >> 20} MiB of YAML that are read")
    with boundary(f"{where} is not YAML", "only plain data is read: no tags, no objects", UsageError):
        _check_bounds(yaml.parse(text, Loader=yaml.SafeLoader))
        content = (loader or UniqueKeys)(text).get_single_data()
        _check_plain(content, halves=True)
        return content


def _refuse_constant(name: str) -> float:
    raise ValueError(f'{name} is not JSON; write "inf", "-inf" or "nan"')


def _check_plain(content: Any, halves: bool) -> None:
    """Level by level, without recursion: what unfolds further would break whoever walks it.

    Args:
        halves: also look for surrogates that stand alone, which no output can encode.

    Raises:
        ValueError: too many levels, or half a character.
    """
    level, depth = [content], 0
    while level:
        if halves:
            keys = (key for part in level if isinstance(part, dict) for key in part)
            if any(isinstance(part, str) and _HALF.search(part) for part in (*level, *keys)):
                raise ValueError("it holds half a character: a surrogate that stands alone")
        parts = [part.values() if isinstance(part, dict) else part for part in level if isinstance(part, (dict, list))]
        if parts and depth == MOST_DEPTH:
            raise ValueError(f"it is nested deeper than {MOST_DEPTH} levels")
        level = [item for part in parts for item in part if halves or isinstance(item, (dict, list))]
        depth += 1


def _check_bounds(events: Iterator[yaml.Event]) -> None:
    """Count what aliases unfold to, by the events alone.

    Raises:
        ValueError: too many nodes or levels.
    """
    sizes: dict[str | None, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise ValueError(f"the alias *{event.anchor} stands before or inside what it names")
            total += sizes[event.anchor]
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, total))
            total += 1
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor:
                sizes[anchor] = total - before
        if len(open_nodes) > MOST_DEPTH:
            raise ValueError(f"it is nested deeper than {MOST_DEPTH} levels")
        if total > MOST_YAML_NODES:
            raise ValueError(f"it unfolds to more than {MOST_YAML_NODES:,} values")


class UniqueKeys(yaml.SafeLoader):
    """Of a key given twice, PyYAML keeps the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping. Raises ``ConstructorError`` where a key is given twice, or is no text, number or the like."""
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self._key(key_node)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
            seen.add(key)
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made

    def _key(self, node: yaml.Node) -> Any:
        make: Callable[..., Any] = self.construct_object
        key = make(node, deep=True)
        try:
            hash(key)
        except TypeError:
            raise yaml.constructor.ConstructorError(None, None, "a key must be text", node.start_mark) from None
        return key
