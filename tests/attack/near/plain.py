"""Text that is nearly what a reader expects: JSON, JSON lines, YAML, CSV, and bytes that are nearly a file."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import yaml
from hypothesis import strategies as st

Bytes = st.SearchStrategy[bytes]
Draw = Callable[[st.SearchStrategy[Any]], Any]

_TOKENS = (
    *("NaN", "-Infinity", "1e999", "-0", "0x7f", "9" * 5000, "18446744073709551616", "[" * 3000, '{"a":' * 3000),
    *(
        '"\\ud800"',
        '"\\u0000"',
        "\ufeff",
        "\u2028",
        "x" * 70_000,
        "[1, 2",
        "{",
        "'",
        "1_0",
        "2024-99-99",
        "\0",
        "\x1b[2J",
    ),
    *(
        "&a [*a]",
        "*a",
        "{<<: *a}",
        "!!python/object/apply:os.system [true]",
        "!!binary x",
        "? [1]\n: 2",
        "\n---\n",
        "- " * 999,
    ),
)
_TEXTS = (
    "",
    " ",
    "nan",
    "inf",
    "../../x",
    "/etc/passwd",
    "a\0b",
    "é",
    "\U0001f600",
    "=1+1",
    "./m.py:X",
    "os:system",
    "~",
    "\n",
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from((0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**300, 0.5, -0.0, 1e308)),
    st.sampled_from(_TEXTS),
    st.text(max_size=6),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.sampled_from(("a", "", "name", "id", "value", "sha256")), SCALARS, max_size=2),
)
_PLACEHOLDER = re.compile(r'"?@(\d+)@"?')


def tokens() -> st.SearchStrategy[str]:
    """What no encoder writes: stands for itself once the text is made."""
    return st.integers(0, len(_TOKENS) - 1).map(lambda number: f"@{number}@")


@st.composite
def altered(draw: Draw, template: Any, others: st.SearchStrategy[Any] = VALUES, most: int = 2) -> Any:
    """A copy of plain data in which up to ``most`` places hold another value, are gone, or are named otherwise."""
    content = [copy.deepcopy(template)]
    for _ in range(draw(st.integers(0, most))):
        holder, key = draw(st.sampled_from(list(_places(content))[1:] or [(content, 0)]))
        action = draw(st.sampled_from(("value", "value", "value", "gone", "renamed", "wrapped", "another's")))
        if action == "gone" and holder is not content:  # the whole is never gone
            del holder[key]
        elif action == "renamed" and isinstance(holder, dict):
            holder[draw(st.sampled_from((*_TEXTS, f"{key}x")))] = holder.pop(key)
        elif action == "wrapped":
            whole = holder[key]
            holder[key] = ([whole], {"a": whole}, [whole, copy.deepcopy(whole)])[draw(st.integers(0, 2))]
        elif action == "another's":
            whose, name = draw(st.sampled_from(list(_places(content))))
            holder[key] = copy.deepcopy(whose[name])
        else:
            holder[key] = copy.deepcopy(draw(others))
    return content[0]


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    keys = content if isinstance(content, dict) else range(len(content))
    for key in keys:
        yield content, key
        if isinstance(content[key], (dict, list)):
            yield from _places(content[key])


@st.composite
def flawed(draw: Draw, data: bytes, most: int = 2) -> bytes:
    """Up to ``most`` spans overwritten, taken out, put in or doubled; often none."""
    for _ in range(draw(st.sampled_from((0,) * 8 + tuple(range(1, most + 1))))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.sampled_from((0, 1, 2, 4, 8, 60, 2**30))))
        new = draw(
            st.one_of(st.binary(max_size=8), st.sampled_from((b"", b"\xff" * 8, b"\0" * 8, data[start:stop] * 2)))
        )
        data = data[:start] + new + data[stop:]
    return data


def _with_tokens(text: str) -> str:
    return _PLACEHOLDER.sub(lambda found: _TOKENS[int(found[1]) % len(_TOKENS)], text)


@st.composite
def json_files(draw: Draw, seeds: Sequence[bytes]) -> bytes:
    """JSON with other values, keys and tokens."""
    content = draw(altered(json.loads(draw(st.sampled_from(seeds))), st.one_of(VALUES, VALUES, VALUES, tokens())))
    text = json.dumps(content, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from((None, 1))))
    return draw(flawed(_with_tokens(text).encode(errors="surrogatepass")))


@st.composite
def sealed_files(draw: Draw, seeds: Sequence[bytes], inner: str | None = None) -> bytes:
    """JSON of another content, behind a right seal: of the whole, or of each entry of ``inner``."""
    from vtbench.core.outside.seals import SEAL, sealed

    def bare(part: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in part.items() if key != SEAL}

    def seal(part: Any) -> Any:
        return sealed(bare(part)) if isinstance(part, dict) else part

    content = draw(altered(bare(json.loads(draw(st.sampled_from(seeds)))), most=4))
    if inner is None:
        content = seal(content)
    elif isinstance(content, dict) and isinstance(content.get(inner), list):
        content[inner] = [seal(part) for part in content[inner]]
    return draw(flawed(json.dumps(content).encode(), 1))


@st.composite
def json_lines(draw: Draw, seeds: Sequence[bytes]) -> bytes:
    """Lines of JSON with other values, between lines that are none."""
    templates = [json.loads(line) for seed in seeds for line in seed.decode().splitlines() if line.startswith("{")]
    others = st.one_of(VALUES, VALUES, VALUES, tokens())
    near = st.sampled_from(templates).flatmap(lambda one: altered(one, others)).map(json.dumps).map(_with_tokens)
    line = st.one_of(
        near,
        near,
        near,
        st.sampled_from(("", " ", "#", "talk", "null", "[]", "{}", "{", '"', "\0", "\ufeff{}")),
    )
    text = draw(st.sampled_from(("\n", "\r\n", "\r", "\n\n"))).join(draw(st.lists(line, max_size=4)))
    return draw(flawed(text.encode(errors="surrogatepass")))


@st.composite
def yaml_files(draw: Draw, seeds: Sequence[bytes]) -> bytes:
    """YAML with other values, keys, tags, anchors and aliases."""
    content = draw(altered(yaml.safe_load(draw(st.sampled_from(seeds))), st.one_of(VALUES, VALUES, tokens())))
    flow = draw(st.sampled_from((None, True, False)))
    text = yaml.safe_dump(content, default_flow_style=flow, allow_unicode=True, sort_keys=False)
    head = draw(st.sampled_from(("", "", "%YAML 1.1\n---\n", "&a\n", "a: &a {b: 1}\n", "\ufeff", "# c\n\n")))
    return draw(flawed((head + re.sub(r"'?@(\d+)@'?", r"@\1@", _with_tokens(text))).encode(errors="surrogatepass")))


@st.composite
def csv_files(draw: Draw, seeds: Sequence[bytes]) -> bytes:
    """Tables with other cells, columns and lengths of rows, quoted otherwise."""
    rows = list(csv.reader(io.StringIO(draw(st.sampled_from(seeds)).decode(), newline="")))
    cell = st.one_of(st.sampled_from((*_TEXTS, '"', ",", "1e999", "-1", "x" * 140_000)), st.text(max_size=4))
    changed = draw(altered(rows[:1] + draw(st.lists(st.sampled_from(rows[1:]), max_size=3)), cell, most=4))
    table = [row if isinstance(row, list) else [row] for row in (changed if isinstance(changed, list) else [changed])]
    target = io.StringIO(newline="")
    writer = csv.writer(
        target,
        delimiter=draw(st.sampled_from((",", ",", ",", ";", "\t"))),
        quoting=draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))),
        lineterminator=draw(st.sampled_from(("\n", "\r\n", "\r"))),
    )
    writer.writerows([[one if isinstance(one, str) else json.dumps(one) for one in row] for row in table])
    return draw(flawed(target.getvalue().encode(errors="surrogatepass")))


@st.composite
def texts(draw: Draw, seeds: Sequence[bytes]) -> bytes:
    """Text in which parts are other text."""
    token = st.one_of(st.sampled_from((*_TOKENS, *_TEXTS)), st.text(max_size=5)).map(
        lambda one: one.encode(errors="surrogatepass")
    )
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        data = data[:start] + draw(token) + data[start + draw(st.sampled_from((0, 0, 1, 5))) :]
    return draw(flawed(data))
