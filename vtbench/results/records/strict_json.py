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
    ``"inf"``, ``"-inf"``, ``"nan"`` become floats.

    Raises:
        ValueError: something that JSON cannot hold, or a key that is not text.
    """
    if isinstance(value, str):
        return NON_FINITE.get(value, str(value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        _check_keys(value)
        return {key: plain(value[key]) for key in sorted(value)}
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


def _check_keys(value: Mapping[Any, Any]) -> None:
    for key in value:
        if not isinstance(key, str):
            raise ValueError(f"a record's keys are text, got {key!r}")
