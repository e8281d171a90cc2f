"""``english-mini``: 48 posters, pages and captioned photographs whose text is known exactly. No network, no files."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple

from PIL import ImageFont

from vtbench.core.errors import AssetMissingError
from vtbench.data.embedded.drawing import text_grounds as grounds
from vtbench.data.embedded.drawing.draws import Draws
from vtbench.data.embedded.drawing.english_text import poster_line, sentences
from vtbench.data.embedded.drawing.rendered_sheets import RenderedSheets
from vtbench.data.embedded.drawing.text_pages import SCALE, Array, PlacedText, draw, place, width_of, wrap

SEED = 20250418
SIDE = 256
MARGIN = 10
GLYPH_SIZES = (8, 10, 12, 14, 18, 24, 32, 48)
LARGEST_PAGE_GLYPHS = 24
"""Above this many pixels a page holds too few words a line to be one: a poster takes its place."""

Layout = Literal["poster", "abstract", "photo"]
_SLOTS: tuple[tuple[Layout, bool], ...] = (  # layout, and whether the ink is light
    ("poster", False), ("abstract", False), ("photo", True), ("poster", True), ("abstract", True), ("photo", False)
)  # fmt: skip
_MOST_LINES: dict[Layout, int] = {"poster": 6, "abstract": 10, "photo": 4}


class Sheet(NamedTuple):
    """One image to be: its id follows from the rest. ``glyph_px`` is the font's size (em), in pixels."""

    layout: Layout
    glyph_px: int
    light_ink: bool
    number: int

    @property
    def id(self) -> str:
        """``layout/size-number``."""
        return f"{self.layout}/{self.glyph_px:02d}-{self.number}"


def _sheets() -> tuple[Sheet, ...]:
    """Sizes vary fastest, so that the first eight images hold one of each."""
    return tuple(
        Sheet("poster" if layout == "abstract" and size > LARGEST_PAGE_GLYPHS else layout, size, light, number)
        for number, (layout, light) in enumerate(_SLOTS)
        for size in GLYPH_SIZES
    )


class EnglishMini(RenderedSheets[Sheet]):
    """Rendered English, ``uint8 [3,256,256]``, six images at each of eight glyph sizes from 8 to 48 pixels.

    Posters (centred lines on a coloured ground), abstract pages (a paragraph, black on white or light on black; up to
    24 pixels) and photographs with a caption where the picture is even enough; dark on light and light on dark in equal
    numbers. Letters are those of the font inside Pillow, text is composed from word lists by a fixed seed.

    The target is ``{"text", "language": "en", "glyph_px", "layout": "poster" | "abstract" | "photo", "polarity":
    "dark_on_light" | "light_on_dark", "boxes": [[x0, y0, x1, y1, word], …]}``. ``text`` is exactly what is drawn, a
    line feed between lines; ``glyph_px`` is the font's size (em), a lower-case x being 0.53 of it; boxes enclose the
    ink in pixels, right and bottom exclusive.

    Raises:
        AssetMissingError: Pillow was built without FreeType, or a photograph is not installed.
    """

    def __init__(self) -> None:
        super().__init__(_sheets())
        english_font(GLYPH_SIZES[0])

    def render(self, sheet: Sheet) -> tuple[Array, PlacedText]:
        """Draw one sheet."""
        return _render(sheet)

    def labels(self, sheet: Sheet) -> dict[str, Any]:
        """Language, size, layout and polarity."""
        return {
            "language": "en",
            "glyph_px": sheet.glyph_px,
            "layout": sheet.layout,
            "polarity": "light_on_dark" if sheet.light_ink else "dark_on_light",
        }


@lru_cache(maxsize=len(GLYPH_SIZES))
def english_font(glyph_px: int) -> ImageFont.FreeTypeFont:
    """The font inside Pillow (a part of Aileron), at :data:`SCALE` times ``glyph_px``, laid out by Pillow itself.

    Raises:
        AssetMissingError: Pillow was built without FreeType.
    """
    try:
        font = ImageFont.load_default(glyph_px * SCALE)
    except ImportError as error:
        raise AssetMissingError(
            f"drawing text needs Pillow with FreeType: {error}", "pip install --force-reinstall pillow"
        ) from error
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)


def _render(sheet: Sheet) -> tuple[Array, PlacedText]:
    draws, font = Draws(SEED, sheet.id), english_font(sheet.glyph_px)
    text = _page_text(sheet, draws, font) if sheet.layout == "abstract" else _poster_text(sheet, draws, font)
    if sheet.layout == "photo":
        x0, y0, x1, y1 = text.extent
        zone = (max(0, x0 - 3), max(0, y0 - 3), min(SIDE, x1 + 3), min(SIDE, y1 + 3))
        turn = GLYPH_SIZES.index(sheet.glyph_px)
        ground = grounds.photograph_ground(draws, zone, sheet.light_ink, SIDE, first=turn)
        return draw(text, font, ground, grounds.LIGHT_INK if sheet.light_ink else grounds.DARK_INK), text
    if sheet.layout == "abstract":
        poster = grounds.WHITE_ON_BLACK if sheet.light_ink else grounds.BLACK_ON_WHITE
    else:
        poster = draws.pick(grounds.LIGHT_ON_DARK if sheet.light_ink else grounds.DARK_ON_LIGHT)
    return draw(text, font, grounds.ramp(poster, SIDE), poster.ink), text


def _page_text(sheet: Sheet, draws: Draws, font: ImageFont.FreeTypeFont) -> PlacedText:
    leading = (sheet.glyph_px * 27 + 10) // 20
    most = min(_MOST_LINES["abstract"], (SIDE - 2 * MARGIN) // leading)
    lines = wrap(sentences(draws, 2 * most), font, SIDE - 2 * MARGIN, most)
    baseline = MARGIN + sheet.glyph_px
    return place(lines, font, side=SIDE, margin=MARGIN, baseline=baseline, leading=leading, align="left")


def _poster_text(sheet: Sheet, draws: Draws, font: ImageFont.FreeTypeFont) -> PlacedText:
    """Lines one below the other, as a block that lies high, in the middle or low."""
    leading = (sheet.glyph_px * 3 + 1) // 2
    room = (SIDE - 2 * MARGIN) // leading
    lines: dict[str, list[str]] = {}  # no line twice
    while len(lines) < min(_MOST_LINES[sheet.layout], room):
        line = poster_line(draws)
        if width_of(line, font) <= (SIDE - 2 * MARGIN) * SCALE:  # at any size some lines are narrow enough
            lines[line] = line.split()
    free = SIDE - 2 * MARGIN - len(lines) * leading
    baseline = MARGIN + sheet.glyph_px + free * draws.below(5) // 4
    return place(
        list(lines.values()), font, side=SIDE, margin=MARGIN, baseline=baseline, leading=leading, align="centre"
    )
