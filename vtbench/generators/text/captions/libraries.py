"""The two rules that are libraries: markup becomes text by beautifulsoup4, broken characters are mended by ftfy.

Both leave plain text as it is. So they are asked for only where a caption holds what they would change; where one is
missing then, the caption is refused rather than cleaned otherwise.
"""

from __future__ import annotations

import re
from html.entities import html5

from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra

_MARKUP = re.compile(r"<[a-z/!?]|&[a-z#]", re.IGNORECASE)
_NAMED = re.compile(r"&([a-z][a-z0-9]*)(?=\s)", re.IGNORECASE)
_PLAIN = re.compile(r"[\t\n -~]*")


def without_markup(caption: str) -> str:
    """The text of HTML, by beautifulsoup4 on Python's own parser.

    Raises:
        AssetMissingError: the caption holds a tag or an entity, and beautifulsoup4 is not installed.
    """
    if _MARKUP.search(_NAMED.sub(_if_entity, caption)) is None:
        return caption
    try:
        from bs4 import BeautifulSoup
    except ImportError as error:
        raise _missing("beautifulsoup4", "holds markup", caption) from error
    text: str = BeautifulSoup(caption, features="html.parser").text
    return text


def mended(caption: str) -> str:
    """Text whose encoding, width and control characters are as they were meant, by ftfy.

    Raises:
        AssetMissingError: the caption holds more than printable ASCII, and ftfy is not installed.
    """
    if _PLAIN.fullmatch(caption) is not None and "&" not in caption:
        return caption
    try:
        import ftfy
    except ImportError as error:
        raise _missing("ftfy", "holds characters beyond ASCII", caption) from error
    return ftfy.fix_text(caption)


def _if_entity(found: re.Match[str]) -> str:
    """Nothing where a name is no entity's, as in "M&Ms on a tray": beautifulsoup4 leaves that as it stands."""
    return found[0] if found[1] in html5 or f"{found[1]};" in html5 else ""


def _missing(library: str, why: str, caption: str) -> AssetMissingError:
    return AssetMissingError(
        f"a prompt cannot be cleaned without {library}, since it {why}: {caption[:80]!r}", install_extra("captions")
    )
