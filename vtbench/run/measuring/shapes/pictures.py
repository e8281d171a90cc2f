"""Pictures of clouds: a sample, and its nearest reference at the same scale, from above one corner."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vtbench.data.clouds.contract import Points

_SIDE, _FINE, _GAP = 200, 3, 4
_TURN, _TILT = np.radians(35.0), np.radians(28.0)
_NEAR, _FAR = np.array([24, 60, 110]), np.array([176, 200, 222])
_MOST_SHOWN = 4096


def cloud_picture(sample: Points, reference: Points) -> Image.Image:
    """Both clouds side by side, RGB on white, 200 pixels high; near points are dark."""
    middle = (reference.min(axis=0) + reference.max(axis=0)) / 2
    reach = max(float(np.linalg.norm(points - middle, axis=1).max()) for points in (sample, reference)) or 1.0
    picture = Image.new("RGB", (2 * _SIDE + _GAP, _SIDE), "white")
    for place, points in enumerate((sample, reference)):
        picture.paste(_drawn((points[:_MOST_SHOWN] - middle) / reach), (place * (_SIDE + _GAP), 0))
    return picture


def _drawn(points: Points) -> Image.Image:
    """A cloud inside the unit sphere, drawn large from back to front and made small."""
    side = _SIDE * _FINE
    seen = points @ _view().T
    across = (0.5 + 0.48 * seen[:, 0]) * side
    down = (0.5 - 0.48 * seen[:, 2]) * side
    size = side * min(0.011, 0.35 / np.sqrt(len(points)))
    image = Image.new("RGB", (side, side), (247, 248, 250))
    pen = ImageDraw.Draw(image)
    for index in np.argsort(-seen[:, 1]):
        far = float(np.clip((seen[index, 1] + 1) / 2, 0, 1))
        red, green, blue = (int(value) for value in _NEAR + (_FAR - _NEAR) * far)
        x, y = float(across[index]), float(down[index])
        pen.ellipse((x - size, y - size, x + size, y + size), fill=(red, green, blue))
    return image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)


def _view() -> NDArray[np.float64]:
    """Rows: to the right, away, up; after a turn about the vertical z and a tilt towards the viewer."""
    turn = np.array([[np.cos(_TURN), -np.sin(_TURN), 0], [np.sin(_TURN), np.cos(_TURN), 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, np.cos(_TILT), -np.sin(_TILT)], [0, np.sin(_TILT), np.cos(_TILT)]])
    view: NDArray[np.float64] = tilt @ turn
    return view
