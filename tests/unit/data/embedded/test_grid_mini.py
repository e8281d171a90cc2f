"""The labelled tiles behind the embedded probing task: none over another, quarters apart."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.data.embedded.photographs.grid_mini import SCENES, SIDE, GridMini
from vtbench.data.embedded.photographs.photos_mini import load_photograph
from vtbench.data.open import open_data

GOLDEN = "ee7d4bfda734b61697a8b1937e20e9c04c46123009b6c73a4c9903ac73606d12"


@pytest.fixture(scope="module")
def tiles() -> GridMini:
    return GridMini()


def test_content_is_what_it_always_was(tiles: GridMini) -> None:
    assert tiles.fingerprint == GOLDEN


def test_no_pixel_is_in_two_tiles_and_quarters_lie_apart(tiles: GridMini) -> None:
    corners = defaultdict(list)
    for name in tiles.ids:
        photograph, quarter, corner = name.split("/")
        corners[photograph].append((int(quarter), *map(int, corner.split("-"))))
    assert set(corners) == set(SCENES)
    for photograph, own in corners.items():
        height, width = load_photograph(photograph).shape[-2:]
        seen = torch.zeros(height, width, dtype=torch.int64)
        for _, x, y in own:
            seen[y : y + SIDE, x : x + SIDE] += 1
        assert int(seen.max()) == 1 and int(seen.sum()) == len(own) * SIDE**2
        counts = Counter(quarter for quarter, _, _ in own)
        assert set(counts) == {0, 1, 2, 3} and len(set(counts.values())) == 1
        middle = {axis: [max(c[axis] for c in own if not _beyond(c[0], axis)) + SIDE] for axis in (1, 2)}
        assert all(c[axis] >= middle[axis][0] for c in own for axis in (1, 2) if _beyond(c[0], axis))


def _beyond(quarter: int, axis: int) -> bool:
    return bool(quarter % 2 if axis == 1 else quarter // 2)


def test_any_number_is_of_all_photographs(tiles: GridMini) -> None:
    assert {tiles.target(index)["photograph"] for index in range(9)} == set(SCENES)
    assert len({tiles.target(index)["quarter"] for index in range(36)}) == 36
    few = GridMini(count=36)
    assert few.ids == tiles.ids[:36] and torch.equal(few[35].image, tiles[35].image)
    assert tiles[0].image.shape == (3, 64, 64) and tiles[0].image.dtype == torch.uint8


def test_it_is_opened_by_name() -> None:
    assert len(open_data("grid-mini,count=5")) == 5


@pytest.mark.parametrize("count", [0, 409])
def test_wrong_counts_are_refused(count: int) -> None:
    with pytest.raises(UsageError, match="grid-mini has 408 tiles"):
        GridMini(count=count)
