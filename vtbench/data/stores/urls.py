"""What counts as a URL, what its file is called, and when it may not be asked."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit, urlunsplit

from vtbench.core.errors import AssetMissingError
from vtbench.core.network import offline
from vtbench.core.secrets import masked

SCHEMES = ("https", "http", "s3", "gs", "hf", "memory")
"""Those that are read: others of fsspec (``file``, ``zip``, ``ssh`` …) are local, chained, or run something."""
_URL = re.compile(rf"(?:{'|'.join(SCHEMES)})://", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Whether this is the address of something in a store."""
    return _URL.match(text) is not None


def is_http(url: str) -> bool:
    """Whether a web server answers for it."""
    return url[:5].lower() in ("http:", "https")


def path_of(url: str) -> str:
    """The path alone, unquoted: no query, in which signatures stand."""
    return unquote(urlsplit(url).path) if is_http(url) else url.split("://", 1)[1]


def name_of(url: str) -> str:
    """The last part of the path: what the file would be called on a disk."""
    return path_of(url).rpartition("/")[2]


def beside(url: str, name: str) -> str:
    """The address of another file in the same folder; a query stays, as a signature may hold for all of it."""
    if not is_http(url):
        return f"{url.rpartition('/')[0]}/{name}"
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rpartition('/')[0]}/{name}"))


def refuse_offline(url: str) -> None:
    """Raise where the network is forbidden and would be needed.

    Raises:
        AssetMissingError: in this case.
    """
    if offline() and not url.lower().startswith("memory:"):
        raise AssetMissingError(
            f"{masked(url)} lies on the network, and --offline (VTBENCH_OFFLINE=1) forbids to use it",
            "copy the files to this machine and give their path: ids, fingerprints and results are the same",
        )
