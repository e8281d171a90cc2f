"""Scenes that are put together of objects cut out of the photographs, so that what is in them, and where, is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vtbench.data.embedded.photographs.photos_mini import load_photograph
from vtbench.data.pixels import from_pillow, to_pillow

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 416


class CutOut(NamedTuple):
    """A window of a photograph that holds one object and little else: corners in pixels."""

    photograph: str
    left: int
    top: int
    right: int
    bottom: int


CUT_OUTS = {
    "person": CutOut("astronaut", 14, 0, 364, 512),
    "cup": CutOut("coffee", 120, 0, 460, 400),
    "motorcycle": CutOut("motorcycle_left", 90, 60, 700, 470),
    "cat": CutOut("chelsea", 0, 0, 451, 300),
}
"""By the name of the object's class."""
BACKGROUNDS = {
    "stars": CutOut("hubble_deep_field", 0, 0, 200, 200),
    "sky": CutOut("china", 0, 0, 110, 110),
}
"""Windows without an object of those classes, enlarged to the whole scene."""


class Placed(NamedTuple):
    """One object of a scene: its class, and the corners of the box that it is fitted into, in pixels of the scene."""

    name: str
    left: int
    top: int
    right: int
    bottom: int


def composed(background: str, objects: tuple[Placed, ...]) -> Tensor:
    """A scene, ``uint8 [3,416,416]``: each object is scaled (Lanczos) to fit its box, centred in it.

    Raises:
        AssetMissingError: a photograph is not in the installed package, or is not the one expected.
    """
    scene = to_pillow(_window(BACKGROUNDS[background])).resize((SIDE, SIDE), resample=2)
    for one in objects:
        cut = to_pillow(_window(CUT_OUTS[one.name]))
        factor = min((one.right - one.left) / cut.width, (one.bottom - one.top) / cut.height)
        width, height = round(cut.width * factor), round(cut.height * factor)
        corner = ((one.left + one.right - width) // 2, (one.top + one.bottom - height) // 2)
        scene.paste(cut.resize((width, height), resample=1), corner)
    return from_pillow(scene)


def _window(cut: CutOut) -> Tensor:
    return load_photograph(cut.photograph)[:, cut.top : cut.bottom, cut.left : cut.right]
