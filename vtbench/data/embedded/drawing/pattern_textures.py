"""Fine textures in real photographs without print: crops at full resolution of pictures inside scikit-image."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from vtbench.core.digests import digest_file
from vtbench.core.errors import AssetMissingError
from vtbench.data.decode import decode_image
from vtbench.data.embedded.photographs.crops import CROP_SIDE, PHOTOGRAPHS, Crop, Photograph

if TYPE_CHECKING:
    from torch import Tensor

TEXTURES: dict[str, Photograph] = {
    "brick": Photograph(
        "skimage", "data/brick.png", "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf"
    ),
    "chelsea": PHOTOGRAPHS["chelsea"],
    "coffee": PHOTOGRAPHS["coffee"],
    "grass": Photograph(
        "skimage", "data/grass.png", "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89"
    ),
    "gravel": Photograph(
        "skimage", "data/gravel.png", "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12"
    ),
}

CROPS = (
    Crop("grass", 1, 0, 0),  # blades
    Crop("grass", 1, 256, 0),
    Crop("grass", 1, 128, 256),  # leaves of clover among blades
    Crop("gravel", 1, 0, 0),
    Crop("gravel", 1, 256, 256),
    Crop("brick", 1, 128, 128),
    Crop("chelsea", 1, 40, 0),  # fur
    Crop("coffee", 1, 344, 144),  # grain of wood
)


def load_texture(crop: Crop) -> Tensor:
    """``uint8 [3,256,256]``.

    Raises:
        AssetMissingError: scikit-image is not installed, or its picture is not the one expected.
    """
    photograph = decode_image(texture_path(crop.photograph))
    return photograph[:, crop.y : crop.y + CROP_SIDE, crop.x : crop.x + CROP_SIDE].clone()


def texture_path(name: str) -> Path:
    """Where a picture lies, its content checked. The package itself is not imported.

    Raises:
        AssetMissingError: not installed, or other content than expected.
    """
    picture = TEXTURES[name]
    spec = importlib.util.find_spec(picture.package)
    hint = "pip install --force-reinstall scikit-image; or measure your own images with --data DIR"
    if spec is None or spec.origin is None:
        raise AssetMissingError("patterns-mini needs scikit-image, which is not installed", hint)
    path = Path(spec.origin).parent / picture.path
    if not path.is_file() or digest_file(path) != picture.sha256:
        raise AssetMissingError(f"patterns-mini: {path} is missing or is not the picture expected (by SHA-256)", hint)
    return path
