"""What a licence that is not open comes down to, in plain words."""

from __future__ import annotations

import re

NONE_STATED = "none stated"
"""What cards say where authors state no licence for their weights."""
_RESEARCH = re.compile(r"non-?commercial|research", re.IGNORECASE)


def terms(licence: str) -> str:
    """A sentence for whoever is about to use weights under it; empty where there is nothing to be warned of.

    Args:
        licence: as a card states it.
    """
    if licence == NONE_STATED:
        return "its authors state no licence: ask them before you pass on weights, or build on them"
    if _RESEARCH.search(licence):
        return "for research only, its authors say: read the licence before any other use of weights or samples"
    return ""
