"""Angles between maps of surface normals (Eigen and Fergus 2015)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vtbench.metrics.maps.depth import refuse_unsound

Normals = NDArray[np.float64]
_LEAST, _NEAR = 0.1, 11.25
"""Length below which a reference has no direction (black or mid-grey in a PNG), and degrees that count as near."""


def normal_values(prediction: Normals, reference: Normals) -> dict[str, float]:
    """Over pixels whose reference has a direction. Both are brought to length 1; a prediction without a direction is
    90 degrees off.

    Returns:
        ``normal_mean_angle``, in degrees; ``normal_below_11_25``, per cent of pixels nearer than 11.25 degrees.

    Raises:
        ValueError: no such pixel, or a prediction there that is not finite.
    """
    lengths = np.linalg.norm(reference, axis=-1)
    valid = np.isfinite(lengths) & (lengths > _LEAST)
    guess, truth = prediction[valid], reference[valid] / lengths[valid, None]
    refuse_unsound(guess)
    size = np.linalg.norm(guess, axis=-1, keepdims=True)
    guess = guess / np.where(size > 0, size, 1.0)
    # of short angles the arc cosine has few digits
    angles = np.degrees(np.arctan2(np.linalg.norm(np.cross(guess, truth), axis=-1), (guess * truth).sum(-1)))
    angles = np.where(size[:, 0] > 0, angles, 90.0)
    return {"normal_mean_angle": float(angles.mean()), "normal_below_11_25": 100.0 * float((angles < _NEAR).mean())}
