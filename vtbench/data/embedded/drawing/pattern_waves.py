"""Test patterns of known spatial frequency: gratings, zone plates, Siemens stars, checkerboards.

The same bits on every machine: phases are counted in turns and reduced exactly, and only +, -, ×, / and square roots
are used, which IEEE 754 rounds in one way. The sine of a mathematics library may differ in its last bit.

Pictures are ``float64 [256,256]`` waves in [-1, 1] until :func:`gray` or :func:`red_green` gives them levels. x runs to
the right, y downwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Wave = np.ndarray[Any, np.dtype[np.float64]]
Picture = np.ndarray[Any, np.dtype[np.uint8]]

SIDE = 256
MIDDLE, AMPLITUDE = 128.0, 112.0
_TAU = 6.283185307179586
_SINE_TERMS = 12


def gray(wave: Wave) -> Picture:
    """``uint8 [256,256,3]`` in [16, 240]: the same wave in R, G and B."""
    return np.repeat(_levels(wave, AMPLITUDE)[..., None], 3, axis=2)


def red_green(wave: Wave) -> Picture:
    """``uint8 [256,256,3]``: red against green at equal BT.601 luma (0.299 R + 0.587 G), blue at the middle."""
    green = _levels(wave, -AMPLITUDE * 299.0 / 587.0)
    return np.stack([_levels(wave, AMPLITUDE), green, np.full_like(green, 128)], axis=2)


def sine_grating(across: int, down: int) -> Wave:
    """Cosine with that many periods over the width and the height: wave vector ``(across, down) / 256``."""
    x, y = _grid()
    return _cosine((across * x + down * y) / SIDE)


def square_grating(period: int, *, upright: bool) -> Wave:
    """Hard stripes of half an even ``period`` in pixels; ``upright`` stripes vary along x."""
    x, y = _grid()
    return _halves((x if upright else y) // (period // 2))


def checkerboard(cell: int) -> Wave:
    """Squares of ``cell`` pixels. Its lowest frequencies are the two diagonals ``(1, ±1) / (2 cell)``."""
    x, y = _grid()
    return _halves(x // cell + y // cell)


def zone_plate(centre: int, reach: int) -> Wave:
    """``cos(π r² / reach)`` around ``(centre, centre)``: at distance r the frequency is r / ``reach``."""
    x, y = _grid()
    return _cosine(((x - centre) ** 2 + (y - centre) ** 2) / (2 * reach))


def siemens_star(spokes: int) -> Wave:
    """Cosine with ``spokes`` periods a turn: at distance r the frequency is ``spokes`` / (2 π r).

    Flat where that exceeds 1/2 cycle a pixel, which pixels cannot show.
    """
    x, y = _grid()
    x, y = x - (SIDE - 1) / 2, y - (SIDE - 1) / 2
    radius = np.sqrt(x * x + y * y)
    # cos(nθ) is the Chebyshev polynomial T_n of cos θ = x / r: no arctangent, no cosine
    cosine = x / radius
    previous, wave = np.ones_like(cosine), cosine
    for _ in range(spokes - 1):
        previous, wave = wave, 2.0 * cosine * wave - previous
    return np.where(radius * _TAU >= 2 * spokes, wave, 0.0)


def _grid() -> tuple[Wave, Wave]:
    y, x = np.indices((SIDE, SIDE), dtype=np.float64)
    return x, y


def _halves(cells: Wave) -> Wave:
    """1 in even cells, -1 in odd ones."""
    return 1.0 - 2.0 * (cells % 2.0)


def _levels(wave: Wave, amplitude: float) -> Picture:
    return np.floor(MIDDLE + amplitude * wave + 0.5).astype(np.uint8)


def _cosine(turns: Wave) -> Wave:
    """cos(2π turns) by its Taylor series, error below 1e-15 of full scale."""
    folded = np.abs(turns - np.rint(turns))  # [0, 1/2]: whole turns do not count, and the cosine is even
    mirrored = folded > 0.25
    angle = _TAU * np.where(mirrored, 0.5 - folded, folded)
    square, wave = angle * angle, np.ones_like(angle)
    for n in range(_SINE_TERMS, 0, -1):  # Horner: 1 - s/(1·2) (1 - s/(3·4) (1 - …
        wave = 1.0 - square / ((2 * n - 1) * (2 * n)) * wave
    return np.where(mirrored, -wave, wave)
