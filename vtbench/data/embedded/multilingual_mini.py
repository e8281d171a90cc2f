"""``multilingual-mini``: Chinese, Japanese, Korean and Hindi in Noto fonts, with exact truth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from PIL import ImageFont

from vtbench.core.errors import UsageError
from vtbench.data.embedded.drawing import text_grounds as grounds
from vtbench.data.embedded.drawing.draws import Draws
from vtbench.data.embedded.drawing.multilingual_text import SENTENCES, lines_of
from vtbench.data.embedded.drawing.noto_fonts import FAMILIES, noto_font
from vtbench.data.embedded.drawing.rendered_sheets import RenderedSheets
from vtbench.data.embedded.drawing.text_pages import SCALE, Array, PlacedText, draw, place

SEED = 20250419
SIDE = 256
MARGIN = 10
GLYPH_SIZES = (12, 16, 20, 24, 32)
LANGUAGES = tuple(FAMILIES)
_MOST_LINES = 7


class Sheet(NamedTuple):
    """One image to be. ``glyph_px`` is the font's size (em), in pixels."""

    language: str
    layout: str
    glyph_px: int

    @property
    def id(self) -> str:
        """``language/layout-size``."""
        return f"{self.language}/{self.layout}-{self.glyph_px:02d}"


class MultilingualMini(RenderedSheets[Sheet]):
    """Rendered text, ``uint8 [3,256,256]``, ten images a language: five glyph sizes from 12 to 32 pixels.

    Each size comes as a page (black on white) and as a poster (light on a coloured ground).

    The target is that of :class:`.english_mini.EnglishMini`; ``language`` is ``zh`` (simplified), ``ja``,
    ``ko`` or ``hi``, ``text`` is in NFC. Chinese and Japanese have no spaces between words: a box there holds a line,
    and lines join without a space to the running text. The pixels, and with them the fingerprint, belong to the
    installed version of the fonts.

    Args:
        languages: some of ``zh``, ``ja``, ``ko``, ``hi``; one alone may be a string.

    Raises:
        UsageError: an unknown language, or none.
        AssetMissingError: a font is not installed, or Pillow has no Raqm layout, which Hindi needs.
    """

    def __init__(self, languages: Sequence[str] | str = LANGUAGES) -> None:
        self.languages = (languages,) if isinstance(languages, str) else tuple(dict.fromkeys(languages))
        unknown = [language for language in self.languages if language not in FAMILIES]
        if unknown or not self.languages:
            told = f"has no language {unknown[0]!r}" if unknown else "was given no language"
            raise UsageError(f"multilingual-mini {told}", f"languages: {', '.join(LANGUAGES)}")
        for language in self.languages:
            noto_font(language, SCALE * GLYPH_SIZES[0])
        sheets = (
            Sheet(language, layout, size)
            for language in self.languages
            for layout in ("abstract", "poster")
            for size in GLYPH_SIZES
        )
        super().__init__(tuple(sheets))

    def render(self, sheet: Sheet) -> tuple[Array, PlacedText]:
        """Draw one sheet."""
        return _render(sheet)

    def labels(self, sheet: Sheet) -> dict[str, Any]:
        """Language, size, layout and polarity."""
        return {
            "language": sheet.language,
            "glyph_px": sheet.glyph_px,
            "layout": sheet.layout,
            "polarity": "light_on_dark" if sheet.layout == "poster" else "dark_on_light",
        }


@lru_cache(maxsize=len(LANGUAGES) * len(GLYPH_SIZES))
def _font(language: str, glyph_px: int) -> ImageFont.FreeTypeFont:
    return noto_font(language, glyph_px * SCALE)


def _render(sheet: Sheet) -> tuple[Array, PlacedText]:
    draws, font = Draws(SEED, sheet.id), _font(sheet.language, sheet.glyph_px)
    poster = draws.pick(grounds.LIGHT_ON_DARK) if sheet.layout == "poster" else grounds.BLACK_ON_WHITE
    leading = (sheet.glyph_px * 3 + 1) // 2
    most = min(_MOST_LINES, (SIDE - 2 * MARGIN) // leading)
    lines = lines_of(sheet.language, draws.shuffled(SENTENCES[sheet.language]), font, SIDE - 2 * MARGIN, most)
    free = (SIDE - 2 * MARGIN - len(lines) * leading) // 2 if sheet.layout == "poster" else 0
    text = place(
        lines, font, side=SIDE, margin=MARGIN, baseline=MARGIN + sheet.glyph_px + free, leading=leading,
        align="centre" if sheet.layout == "poster" else "left",
    )  # fmt: skip
    return draw(text, font, grounds.ramp(poster, SIDE), poster.ink), text
