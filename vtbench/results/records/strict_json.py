"""Strict JSON for records: infinity and NaN, which JSON lacks, are the strings ``"inf"``, ``"-inf"``, ``"nan"``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePath
from typing import Any

from vtbench.core.outside.parsing import load_json
from vtbench.core.outside.seals import sealed

NON_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def plain(value: Any) -> Any:
    """Free-form content as plain data, keys sorted: what a record holds in memory equals what it reads back.

    Tuples and sets become lists, NumPy scalars and arrays become numbers and lists, paths become text; the strings
    ``"inf"``, ``"-inf"``, ``"nan"`` become floats, and whole numbers that are keys become text, as JSON has them.

    Raises:
        ValueError: something that JSON cannot hold, or a key that is neither text nor a whole number.
    """
    if isinstance(value, str):
        return NON_FINITE.get(value, str(value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        named = _by_text(value)
        return {key: plain(named[key]) for key in sorted(named)}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, PurePath):
        return value.as_posix()
    raise ValueError(f"a record cannot hold a {type(value).__name__}: {value!r:.80}")


def encode(value: Any) -> Any:
    """Plain data (and times) to what ``json`` writes strictly."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def dumps_sealed(value: Mapping[str, Any]) -> str:
    """As :func:`dumps`, with a digest over all of it at the end: see :mod:`vtbench.core.outside.seals`."""
    return dumps(sealed(encode(value)))


def dumps(value: Any) -> str:
    """Indented strict JSON that ends with a newline."""
    return json.dumps(encode(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def loads(text: str) -> Any:
    """Strict JSON to plain data; see :func:`vtbench.core.outside.parsing.load_json`, whose errors it raises."""
    return load_json(text)


def exact(value: Any) -> Any:
    """Floats as hexadecimal text, so that a digest tells any two bit patterns apart."""
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, Mapping):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [exact(item) for item in value]
    return value


def _by_text(value: Mapping[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, (str, int)) or isinstance(key, bool):
            raise ValueError(f"a record's keys are text, got {key!r}")
        if str(key) in found:
            raise ValueError(f"a record cannot hold two keys that read {str(key)!r}")
        found[str(key)] = item
    return found
