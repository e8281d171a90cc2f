"""The pictures that a run kept, found and opened: nothing vouches for their bytes, so they are read within bounds.

Nor are they followed elsewhere: a folder that was received may hold links to somebody's own pictures, which a report or
an export would give away.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from vtbench.core.outside.parsing import reason

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
    """A picture as RGB; ``None`` for one that is damaged, no WebP or larger than 30 million pixels, which is told."""
    try:
        with Image.open(path, formats=("WEBP",)) as opened:  # of all that Pillow knows, EPS would start Ghostscript
            if opened.width * opened.height > _MOST_PIXELS:
                raise ValueError(f"{opened.width}x{opened.height} is too large")
            picture: Image.Image = opened.convert("RGB")
            return picture
    except UnidentifiedImageError:
        why = "it is no WebP"
    except Exception as error:  # noqa: BLE001 - a damaged picture makes Pillow raise almost anything
        why = reason(error)
    warnings.warn(f"{path} is left out: {why}", stacklevel=2)
    return None
