"""Ranges of files from web servers, over connections that are kept: a request for each image costs one way there.

Range requests are those of RFC 9110, section 14. ``HEAD`` is not used: signed addresses hold for ``GET`` alone.
"""

from __future__ import annotations

import os
import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.core.outside.parsing import reason
from vtbench.core.secrets import masked
from vtbench.data.stores.pieces import Piece

if TYPE_CHECKING:
    import requests

_SECONDS = (10, 60)
"""To connect, and between two parts of an answer."""
PAUSES = (0.5, 2.0, 8.0)
"""Seconds before an attempt is repeated, where the server or the way to it failed."""
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_PASSING = (408, 429, 500, 502, 503, 504)


class _PassingError(OSError):
    """The next attempt may succeed."""


def stat(url: str) -> Piece:
    """Size and tag of a file. Raises ``OSError``."""
    return read(url, 0, 1)


def read(url: str, offset: int, size: int) -> Piece:
    """``size`` bytes from ``offset``, or those to the end of the file.

    Raises:
        OSError: no such file, no right to it, a server that gives no ranges, or one that failed four times.
        AssetMissingError: the package ``requests`` is not installed.
    """
    for pause in (*PAUSES, None):
        try:
            return _asked(url, offset, size)
        except _PassingError:
            if pause is None:
                raise
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _asked(url: str, offset: int, size: int) -> Piece:
    session, failures = _session(os.getpid()), _failures()
    wanted = {"Range": f"bytes={offset}-{offset + size - 1}", "Accept-Encoding": "identity"}
    try:
        with session.get(url, headers=wanted, stream=True, timeout=_SECONDS) as response:
            first, last, total = _range(response)
            if first != offset or last - first >= size:
                raise OSError(f"bytes {first} to {last} came instead of {size} from {offset}")
            data = response.raw.read(size, decode_content=False)
            if len(data) != last - first + 1:
                raise _PassingError(f"the connection ended after {len(data)} of {last - first + 1} bytes")
            return Piece(data, total, response.headers.get("ETag", ""))
    except failures as error:
        raise _PassingError(f"the server cannot be reached: {masked(_innermost(error))}") from None


def _range(response: requests.Response) -> tuple[int, int, int | None]:
    """First byte, last byte and size of the whole. Raises ``OSError``."""
    status = response.status_code
    if status in _PASSING:
        raise _PassingError(f"the server answered {status}")
    if status == 200:
        raise OSError("the server gives whole files only, not ranges of bytes: download it and give the path")
    found = _RANGE.fullmatch(response.headers.get("Content-Range", "")) if status == 206 else None
    if found is None:
        told = {401: " (no right to it)", 403: " (no right to it)", 404: " (no such file)", 416: " (it ends before)"}
        raise OSError(f"the server answered {status}{told.get(status, '')}")
    return int(found[1]), int(found[2]), None if found[3] == "*" else int(found[3])


@lru_cache(maxsize=1)
def _session(process: int) -> requests.Session:  # noqa: ARG001 - it is what the cache goes by
    """One a process: a connection that two share after a fork mixes their answers."""
    try:
        import requests
        from requests.adapters import HTTPAdapter
    except ImportError as error:
        raise AssetMissingError("reading by URL needs the package requests", install_extra("remote")) from error
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=16, pool_maxsize=16))
    return session


def _failures() -> tuple[type[Exception], ...]:
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    return RequestException, HTTPError


def _innermost(error: Exception) -> str:
    """The reason at the bottom of urllib3's chain, which alone says something."""
    cause: Any = error
    while (inner := cause.__cause__ or getattr(cause, "reason", None)) is not None and isinstance(inner, Exception):
        cause = inner
    return reason(cause)
