"""``tiles-mini``: the crops of ``photos-mini`` in quarters, told by the photograph they are of. No network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtbench.core.contracts import Sample
from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.data.embedded.photographs.crops import CROP_SIDE, SPLITS
from vtbench.data.embedded.photographs.photos_mini import PhotosMini
from vtbench.data.fingerprint import Fingerprinted

SIDE = CROP_SIDE // 2
VERSION = 1
_ONE_SCENE = {"motorcycle_left": "motorcycle", "motorcycle_right": "motorcycle"}
"""The stereo pair shows one scene twice."""

if TYPE_CHECKING:
    from collections.abc import Sequence


class TilesMini(Fingerprinted):
    """128×128 quarters of all crops of ``photos-mini``, both splits: 676 tiles of ten photographs of nine scenes.

    Crops of one photograph may overlap, and some are shown at half size too: what is fitted on some and tried on others
    must not share a photograph. ``target = {"photograph"}`` says which it is. Tiles are in an order that any number of
    them, from the first, is of all photographs.

    Args:
        count: that many of them; all by default.

    Raises:
        UsageError: no tiles, or more than there are.
        AssetMissingError: a photograph is not in the installed package, or is not the one expected.
    """

    def __init__(self, count: int | None = None) -> None:
        self._crops = {split: PhotosMini(split) for split in SPLITS}
        crops = [(split, index) for split in SPLITS for index in range(len(self._crops[split]))]
        tiles = [(*crop, quarter) for quarter in range(4) for crop in _dealt(crops, self._photograph)]
        count = len(tiles) if count is None else count
        if not 1 <= count <= len(tiles):
            raise UsageError(f"tiles-mini has {len(tiles)} tiles, not {count}", "leave count out for all")
        self._tiles = tiles[:count]
        self.ids = tuple(f"{self._crops[split].ids[index]}/{quarter}" for split, index, quarter in self._tiles)

    def _photograph(self, crop: tuple[str, int]) -> str:
        split, index = crop
        name = self._crops[split].crops[index].photograph
        return _ONE_SCENE.get(name, name)

    def __getitem__(self, index: int) -> Sample:
        split, crop, quarter = self._tiles[index]
        top, left = SIDE * (quarter // 2), SIDE * (quarter % 2)
        image = self._crops[split][crop].image[:, top : top + SIDE, left : left + SIDE]
        return Sample(self.ids[index], image.clone(), self.target(index))

    def target(self, index: int) -> dict[str, Any]:
        """``{"photograph"}``: the scene, where several photographs show one."""
        split, crop, _ = self._tiles[index]
        return {"photograph": self._photograph((split, crop))}

    def content_digest(self, index: int) -> str:
        """Of the crop's, and the quarter."""
        split, crop, quarter = self._tiles[index]
        return digest_json([VERSION, self._crops[split].content_digest(crop), quarter])


def _dealt(crops: Sequence[tuple[str, int]], photograph: Any) -> list[tuple[str, int]]:
    """One of each photograph in turn, as long as they last."""
    by_name: dict[str, list[tuple[str, int]]] = {}
    for crop in crops:
        by_name.setdefault(photograph(crop), []).append(crop)
    longest = max(map(len, by_name.values()))
    return [own[turn] for turn in range(longest) for own in by_name.values() if turn < len(own)]
