"""The pictures that a run kept, found and opened: nothing vouches for their bytes, so they are read within bounds.

Nor are they followed elsewhere: a folder that was received may hold links to somebody's own pictures, which a report or
an export would give away.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

PREVIEWS = "previews"
_MOST_PIXELS = 30_000_000


def preview_files(folder: Path) -> dict[int, Path]:
    """Pictures of a run folder by the position of their sample, in order; empty where none were kept.

    Symbolic links are passed over.
    """
    if (folder / PREVIEWS).is_symlink():
        return {}
    files = sorted(file for file in (folder / PREVIEWS).glob("*.webp") if not file.is_symlink())
    return {int(file.name[:8]): file for file in files if file.name[:8].isdigit()}


def open_preview(path: Path) -> Image.Image | None:
    """A picture as RGB; ``None`` for one that is damaged or larger than 30 million pixels."""
    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                return None
            picture: Image.Image = opened.convert("RGB")
            return picture
    except Exception:  # noqa: BLE001 - a damaged picture makes Pillow raise almost anything, and is left out
        return None
