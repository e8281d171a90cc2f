"""Bytes from outside fail in one sentence, in bounded time and memory."""

from __future__ import annotations

import os
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from vtbench.core.errors import DamagedFileError, UsageError, VtbenchError
from vtbench.core.outside.misfits import misfits
from vtbench.core.outside.parsing import boundary, parse_json, parse_yaml, read_bytes, read_text, reason, stored

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


def test_an_alias_bomb_is_refused_before_it_unfolds() -> None:
    assert len(BOMB) < 600
    tracemalloc.start()
    with pytest.raises(UsageError, match=r"task\.yaml is not YAML: it unfolds to more than 100,000 values"):
        parse_yaml(BOMB, "task.yaml")
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 5000, "nested deeper than 64"),
        ("{a: " * 5000, "nested deeper than 64"),
        ("- " * 5000 + "x", "nested deeper than 64"),
        ("a: 1\na: 2", "'a' is given twice"),
        ("!!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a: &a [*a]", "before or inside what it names"),
        ("? [1]\n: 2", "a key must be text"),
        ("? {b: 1}\n: 2", "a key must be text"),
        ("a: 2024-99-99", "month"),
        ("\x00", "special characters"),
        ("a: *nowhere", "before or inside"),
        ("a: " + "9" * 5000, "digits"),
        ('a: "\\ud800"', "half a character"),
    ],
)
def test_yaml_that_is_none_is_told_in_one_line(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_yaml(text, "t.yaml")
    assert told in caught.value.what and "\n" not in caught.value.what and len(caught.value.what) < 300


def test_ordinary_yaml_with_anchors_and_merges_is_read() -> None:
    text = "base: &b {x: 1, y: [1, 2]}\nmore: {<<: *b, x: 3}\nlist: [*b, *b]\n"
    assert parse_yaml(text, "t.yaml") == yaml.safe_load(text)


def told_by(parse: Callable[[], object], otherwise: str) -> str:
    """What a parser says in one line, or ``otherwise`` where it reads the text."""
    try:
        parse()
    except VtbenchError as error:
        return error.what if "\n" not in error.what else ""
    return otherwise


@given(st.text())
def test_any_text_is_yaml_or_one_sentence(text: str) -> None:
    refusal = "t.yaml is not YAML: "
    assert told_by(lambda: parse_yaml(text, "t.yaml"), refusal).startswith(refusal)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("NaN", "NaN is not JSON"),
        ("9" * 5000, "digits"),
        ('{"a": }', "Expecting"),
        ("[" * 65 + "]" * 65, "nested deeper than 64"),
        ('["\\ud800"]', "half a character"),
        ('[{"\\udfff": 1}]', "half a character"),
    ],
)
def test_json_that_is_none_is_told_in_one_line(text: str, told: str) -> None:
    with pytest.raises(VtbenchError) as caught:
        parse_json(text, "x.json")
    assert told in caught.value.what and "\n" not in caught.value.what


def test_json_within_bounds_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_json("[" * 64 + "]" * 64, "x.json") and parse_json('["\\ud83d\\ude00"]', "x.json") == ["\U0001f600"]
    monkeypatch.setattr("vtbench.core.outside.parsing.MOST_JSON_VALUES", 3)
    with pytest.raises(VtbenchError, match="more than 3 values"):
        parse_json("[1, 2, 3, 4]", "x.json")


def test_damage_of_stored_files_and_parsers_that_panic_are_told(tmp_path: Path) -> None:
    class PanicException(BaseException):
        pass

    with pytest.raises(DamagedFileError, match="f is no thing: gone") as caught, stored(tmp_path / "f", "is no thing"):
        raise PanicException("gone")
    assert caught.value.path == tmp_path / "f"


@given(st.text())
def test_any_text_is_json_or_one_sentence(text: str) -> None:
    refusal = "x.json is not JSON: "
    assert told_by(lambda: parse_json(text, "x.json"), refusal).startswith(refusal)


def test_a_text_file_is_read_up_to_a_bound(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xef\xbb\xbfa\n")
    assert read_text(file) == "a\n"
    with pytest.raises(UsageError, match="larger than"):
        read_text(file, most=3)
    file.write_bytes(b"a\xff")
    with pytest.raises(UsageError, match="not a text file in UTF-8: byte 1"):
        read_text(file)
    for gone in (tmp_path / "b", tmp_path, Path("a\0b"), tmp_path / ("n" * 300)):
        with pytest.raises(UsageError, match="cannot be read"):
            read_text(gone)


def test_whatever_a_parser_raises_is_one_sentence_and_expected_errors_pass() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    for error, told in (
        (MuteError(), "MuteError"),
        (MemoryError(), "more memory"),
        (RecursionError("x"), "nested"),
        (KeyError("k"), "'k'"),
    ):
        with pytest.raises(VtbenchError, match=told), boundary("f is no thing"):
            raise error
    with pytest.raises(UsageError, match="mine"), boundary("f is no thing"):
        raise UsageError("mine")
    with pytest.raises(KeyboardInterrupt), boundary("f is no thing"):
        raise KeyboardInterrupt
    assert len(reason(ValueError("x" * 9999))) == 200


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
def test_a_file_is_read_whole_up_to_the_bound(tmp_path: Path, size: int) -> None:
    path = tmp_path / "f"
    path.write_bytes(bytes(range(256)) * 4)
    path.write_bytes(path.read_bytes()[:size])
    assert read_bytes(path, 1000) == path.read_bytes()
    path.write_bytes(bytes(1001))
    with pytest.raises(ValueError, match="larger than"):
        read_bytes(path, 1000)


def test_reading_takes_the_memory_of_the_file_not_of_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(bytes(5000))
    tracemalloc.start()
    try:
        assert len(read_bytes(path, 1 << 34)) == 5000
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_file_of_no_known_size_is_read_up_to_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    for size, fits in ((3_000_000, True), (3_000_001, False)):
        writer = threading.Thread(target=_written, args=(path, size))
        writer.start()
        if fits:
            assert len(read_bytes(path, 3_000_000)) == size
        else:
            with pytest.raises(ValueError, match="larger than"):
                read_bytes(path, 3_000_000)
        writer.join()


def _written(path: Path, size: int) -> None:
    with suppress(BrokenPipeError), path.open("wb") as stream:
        stream.write(bytes(size))


def test_what_does_not_fit_is_one_line_whatever_keys_are_made_of() -> None:
    class Form(BaseModel):
        model_config = ConfigDict(extra="forbid")
        a: int = 0

    with pytest.raises(ValidationError) as found:
        Form.model_validate({f"x\n{number}\r": 1 for number in range(6)})
    told = misfits(found.value, "form")
    assert (
        "\n" not in told and "\r" not in told and told.startswith("x 0 : Extra inputs") and told.endswith("(+2 more)")
    )
