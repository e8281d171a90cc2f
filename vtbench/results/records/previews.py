"""The pictures that a run kept, found and opened: nothing vouches for their bytes, so they are read within bounds."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

PREVIEWS = "previews"
_MOST_PIXELS = 30_000_000


def preview_files(folder: Path) -> dict[int, Path]:
    """Pictures of a run folder by the position of their sample, in order; empty where none were kept."""
    files = (folder / PREVIEWS).glob("*.webp")
    return {int(file.name[:8]): file for file in sorted(files) if file.name[:8].isdigit()}


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
