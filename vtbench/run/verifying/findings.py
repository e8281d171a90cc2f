"""What ``vtbench verify`` says of one file or folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vtbench.core.errors import VtbenchError
from vtbench.core.outside.seals import REPAIR

Status = Literal["ok", "unfinished", "unchecked", "unknown", "link", "damaged"]
DAMAGED: Status = "damaged"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        path: file or folder.
        status: ``ok``; ``unfinished``: whole as far as it goes; ``unchecked``: it has no digest; ``unknown``: vtbench
            did not put it there; ``link``: a symbolic link; ``damaged``: gone, cut, edited or another's.
        what: in words.
        repair: what to do, where something is to be done.
    """

    path: Path
    status: Status
    what: str
    repair: str = ""


def damaged(path: Path, what: str, repair: str = REPAIR) -> Finding:
    """Something is not what was stored."""
    return Finding(path, DAMAGED, what, repair)


def damage_told(error: VtbenchError, path: Path) -> Finding:
    """What reading ``path``, or what belongs to it, found."""
    named = Path(getattr(error, "path", path))
    return damaged(named, error.what.removeprefix(f"{named} "), error.hint or REPAIR)
