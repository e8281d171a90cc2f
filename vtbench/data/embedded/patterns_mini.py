"""``patterns-mini``: fine detail to lose. Patterns of known frequency, hair, and real textures. No network, no text."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from vtbench.core.contracts import Sample
from vtbench.data.embedded.drawing import pattern_strokes, pattern_textures, pattern_waves
from vtbench.data.embedded.drawing.pattern_strokes import Strokes
from vtbench.data.embedded.drawing.pattern_waves import SIDE, Picture, Wave
from vtbench.data.fingerprint import Fingerprinted
from vtbench.data.pixels import from_array

if TYPE_CHECKING:
    from torch import Tensor

_INKS = ((30, 20, 15), (236, 214, 160), (120, 60, 30))
_PAPERS = ((224, 178, 150), (40, 44, 52), (248, 246, 240))


class Pattern(NamedTuple):
    """One image of the set: id, what is true of it, and how it is made."""

    id: str
    target: Mapping[str, Any]
    make: Callable[[], Tensor]


class PatternsMini(Fingerprinted):
    """48 images of 256×256 whose content is known: the same bits on every machine.

    A target is ``{"kind": …, "frequency": …, "wave_vector": …}``. ``kind`` is one of ``sine-grating``,
    ``color-grating`` (red against green, equal luma), ``square-grating``, ``checkerboard``, ``zone-plate``,
    ``siemens-star``, ``strokes``, ``texture``. ``frequency`` is the radial one in cycles per pixel of the gratings (of
    the lowest component where there are several); ``wave_vector`` is its ``[x, y]`` parts. Both are ``None`` where an
    image has no single frequency.

    Raises:
        AssetMissingError: scikit-image lacks a photograph, or has another.
    """

    def __init__(self) -> None:
        self._patterns = patterns()
        self.ids = tuple(pattern.id for pattern in self._patterns)
        for name in dict.fromkeys(crop.photograph for crop in pattern_textures.CROPS):
            pattern_textures.texture_path(name)

    def __getitem__(self, index: int) -> Sample:
        pattern = self._patterns[index]
        return Sample(id=pattern.id, image=pattern.make(), target=self.target(index))

    def target(self, index: int) -> dict[str, Any]:
        """What is true of one image, as plain data."""
        return dict(self._patterns[index].target)

    def content_digest(self, index: int) -> str:
        """SHA-256 of the pixels, rows of R, then of G, then of B."""
        return hashlib.sha256(self._patterns[index].make().numpy().tobytes()).hexdigest()


def patterns() -> tuple[Pattern, ...]:
    """The frozen list. Changing a line changes the data set's fingerprint."""
    return (*_sines(), *_colours(), *_squares(), *_checkerboards(), *_zone_plates(), *_stars(), *_hair(), *_textures())


def _sines() -> list[Pattern]:
    """1/32 to 3/8 cycle a pixel along x; fewer along y and obliquely. Whole numbers of periods a side."""
    vectors = [(8, 0), (16, 0), (32, 0), (48, 0), (64, 0), (96, 0), (0, 16), (0, 32), (0, 64)]
    vectors += [(23, 23), (28, -16), (45, 45), (32, 55)]
    return [
        _wave("sine-grating", f"{x}x{y}", (x / SIDE, y / SIDE), partial(pattern_waves.sine_grating, x, y))
        for x, y in vectors
    ]


def _colours() -> list[Pattern]:
    return [
        _wave(
            "color-grating",
            f"{x}x{y}",
            (x / SIDE, y / SIDE),
            partial(pattern_waves.sine_grating, x, y),
            pattern_waves.red_green,
        )
        for x, y in ((8, 0), (16, 0), (0, 32), (45, 45))
    ]


def _squares() -> list[Pattern]:
    return [
        _wave(
            "square-grating",
            f"{period}-{'upright' if upright else 'flat'}",
            (1 / period, 0.0) if upright else (0.0, 1 / period),
            partial(pattern_waves.square_grating, period, upright=upright),
        )
        for period, upright in ((2, True), (4, True), (4, False), (6, True), (8, False), (16, True))
    ]


def _checkerboards() -> list[Pattern]:
    return [
        _wave(
            "checkerboard",
            str(cell),
            (1 / (2 * cell), 1 / (2 * cell)),
            partial(pattern_waves.checkerboard, cell),
        )
        for cell in (1, 2, 3, 4, 8)
    ]


def _zone_plates() -> list[Pattern]:
    """Centred, 1/2 cycle a pixel is reached at the middle of each border; from the corner, at the far ends."""
    centred, corner = partial(pattern_waves.zone_plate, 128, 256), partial(pattern_waves.zone_plate, 0, 512)
    return [
        _wave("zone-plate", "centre", None, centred),
        _wave("zone-plate", "corner", None, corner),
        _wave("zone-plate", "centre-color", None, centred, pattern_waves.red_green),
    ]


def _stars() -> list[Pattern]:
    return [
        _wave("siemens-star", str(spokes), None, partial(pattern_waves.siemens_star, spokes)) for spokes in (18, 36, 72)
    ]


def _hair() -> list[Pattern]:
    found = []
    for number, (count, width) in enumerate(((12, 1.0), (40, 1.0), (90, 1.0), (40, 0.6), (25, 2.0), (60, 1.5))):
        strokes = Strokes(number, count, width, _INKS[number % 3], _PAPERS[number % 3])
        found.append(_pattern("strokes", f"{count}x{width}", None, partial(pattern_strokes.draw_strokes, strokes)))
    return found


def _textures() -> list[Pattern]:
    return [
        Pattern(f"texture/{crop.id}", _target("texture", None), partial(pattern_textures.load_texture, crop))
        for crop in pattern_textures.CROPS
    ]


def _wave(
    kind: str,
    name: str,
    vector: tuple[float, float] | None,
    wave: Callable[[], Wave],
    colour: Callable[[Wave], Picture] = pattern_waves.gray,
) -> Pattern:
    return _pattern(kind, name, vector, partial(_coloured, wave, colour))


def _pattern(kind: str, name: str, vector: tuple[float, float] | None, draw: Callable[[], Picture]) -> Pattern:
    return Pattern(f"{kind}/{name}", _target(kind, vector), partial(_as_tensor, draw))


def _coloured(wave: Callable[[], Wave], colour: Callable[[Wave], Picture]) -> Picture:
    return colour(wave())


def _as_tensor(draw: Callable[[], Picture]) -> Tensor:
    return from_array(draw())


def _target(kind: str, vector: tuple[float, float] | None) -> dict[str, Any]:
    if vector is None:
        return {"kind": kind, "frequency": None, "wave_vector": None}
    # √(x² + y²) of exactly rounded operations; the targets are part of the fingerprint
    frequency = math.sqrt(vector[0] * vector[0] + vector[1] * vector[1])
    return {"kind": kind, "frequency": frequency, "wave_vector": list(vector)}
