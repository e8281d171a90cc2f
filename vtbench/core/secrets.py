"""Credentials and names of people are masked before they reach a record, a report, a folder name or a log.

What decides a number is read before masking; what is written down or shown is masked. A mask is ``***``.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

MASK = "***"
Value = TypeVar("Value")

# Names that say "secret" by themselves. Tokens of a vocabulary, ``tokens``, ``image_key`` and ``key_dim`` do not.
_VOCABULARY = r"(?!(?:mask|eos|bos|pad|unk|cls|sep|special|start|end|stop|image|text|class|null|per|a)[_-]token)"
_KINDS = "api|access|secret|private|account|auth|client|signing|session|subscription|service|hub|hf"
_NAME = (
    rf"{_VOCABULARY}(?:[a-z0-9]+[_-])*?{_VOCABULARY}"
    r"(?:token|secret|password|passwd|passphrase|pwd|credentials?|apikey|bearer|signature|sig)"
    rf"|key|(?:[a-z0-9]+[_-])*(?:{_KINDS})[_-]?(?:key|token|secret)(?:[_-]?id)?"
)
_USERINFO = re.compile(r"(?P<scheme>(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}://)(?P<user>[^\s/?#@]+)@", re.IGNORECASE)
# NAME=VALUE in an argument or a query string, NAME: VALUE in a header or JSON, --NAME VALUE. A colon after a bare
# ``key`` or ``token`` without quotes is prose: "missing key: encoder.weight".
_START, _VALUE = r"(?<![\w-])(?P<name>(?:--?|x-amz-|x-goog-)?(?:", r"(?P<quote>[\"']?)(?P<value>[^\s\"'&,;]+)"
_PAIR = re.compile(rf"{_START}{_NAME}))(?P<end>\s*=\s*){_VALUE}", re.IGNORECASE)
_FIELD = re.compile(rf"{_START}{_NAME}))(?P<end>[\"']\s*[:=]\s*){_VALUE}", re.IGNORECASE)
_HEADER = re.compile(
    rf"{_START}(?:[a-z0-9]+[_-])*(?:{_KINDS})[_-](?:token|key|secret)|password|passwd))(?P<end>\s*:\s+){_VALUE}",
    re.IGNORECASE,
)
_OPTION = re.compile(rf"(?<!\S)(?P<name>--(?:{_NAME}))(?P<end>\s+)(?P<value>(?!--)\S+)", re.IGNORECASE)
_BEARER = re.compile(r"\b(?P<name>bearer|basic)(?P<end>\s+)(?P<value>[A-Za-z0-9+/=._~-]{8,})", re.IGNORECASE)
# Tokens that give themselves away by their form, wherever they stand.
_KNOWN = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk-[A-Za-z0-9_-]{20,}"
    r"|xox[abprs]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,})"
)
# What stands for a value in messages and pages, ``NAME,key=value``, is none.
_NO_SECRET = re.compile(
    rf"(?:{re.escape(MASK)}.*|true|false|none|null|value|…|[-+]?\d{{1,6}}(?:\.\d*)?)$", re.IGNORECASE
)
_OPTION_NAME = re.compile(rf"--(?:{_NAME})", re.IGNORECASE)
_FIELD_NAME = re.compile(rf"(?:{_NAME})", re.IGNORECASE)
_OTHER_HOME = re.compile(r"(?P<root>(?<![\w.~-])(?:/home|/Users)/|\b[A-Z]:[\\/]+Users[\\/]+)(?P<user>[^/\\\s\"',*]+)")
_COMMON_USERS = frozenset({"root", "user", "ubuntu", "admin", "runner", "nobody", "jovyan", "debian", "ec2-user"})


def masked(text: str) -> str:
    """``text`` with credentials masked and homes shortened: ``~/data``, ``https://***@host``, ``token=***``."""
    return _without_people(_without_secrets(text))


def masked_value(value: Value, name: str = "") -> Value:
    """Plain data (text, mappings, lists, tuples) with :func:`masked` applied to every text in it.

    A text whose key names a secret (``{"token": "x"}``) and the word after an option that does (``--token x``) are
    masked whole.
    """
    result: Any = value
    if isinstance(value, str):
        secret = bool(name) and _FIELD_NAME.fullmatch(name) is not None and not _NO_SECRET.match(value) and value
        result = MASK if secret else masked(value)
    elif isinstance(value, Mapping):
        result = {key: masked_value(item, str(key)) for key, item in value.items()}
    elif isinstance(value, (list, tuple)):
        result = type(value)(_masked_words(list(value)))
    return cast(Value, result)


def secrets_in(value: Any, where: str = "") -> Iterator[str]:
    """Dotted names of the fields of plain data that still look like they hold a credential."""
    if isinstance(value, str):
        if _without_secrets(value) != value or masked_value(value, where.rpartition(".")[2]) == MASK != value:
            yield where
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from secrets_in(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, (list, tuple)):
        for place, (before, after) in enumerate(zip(value, _masked_words(list(value)), strict=True)):
            if isinstance(before, str) and after == MASK != before:
                yield f"{where}.{place}"
            else:
                yield from secrets_in(before, f"{where}.{place}")


def _masked_words(words: list[Any]) -> list[Any]:
    found, after_option = [], False
    for word in words:
        hides = after_option and isinstance(word, str) and not word.startswith("-") and not _NO_SECRET.match(word)
        found.append(MASK if hides else masked_value(word))
        after_option = isinstance(word, str) and _OPTION_NAME.fullmatch(word) is not None
    return found


def _without_secrets(text: str) -> str:
    text = _USERINFO.sub(lambda found: f"{found['scheme']}{MASK}@", text)
    for pattern in (_PAIR, _FIELD, _HEADER, _OPTION, _BEARER):
        text = pattern.sub(_hidden, text)
    return _KNOWN.sub(MASK, text)


def _hidden(found: re.Match[str]) -> str:
    if _NO_SECRET.match(found["value"]):
        return found[0]
    parts = found.groupdict()
    return f"{parts['name']}{parts['end']}{parts.get('quote') or ''}{MASK}"


def _without_people(text: str) -> str:
    home, user = _home()
    if home:
        text = re.sub(rf"(?<![\w.~-]){re.escape(home)}(?=[/\\]|$|[\s\"',;:])", "~", text)
    text = _OTHER_HOME.sub(lambda found: f"{found['root']}{MASK}", text)
    return re.sub(rf"(?<=[/\\]){re.escape(user)}(?=[/\\]|$|[\s\"',;:])", MASK, text) if user else text


@lru_cache(maxsize=1)
def _home() -> tuple[str, str]:
    """This user's home and name; empty where there is none worth hiding."""
    try:
        home, user = str(Path.home()), getpass.getuser()
    except (RuntimeError, KeyError, OSError, ImportError):
        return "", ""
    return ("" if home in ("/", "") else home), ("" if user in _COMMON_USERS or len(user) < 3 else user)
