"""``photos-mini``: real photographs that come inside the scikit-image and scikit-learn packages. No network."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.core.contracts import Sample
from vtbench.core.digests import digest_file, digest_json
from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.data.decode import decode_image
from vtbench.data.embedded.photographs.crops import CROP_SIDE, PHOTOGRAPHS, SPLITS
from vtbench.data.fingerprint import Fingerprinted
from vtbench.data.pixels import from_pillow, to_pillow

if TYPE_CHECKING:
    from torch import Tensor

_DISTRIBUTIONS = {"skimage": "scikit-image", "sklearn": "scikit-learn"}


class PhotosMini(Fingerprinted):
    """256×256 crops of colour photographs, listed in :mod:`vtbench.data.embedded.photographs.crops`.

    ``eval`` holds 64 crops of six photographs; ``fit`` holds 105 crops of four others, for fitting the classical
    tokenizers. An id is ``photograph/x-y``, or ``photograph-div2/x-y`` after a 2×2 box reduction.

    Args:
        split: ``eval`` or ``fit``.
        count: that many crops, evenly spaced over the list; all by default.

    Raises:
        UsageError: no such split, or more crops than there are.
        AssetMissingError: a photograph is not in the installed package, or is not the one expected.
    """

    def __init__(self, split: str = "eval", count: int | None = None) -> None:
        if split not in SPLITS:
            raise UsageError(f"photos-mini has no split {split!r}", f"splits: {', '.join(SPLITS)}")
        self.split = split
        crops = SPLITS[split]
        count = len(crops) if count is None else count
        if not 1 <= count <= len(crops):
            raise UsageError(f"photos-mini has {len(crops)} crops in {split}, not {count}", "leave count out for all")
        self.crops = tuple(crops[index * len(crops) // count] for index in range(count))
        self.ids = tuple(crop.id for crop in self.crops)
        for name in dict.fromkeys(crop.photograph for crop in self.crops):
            photograph_path(name)
        self._opened: dict[tuple[str, int], Tensor] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": {}}

    def __getitem__(self, index: int) -> Sample:
        crop = self.crops[index]
        key = (crop.photograph, crop.factor)
        if key not in self._opened:
            self._opened[key] = load_photograph(*key)
        image = self._opened[key][:, crop.y : crop.y + CROP_SIDE, crop.x : crop.x + CROP_SIDE]
        return Sample(id=crop.id, image=image.clone())

    def content_digest(self, index: int) -> str:
        """Digest of the photograph's SHA-256 and the crop."""
        crop = self.crops[index]
        return digest_json([PHOTOGRAPHS[crop.photograph].sha256, crop.factor, crop.x, crop.y, CROP_SIDE])


def load_photograph(name: str, factor: int = 1) -> Tensor:
    """A whole photograph, ``uint8 [3,H,W]``, reduced by averaging ``factor`` × ``factor`` boxes (Pillow ``reduce``)."""
    image = decode_image(photograph_path(name))
    return image if factor == 1 else from_pillow(to_pillow(image).reduce(factor))


def photograph_path(name: str) -> Path:
    """Where a photograph lies, its content checked. The package itself is not imported.

    Raises:
        AssetMissingError: not installed, or other content than expected.
    """
    photograph = PHOTOGRAPHS[name]
    spec = importlib.util.find_spec(photograph.package)
    distribution = _DISTRIBUTIONS[photograph.package]
    hint = f"pip install --force-reinstall {distribution}; or measure your own images with --data DIR"
    if spec is None or spec.origin is None:
        raise AssetMissingError(f"photos-mini needs {distribution}, which is not installed", hint)
    path = Path(spec.origin).parent / photograph.path
    if not path.is_file():
        raise AssetMissingError(f"photos-mini: {path} is missing from the installed {distribution}", hint)
    if digest_file(path) != photograph.sha256:
        raise AssetMissingError(f"photos-mini: {path} is not the photograph expected (its SHA-256 differs)", hint)
    return path
