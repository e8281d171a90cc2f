"""``scenes-mini``: small labelled crops of photographs that come with scikit-image and scikit-learn. No network."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple

from vtbench.core.contracts import Sample
from vtbench.core.digests import digest_json
from vtbench.core.errors import UsageError
from vtbench.data.embedded.photographs.crops import PHOTOGRAPHS
from vtbench.data.embedded.photographs.photos_mini import load_photograph
from vtbench.data.fingerprint import Fingerprinted
from vtbench.data.pixels import from_pillow, to_pillow

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 64
VERSION = 1


class Scene(NamedTuple):
    """A class: photographs of one thing, and the factor of their box reduction."""

    name: str
    photographs: tuple[str, ...]
    factor: int


SCENES = (
    Scene("flower", ("flower",), 2),
    Scene("motorcycle", ("motorcycle_left", "motorcycle_right"), 2),
    Scene("retina", ("retina",), 4),
)
_SEEDS = {"reference": 1, "fit": 2, "held-out": 3}
"""Of the corners; the photographs are the same, the crops are not."""
_SHIFTED = "held-out"
"""Whose boxes of pixels are cut elsewhere: no crop of it is one of the others."""


class ScenesMini(Fingerprinted):
    """64×64 crops of reduced photographs in three classes: flower, motorcycle, retina; classes cycle.

    ``reference`` is what generated images are compared with; the embedded generator is fitted on crops of ``fit``.
    Their corners are drawn independently (seeded, from the standard library's generator), so they overlap in content:
    the task asks how well a generator learnt a small world, not how well it generalises. ``held-out`` is of the same
    photographs too, reduced from half a box farther right and down: its crops lie between those of the others, and none
    equals any of theirs.
    ``target = {"label", "class"}``.

    Args:
        split: ``reference``, ``fit`` or ``held-out``.
        count: number of crops.

    Raises:
        UsageError: no such split, or no crops.
        AssetMissingError: a photograph is not in the installed package.
    """

    def __init__(self, split: str = "reference", count: int = 600) -> None:
        if split not in _SEEDS:
            raise UsageError(f"scenes-mini has no split {split!r}", f"splits: {', '.join(_SEEDS)}")
        if count < 1:
            raise UsageError(f"scenes-mini,count={count}: at least one crop is needed")
        self._photographs = {
            name: _reduced(name, scene.factor, split == _SHIFTED) for scene in SCENES for name in scene.photographs
        }
        self._split = split
        draw = random.Random(_SEEDS[split])
        self._corners = [self._corner(index % len(SCENES), draw) for index in range(count)]
        self.ids = tuple(
            f"{index:05d}-c{index % len(SCENES):04d}-{name}-{x}-{y}" for index, (name, x, y) in enumerate(self._corners)
        )

    def _corner(self, label: int, draw: random.Random) -> tuple[str, int, int]:
        name = draw.choice(SCENES[label].photographs)
        height, width = self._photographs[name].shape[-2:]
        return name, draw.randrange(width - SIDE + 1), draw.randrange(height - SIDE + 1)

    def __getitem__(self, index: int) -> Sample:
        return Sample(self.ids[index], self._image(index), self.target(index))

    def _image(self, index: int) -> Tensor:
        name, x, y = self._corners[index]
        return self._photographs[name][:, y : y + SIDE, x : x + SIDE].clone()

    def target(self, index: int) -> dict[str, Any]:
        """``{"label", "class"}``."""
        label = index % len(SCENES)
        return {"label": label, "class": SCENES[label].name}

    def content_digest(self, index: int) -> str:
        """Of the photograph's SHA-256 and the crop."""
        name, x, y = self._corners[index]
        factor = SCENES[index % len(SCENES)].factor
        shifted = [_SHIFTED] if self._split == _SHIFTED else []
        return digest_json([VERSION, PHOTOGRAPHS[name].sha256, factor, x, y, SIDE, *shifted])


def _reduced(name: str, factor: int, shifted: bool) -> Tensor:
    """A photograph reduced by averaging boxes, which begin at its corner or half a box from it."""
    if not shifted:
        return load_photograph(name, factor)
    begin = factor // 2
    return from_pillow(to_pillow(load_photograph(name)[:, begin:, begin:]).reduce(factor))
