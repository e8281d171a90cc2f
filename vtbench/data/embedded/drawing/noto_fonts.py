"""Where the Noto fonts lie on this machine, found by their family's name."""

from __future__ import annotations

import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from PIL import ImageFont, features

from vtbench.core.disk.files import user_path
from vtbench.core.errors import AssetMissingError

_CJK = "fonts-noto-cjk"
_FOLDERS = (
    "/usr/share/fonts/opentype/noto",
    "/usr/share/fonts/truetype/noto",
    "/usr/share/fonts/noto-cjk",
    "/usr/share/fonts/noto",
    "/usr/share/fonts/google-noto-sans-cjk-fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/Library/Fonts",
    "/Library/Fonts",
)
_MOST_FACES = 16


class NotoFamily(NamedTuple):
    """A family, the files it may come in, the Debian package that has it, and whether its script needs shaping."""

    name: str
    files: tuple[str, ...]
    package: str
    shaped: bool = False


class Face(NamedTuple):
    """One face inside a font file."""

    path: str
    number: int


FAMILIES: dict[str, NotoFamily] = {
    "zh": NotoFamily("Noto Sans CJK SC", ("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf"), _CJK),
    "ja": NotoFamily("Noto Sans CJK JP", ("NotoSansCJK-Regular.ttc", "NotoSansCJKjp-Regular.otf"), _CJK),
    "ko": NotoFamily("Noto Sans CJK KR", ("NotoSansCJK-Regular.ttc", "NotoSansCJKkr-Regular.otf"), _CJK),
    "hi": NotoFamily("Noto Sans Devanagari", ("NotoSansDevanagari-Regular.ttf",), "fonts-noto-core", shaped=True),
}


def noto_font(language: str, size: int) -> ImageFont.FreeTypeFont:
    """The regular Noto Sans face of a language of :data:`FAMILIES`.

    Raises:
        AssetMissingError: the font is not installed, or Pillow cannot shape a script that needs it.
    """
    family = FAMILIES[language]
    if family.shaped:
        require_shaping(family.name)
    path, number = find_face(family)
    layout = ImageFont.Layout.RAQM if family.shaped else ImageFont.Layout.BASIC
    return ImageFont.truetype(path, size, index=number, layout_engine=layout)


def require_shaping(name: str) -> None:
    """Complex scripts need Pillow's Raqm layout; without it Pillow would silently draw wrong letters.

    Raises:
        AssetMissingError: Raqm, or the FriBiDi that it loads, is missing.
    """
    if not features.check("raqm"):
        raise AssetMissingError(
            f"{name} needs Pillow's Raqm text layout, which is not available",
            "apt-get install libfribidi0; or pip install --force-reinstall pillow",
        )


@lru_cache(maxsize=len(FAMILIES))
def find_face(family: NotoFamily) -> Face:
    """Where a family's regular face lies: in the usual folders, else wherever fontconfig says.

    Raises:
        AssetMissingError: nowhere; names the Debian package.
    """
    for folder in _FOLDERS:
        for name in family.files:
            face = _face_named(user_path(folder) / name, family.name)
            if face is not None:
                return face
    chosen = _ask_fontconfig(family.name)
    face = None if chosen is None else _face_named(chosen, family.name)
    if face is None:
        raise AssetMissingError(
            f"the font {family.name} is not installed",
            f"apt-get install {family.package}; or choose other languages",
        )
    return face


def _face_named(path: Path, family: str) -> Face | None:
    """The face of that family in a font file or collection."""
    if not path.is_file():
        return None
    for index in range(_MOST_FACES):
        try:
            name, style = ImageFont.truetype(str(path), 16, index=index).getname()
        except OSError:  # not a font, or no more faces
            return None
        if name == family and style in ("Regular", None):
            return Face(str(path), index)
    return None


def _ask_fontconfig(family: str) -> Path | None:
    """The file fontconfig prefers for a family; some other family's where it has none."""
    program = shutil.which("fc-match")
    if program is None:
        return None
    command = [program, "--format=%{file}", f"{family}:style=Regular"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return Path(done.stdout) if done.stdout else None
