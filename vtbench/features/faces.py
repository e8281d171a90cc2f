"""Face recognisers: a face on given landmarks to a vector that tells people apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vtbench.core.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

FACE_RECOGNISERS = Registry(
    "face recogniser", "vtbench.face_recognisers", {"dlib": "vtbench.features.dlib_faces:DlibFaces"}
)


class FaceRecogniser(Protocol):
    """Faces to embeddings; deterministic, and no face depends on another.

    Attributes:
        id: engine, version, and a digest of its weights and settings.
    """

    id: str

    def embed(self, image: Tensor, landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
        """A ``uint8 [3,H,W]`` image and its faces' landmarks ``[F,5,2]`` to embeddings ``[F,D]``.

        Landmarks are the eyes, the tip of the nose and the corners of the mouth, left to right as seen, in pixels
        ``(x, y)``. A row of NaN marks landmarks that no face can have.
        """


def cosine_similarities(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Cosine of the rows of two matrices ``[F,D]``, in [-1, 1]; exactly 1 for equal rows, NaN where a row is all zero.

    Raises:
        ValueError: matrices of unequal shape.
    """
    if first.shape != second.shape:
        raise ValueError(f"embeddings of unequal shape: {first.shape} and {second.shape}")
    a, b = first.astype(np.float64), second.astype(np.float64)
    with np.errstate(invalid="ignore"):
        # one root of the product, not a product of roots: equal rows then give exactly 1
        cosines = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    clipped: NDArray[np.float64] = np.clip(cosines, -1.0, 1.0)
    return clipped
