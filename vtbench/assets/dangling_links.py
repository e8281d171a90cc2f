"""Links whose file is elsewhere: a copy of a hub's cache often holds nothing but those."""

from __future__ import annotations

from pathlib import Path


def dangling(folder: Path) -> str:
    """What a person is told of the first link in ``folder`` that leads nowhere; empty where there is none."""
    if not folder.is_dir():
        return ""
    for path in sorted(folder.iterdir()):
        if path.is_symlink() and not path.exists():
            return f"{path.name} is a link to {path.readlink()}, which is not there: copy with the files (cp -rL)"
    return ""
