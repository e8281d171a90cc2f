"""Only inside: what is written or deleted below a folder never goes through a symbolic link to somewhere else.

A folder that was received may hold ``previews -> somebody's pictures``. The folder that a person named may be a link
itself; nothing below it may. Links to single files are let be: writing replaces them and deleting removes them, not
what they lead to. Lock files are opened as they are, so that these may be no links either.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vtbench.core.errors import UnwritableError

_HINT = "put a real folder or file in its place, or delete the link: nothing is written or deleted through it"


def refuse_linked_way(folder: Path, root: Path) -> None:
    """See that no folder between ``root`` and ``folder``, nor ``folder``, is a link.

    Raises:
        UnwritableError: one is; or ``folder`` does not lie below ``root``.
    """
    try:
        parts = folder.absolute().relative_to(root.absolute()).parts
    except ValueError:
        raise UnwritableError(f"{folder} does not lie below {root}", "give the folder of all runs") from None
    if ".." in parts:
        raise UnwritableError(f"{folder} does not lie below {root}", "use names without '..'")
    place = root
    for part in parts:
        place = place / part
        if place.is_symlink():
            raise UnwritableError(f"{place} is a symbolic link", _HINT)


def refuse_links(folder: Path, root: Path) -> None:
    """As :func:`refuse_linked_way`, and that nothing below ``folder`` leads elsewhere.

    Raises:
        UnwritableError: names the first link to anything but a file, or in a lock's place.
    """
    refuse_linked_way(folder, root)
    for place in links_below(folder):
        if place.suffix == ".lock" or not place.is_file():
            raise UnwritableError(f"{place} is a symbolic link", _HINT)


def links_below(folder: Path) -> Iterator[Path]:
    """Every symbolic link below a folder, none of them followed."""
    for here, folders, files in os.walk(folder, followlinks=False):
        yield from (place for name in sorted([*folders, *files]) if (place := Path(here, name)).is_symlink())
