"""``dlib``: the 128-d face recogniser of dlib, on five stored landmarks; nothing is detected.

King, Dlib-ml: A Machine Learning Toolkit, JMLR 10, 2009; the network is He et al.'s ResNet (CVPR 2016) with 29
convolutions, in the public domain as ``dlib_face_recognition_resnet_model_v1.dat``. Its 68-point landmark model, which
lies beside it, may not be used commercially and is never opened.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vtbench.core.digests import digest_file, digest_json
from vtbench.core.errors import AssetMissingError

if TYPE_CHECKING:
    from torch import Tensor

PIP_LINE = "pip install dlib-bin face_recognition_models==0.3.0"
WEIGHTS = "dlib_face_recognition_resnet_model_v1.dat"
WEIGHTS_SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
SIDE = 150
PADDING = 0.25
TEMPLATE = ((0.2273, 0.2214), (0.7528, 0.2212), (0.4901, 0.5156), (0.2541, 0.7802), (0.7261, 0.7802))
"""Eyes, tip of the nose, corners of the mouth on dlib's mean face, whose box is the unit square; the eyes' are the
means of their corners. From the constants of dlib's ``get_face_chip_details``."""


class DlibFaces:
    """Embeddings ``[128]`` of faces cut out as dlib does: 150 × 150 pixels, a quarter of the face as padding.

    The face is brought onto the mean face by the similarity transform that fits the five landmarks best (least
    squares); scaling and interpolation are dlib's own. dlib compares embeddings by their Euclidean distance, with 0.6
    as the limit of one person. At the norms they have (1.46 on the photograph of the tests) that limit is a cosine of
    0.92, not one near 0: compare cosines with those of this recogniser only.

    Raises:
        AssetMissingError: dlib or its weights are not installed, or the weights are others.
    """

    def __init__(self) -> None:
        self._dlib = _dlib()
        weights = weights_file()
        self._network = self._dlib.face_recognition_model_v1(str(weights))
        settings = {"side": SIDE, "padding": PADDING, "template": TEMPLATE, "weights": WEIGHTS_SHA256}
        self.id = f"dlib-resnet@{self._dlib.__version__}+{digest_json(settings, 16)}"
        corners = (np.array(TEMPLATE) + PADDING) / (1 + 2 * PADDING) * SIDE
        self._template = self._points(corners)

    def embed(self, image: Tensor, landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
        """A ``uint8 [3,H,W]`` image and landmarks ``[F,5,2]`` to embeddings ``[F,128]``."""
        pixels = np.ascontiguousarray(image.cpu().numpy().transpose(1, 2, 0))
        rows = [self._embedded(pixels, face) for face in np.asarray(landmarks, dtype=np.float64)]
        return np.stack(rows) if rows else np.zeros((0, 128))

    def chip(self, pixels: NDArray[np.uint8], face: NDArray[np.float64]) -> NDArray[np.uint8]:
        """The aligned face, ``uint8 [150,150,3]``; black where it lies outside the image."""
        dlib = self._dlib
        details = dlib.chip_details(self._template, self._points(face), dlib.chip_dims(SIDE, SIDE))
        return np.asarray(dlib.extract_image_chip(pixels, details), dtype=np.uint8)

    def _embedded(self, pixels: NDArray[np.uint8], face: NDArray[np.float64]) -> NDArray[np.float64]:
        if not np.isfinite(face).all() or np.ptp(face, axis=0).max() < 1.0:  # within one pixel: no scale, no angle
            return np.full(128, np.nan)
        return np.array(self._network.compute_face_descriptor(self.chip(pixels, face)), dtype=np.float64)

    def _points(self, places: NDArray[np.float64]) -> Any:
        return self._dlib.dpoints([self._dlib.dpoint(float(x), float(y)) for x, y in places])


def weights_file(name: str = WEIGHTS, sha256: str = WEIGHTS_SHA256) -> Path:
    """A model file of the package ``face_recognition_models``, its content checked; the package is not imported.

    Raises:
        AssetMissingError: the package or the file is missing, or its content is another.
    """
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise AssetMissingError("the face recogniser dlib needs face_recognition_models, not installed", PIP_LINE)
    path = Path(spec.origin).parent / "models" / name
    if not path.is_file() or digest_file(path) != sha256:
        raise AssetMissingError(f"dlib: {path} is missing, or not the model expected (its SHA-256 differs)", PIP_LINE)
    return path


def _dlib() -> Any:
    """Imported by name: it is optional and untyped."""
    try:
        return importlib.import_module("dlib")
    except ImportError as error:
        raise AssetMissingError(f"the face recogniser dlib needs dlib: {error}", PIP_LINE) from error
