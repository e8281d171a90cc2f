"""What text is drawn on: paper, poster colours, or a part of a photograph that is even enough to read on."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from vtbench.data.embedded.drawing.draws import Draws
from vtbench.data.embedded.drawing.text_pages import Array, Box, Colour
from vtbench.data.embedded.photographs.photos_mini import load_photograph

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "china", "rocket")
LEAST_CONTRAST = 110
"""Between the ink and all but 2 % of the photograph behind it, in levels of luma."""
WIDEST_SPREAD = 90
"""Of the photograph behind the ink without its lightest and darkest 2 %, in levels of luma: texture hides letters."""
LIGHT_INK: Colour = (252, 252, 248)
DARK_INK: Colour = (12, 12, 18)
_STEP = 32
_TAIL = 50


class Poster(NamedTuple):
    """Two colours that the ground runs between from top to bottom, and the ink."""

    top: Colour
    bottom: Colour
    ink: Colour


DARK_ON_LIGHT = (
    Poster((255, 246, 214), (250, 226, 170), (92, 24, 12)),
    Poster((222, 240, 250), (188, 220, 240), (10, 34, 82)),
    Poster((226, 244, 220), (196, 228, 190), (16, 58, 22)),
    Poster((252, 224, 232), (244, 200, 214), (88, 6, 48)),
    Poster((240, 236, 228), (220, 212, 200), (24, 24, 24)),
)
LIGHT_ON_DARK = (
    Poster((12, 26, 64), (28, 52, 104), (255, 240, 190)),
    Poster((96, 14, 20), (62, 8, 14), (255, 244, 226)),
    Poster((8, 62, 54), (4, 38, 36), (230, 250, 240)),
    Poster((52, 18, 74), (30, 10, 46), (250, 226, 255)),
    Poster((30, 30, 34), (10, 10, 12), (250, 206, 70)),
)
BLACK_ON_WHITE = Poster((255, 255, 255), (255, 255, 255), (0, 0, 0))
WHITE_ON_BLACK = Poster((18, 18, 18), (18, 18, 18), (235, 235, 235))


def ramp(poster: Poster, side: int) -> Array:
    """``uint8 [side,side,3]`` from the top colour to the bottom one, in whole levels."""
    down = np.arange(side, dtype=np.int64)[:, None]
    top, bottom = np.array(poster.top, np.int64), np.array(poster.bottom, np.int64)
    rows = ((side - 1 - down) * top + down * bottom + (side - 1) // 2) // (side - 1)
    return np.repeat(rows.astype(np.uint8)[:, None], side, axis=1)


def photograph_ground(draws: Draws, zone: Box, light_ink: bool, side: int, first: int = 0) -> Array:
    """A ``uint8 [side,side,3]`` part of a photograph on which ink in ``zone`` can be read.

    Photographs are tried in turn, beginning with the one numbered ``first``, each as it is and then muted, as designers
    do it; their parts in random order, on a grid of 32 pixels.

    Raises:
        ValueError: no part of any photograph keeps :data:`LEAST_CONTRAST` and :data:`WIDEST_SPREAD`.
    """
    for offset in range(len(PHOTOGRAPHS)):
        photograph = _pixels(PHOTOGRAPHS[(first + offset) % len(PHOTOGRAPHS)])
        height, width = photograph.shape[:2]
        corners = [(x, y) for y in range(0, height - side + 1, _STEP) for x in range(0, width - side + 1, _STEP)]
        corners = draws.shuffled(corners)
        for picture in (photograph, muted(photograph, light_ink)):
            for x, y in corners:
                part = picture[y : y + side, x : x + side]
                if is_readable(part, zone, light_ink):
                    return part
    raise ValueError(f"no photograph has a part to read on in {zone}")


def muted(photograph: Array, light_ink: bool) -> Array:
    """Two fifths of a photograph's contrast, towards black under light ink and towards white under dark ink."""
    levels = photograph.astype(np.uint32)
    return (levels * 2 // 5 if light_ink else 255 - (255 - levels) * 2 // 5).astype(np.uint8)


def is_readable(ground: Array, zone: Box, light_ink: bool) -> bool:
    """Whether ``zone`` keeps :data:`LEAST_CONTRAST` to the ink and :data:`WIDEST_SPREAD` in itself."""
    ink = int(luma(np.array(LIGHT_INK if light_ink else DARK_INK)))
    low, high = luma_range(ground, zone)
    contrast = ink - high if light_ink else low - ink
    return contrast >= LEAST_CONTRAST and high - low <= WIDEST_SPREAD


def luma_range(ground: Array, zone: Box) -> tuple[int, int]:
    """Lowest and highest luma in ``zone`` (every second pixel each way), 2 % left out at either end."""
    x0, y0, x1, y1 = zone
    levels = np.sort(luma(ground[y0:y1:2, x0:x1:2]), axis=None)
    return int(levels[len(levels) // _TAIL]), int(levels[-1 - len(levels) // _TAIL])


def luma(pixels: Array) -> Array:
    """BT.601 luma in whole levels."""
    red, green, blue = (pixels[..., channel].astype(np.int64) for channel in range(3))
    return np.asarray((299 * red + 587 * green + 114 * blue + 500) // 1000)


@lru_cache(maxsize=len(PHOTOGRAPHS))
def _pixels(name: str) -> Array:
    return np.ascontiguousarray(load_photograph(name).numpy().transpose(1, 2, 0))
