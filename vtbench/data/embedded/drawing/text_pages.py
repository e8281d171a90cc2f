"""Pages of text whose content is known exactly: words placed by their measured ink, drawn, and boxed.

Everything is measured and drawn at :data:`SCALE` times the page's size and reduced by averaging whole boxes. The
font's size is then large enough for hinting to move nothing visible: FreeType 2.13 and 2.14 (Pillow 11.3 to 13.0)
draw ``i`` and ``j`` of 8 to 24 pixels differently, and at eight times those sizes draw every letter alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Array = np.ndarray[Any, Any]
Box = tuple[int, int, int, int]
Align = Literal["left", "centre"]
Colour = tuple[int, int, int]

SCALE = 8
"""Sub-pixels a pixel, each way: text is drawn at this many times its size."""


@dataclass(frozen=True)
class PlacedWord:
    """A word on a page.

    Attributes:
        text: what is drawn.
        pen: ``(x, y)`` of the left end of the baseline, in sub-pixels (:data:`SCALE` a pixel).
        box: ``(x0, y0, x1, y1)`` around the ink in pixels, right and bottom exclusive.
    """

    text: str
    pen: tuple[int, int]
    box: Box


@dataclass(frozen=True)
class PlacedText:
    """Lines of words on a page, in reading order."""

    lines: tuple[tuple[PlacedWord, ...], ...]

    @property
    def text(self) -> str:
        """The exact truth: words joined by one space, lines by a line feed."""
        return "\n".join(" ".join(word.text for word in line) for line in self.lines)

    @property
    def words(self) -> tuple[PlacedWord, ...]:
        """All words, in reading order."""
        return tuple(word for line in self.lines for word in line)

    @property
    def boxes(self) -> list[list[int | str]]:
        """``[x0, y0, x1, y1, word]`` of every word, in pixels."""
        return [[*word.box, word.text] for word in self.words]

    @property
    def extent(self) -> Box:
        """The smallest box around all ink, in pixels."""
        x0, y0, x1, y1 = zip(*(word.box for word in self.words), strict=True)
        return min(x0), min(y0), max(x1), max(y1)


def width_of(text: str, font: ImageFont.FreeTypeFont) -> int:
    """Advance of a text in sub-pixels; ``font`` has :data:`SCALE` times the glyph size."""
    return round(font.getlength(text))


def wrap(words: Sequence[str], font: ImageFont.FreeTypeFont, width_px: int, most: int) -> list[list[str]]:
    """Words to at most ``most`` lines no wider than ``width_px``, broken between words; the rest is left out.

    A word wider than a line is left out too, so that nothing is ever clipped.
    """
    limit, space = width_px * SCALE, width_of(" ", font)
    lines: list[list[str]] = []
    used = 0
    for word in words:
        width = width_of(word, font)
        if width > limit:
            continue
        if lines and used + space + width <= limit:
            lines[-1].append(word)
            used += space + width
        elif len(lines) < most:
            lines.append([word])
            used = width
        else:
            break
    return lines


def place(
    lines: Sequence[Sequence[str]],
    font: ImageFont.FreeTypeFont,
    *,
    side: int,
    margin: int,
    baseline: int,
    leading: int,
    align: Align,
) -> PlacedText:
    """Put lines of words on a square page.

    Args:
        lines: the words of each line.
        font: of :data:`SCALE` times the glyph size.
        side: of the page, in pixels.
        margin: left and right, in pixels.
        baseline: of the first line, in pixels from the top.
        leading: from one baseline to the next, in pixels.
        align: ``left`` or ``centre``.

    Raises:
        ValueError: ink of a word would leave the page.
    """
    space = width_of(" ", font)
    placed = []
    for row, line in enumerate(lines):
        widths = [width_of(word, font) for word in line]
        free = side * SCALE - sum(widths) - space * (len(line) - 1)
        x = margin * SCALE if align == "left" else free // 2
        y = (baseline + row * leading) * SCALE
        words = []
        for word, width in zip(line, widths, strict=True):
            words.append(_placed(word, font, (x, y), side))
            x += width + space
        placed.append(tuple(words))
    return PlacedText(tuple(placed))


def _placed(word: str, font: ImageFont.FreeTypeFont, pen: tuple[int, int], side: int) -> PlacedWord:
    # font.getbbox would enclose the advance as well; the letters' own mask has nothing but ink
    mask, offset = font.getmask2(word, "L", anchor="ls")
    ink = mask.getbbox()
    if ink is None:
        raise ValueError(f"{word!r} draws nothing")
    left, top, right, bottom = (round(edge + offset[i % 2]) for i, edge in enumerate(ink))
    x0, y0 = (pen[0] + left) // SCALE, (pen[1] + top) // SCALE
    x1, y1 = -(-(pen[0] + right) // SCALE), -(-(pen[1] + bottom) // SCALE)
    if min(x0, y0) < 0 or max(x1, y1) > side:
        raise ValueError(f"{word!r} at {(x0, y0, x1, y1)} leaves a page of {side} pixels")
    return PlacedWord(word, pen, (x0, y0, x1, y1))


def ink_mask(text: PlacedText, font: ImageFont.FreeTypeFont, side: int) -> Array:
    """``uint8 [side,side]``: how much of each pixel the letters cover, 255 being all of it."""
    mask = Image.new("L", (side * SCALE, side * SCALE))
    pencil = ImageDraw.Draw(mask)
    for word in text.words:
        pencil.text(word.pen, word.text, font=font, fill=255, anchor="ls")
    return np.asarray(mask.reduce(SCALE))


def draw(text: PlacedText, font: ImageFont.FreeTypeFont, background: Array, ink: Colour) -> Array:
    """Text of one colour over ``uint8 [side,side,3]``, rounded to nearest; integers throughout."""
    cover = ink_mask(text, font, len(background)).astype(np.uint32)[..., None]
    colour = np.array(ink, np.uint32)
    return ((colour * cover + background * (255 - cover) + 127) // 255).astype(np.uint8)
