"""The frozen list of photographs and crops behind ``photos-mini``. Changing a line changes the data set's fingerprint.

The two splits share no photograph; the stereo pair (two views of one scene) is on one side.
"""

from __future__ import annotations

from typing import NamedTuple

CROP_SIDE = 256


class Photograph(NamedTuple):
    """A picture inside an installed package: import name, path within it, SHA-256 of the file."""

    package: str
    path: str
    sha256: str


class Crop(NamedTuple):
    """A 256×256 window at (x, y) of a photograph after box reduction by an integer ``factor``."""

    photograph: str
    factor: int
    x: int
    y: int

    @property
    def id(self) -> str:
        """``name/x-y``; a reduced photograph is named ``name-div2``."""
        reduced = "" if self.factor == 1 else f"-div{self.factor}"
        return f"{self.photograph}{reduced}/{self.x}-{self.y}"


PHOTOGRAPHS: dict[str, Photograph] = {
    "astronaut": Photograph(
        "skimage", "data/astronaut.png", "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"
    ),
    "chelsea": Photograph(
        "skimage", "data/chelsea.png", "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb"
    ),
    "china": Photograph(
        "sklearn", "datasets/images/china.jpg", "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29"
    ),
    "coffee": Photograph(
        "skimage", "data/coffee.png", "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7"
    ),
    "flower": Photograph(
        "sklearn", "datasets/images/flower.jpg", "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638"
    ),
    "hubble_deep_field": Photograph(
        "skimage", "data/hubble_deep_field.jpg", "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4"
    ),
    "motorcycle_left": Photograph(
        "skimage", "data/motorcycle_left.png", "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179"
    ),
    "motorcycle_right": Photograph(
        "skimage", "data/motorcycle_right.png", "5fc913ae870e42a4b662314bc904d1786bcad8e2f0b9b67dba5a229406357797"
    ),
    "retina": Photograph(
        "skimage", "data/retina.jpg", "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6"
    ),
    "rocket": Photograph(
        "skimage", "data/rocket.jpg", "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c"
    ),
}

_Rows = tuple[tuple[str, int, str], ...]

# Each row: photograph, reduction factor, and the x-y corners of its crops.
_EVAL: _Rows = (
    (
        "astronaut",
        1,
        "0-0 85-0 171-0 256-0 0-85 85-85 171-85 256-85 0-171 85-171 171-171 256-171 0-256 85-256 171-256 256-256",
    ),
    ("astronaut", 2, "0-0"),
    ("chelsea", 1, "0-0 65-0 130-0 195-0 0-44 65-44 130-44 195-44"),
    ("coffee", 1, "0-0 86-0 172-0 258-0 344-0 0-144 86-144 172-144 258-144 344-144"),
    ("china", 1, "0-0 77-0 154-0 0-85 77-85 154-85 230-85 0-171 96-171 192-171 288-171 384-171"),
    ("rocket", 1, "0-100 128-100 256-100 384-100 0-171 77-171 154-171 230-171 307-171 384-171"),
    ("hubble_deep_field", 1, "0-308 372-0 372-616 744-308"),
    ("hubble_deep_field", 2, "0-0 244-180"),
    ("hubble_deep_field", 3, "39-17"),
)

_FIT: _Rows = (
    (
        "motorcycle_left",
        1,
        "0-0 81-0 162-0 242-0 323-0 404-0 485-0 0-81 81-81 162-81 242-81 323-81 404-81 485-81 0-163 81-163 "
        "162-163 242-163 323-163 404-163 485-163 0-244 81-244 162-244 242-244 323-244 404-244 485-244",
    ),
    (
        "motorcycle_right",
        1,
        "0-0 81-0 162-0 242-0 323-0 404-0 485-0 0-81 81-81 162-81 242-81 323-81 404-81 485-81 0-163 81-163 "
        "162-163 242-163 323-163 404-163 485-163 0-244 81-244 162-244 242-244 323-244 404-244 485-244",
    ),
    (
        "flower",
        1,
        "64-0 128-0 192-0 256-0 320-0 0-57 64-57 128-57 192-57 256-57 320-57 0-114 64-114 128-114 192-114 "
        "256-114 320-114 0-171 64-171 128-171 192-171 256-171 320-171",
    ),
    ("retina", 1, "231-0 462-0 693-0 231-231 0-462 231-462 0-693 231-693 231-924 462-924 462-1155 693-1155"),
    ("retina", 2, "0-0 150-0 300-0 0-150 150-150 0-300 150-300 0-450 150-450 300-450"),
    ("retina", 4, "0-0 97-0 0-97 97-97"),
)


def _crops(rows: _Rows) -> tuple[Crop, ...]:
    return tuple(
        Crop(name, factor, *map(int, corner.split("-"))) for name, factor, corners in rows for corner in corners.split()
    )


SPLITS: dict[str, tuple[Crop, ...]] = {"eval": _crops(_EVAL), "fit": _crops(_FIT)}
