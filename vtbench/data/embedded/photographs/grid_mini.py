"""``grid-mini``: tiles of photographs on a grid, none over another, told by photograph and quarter. No network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtbench.core.contracts import Sample
from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.data.embedded.photographs.crops import PHOTOGRAPHS
from vtbench.data.embedded.photographs.photos_mini import load_photograph
from vtbench.data.fingerprint import Fingerprinted

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 64
VERSION = 1
MOST = (8, 6)
"""Columns and rows of tiles, where a photograph is large enough; both even, so that its quarters hold whole tiles."""
SCENES = (
    "astronaut",
    "chelsea",
    "china",
    "coffee",
    "flower",
    "hubble_deep_field",
    "motorcycle_left",
    "retina",
    "rocket",
)
"""A photograph each; the other view of the motorcycle shows the same thing."""


class GridMini(Fingerprinted):
    """64×64 tiles of the middle of nine photographs, 48 each where they have room: 408 tiles that share no pixel.

    ``target = {"photograph", "quarter"}``: the photograph, and which of its four quarters, as ``coffee/2``. What is
    fitted on some quarters and tried on another has seen none of its pixels, though much that looks like it. Tiles are
    in an order that any number of them, from the first, is of all photographs, and from 36 on of all quarters.

    Args:
        count: that many of them; all by default.

    Raises:
        UsageError: no tiles, or more than there are.
        AssetMissingError: a photograph is not in the installed package, or is not the one expected.
    """

    def __init__(self, count: int | None = None) -> None:
        self._photographs = {name: load_photograph(name) for name in SCENES}
        tiles = _dealt([_tiles(name, image) for name, image in self._photographs.items()])
        count = len(tiles) if count is None else count
        if not 1 <= count <= len(tiles):
            raise UsageError(f"grid-mini has {len(tiles)} tiles, not {count}", "leave count out for all")
        self._tiles = tiles[:count]
        self.ids = tuple(f"{name}/{quarter}/{x}-{y}" for name, quarter, x, y in self._tiles)

    def __getitem__(self, index: int) -> Sample:
        name, _, x, y = self._tiles[index]
        image = self._photographs[name][:, y : y + SIDE, x : x + SIDE]
        return Sample(self.ids[index], image.clone(), self.target(index))

    def target(self, index: int) -> dict[str, Any]:
        """``{"photograph", "quarter"}``."""
        name, quarter, _, _ = self._tiles[index]
        return {"photograph": name, "quarter": f"{name}/{quarter}"}

    def content_digest(self, index: int) -> str:
        """Of the photograph's SHA-256, and the tile."""
        name, _, x, y = self._tiles[index]
        return digest_json([VERSION, PHOTOGRAPHS[name].sha256, x, y, SIDE])


_Tile = tuple[str, int, int, int]


def _tiles(name: str, image: Tensor) -> list[_Tile]:
    """Photograph, quarter and corner of each tile, one of each quarter in turn."""
    height, width = image.shape[-2:]
    columns, rows = (min(most, 2 * (side // (2 * SIDE))) for most, side in zip(MOST, (width, height), strict=True))
    left, top = (width - columns * SIDE) // 2, (height - rows * SIDE) // 2
    return [
        (name, 2 * lower + right, left + SIDE * (x + right * columns // 2), top + SIDE * (y + lower * rows // 2))
        for y in range(rows // 2)
        for x in range(columns // 2)
        for lower in range(2)
        for right in range(2)
    ]


def _dealt(photographs: list[list[_Tile]]) -> list[_Tile]:
    """One of each photograph in turn, as long as they last."""
    longest = max(map(len, photographs))
    return [own[turn] for turn in range(longest) for own in photographs if turn < len(own)]
