"""Errors of a map of depths (Eigen et al. 2014), neither scaled nor shifted to fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Depths = NDArray[np.float64]
_RATIO = 1.25


def depth_values(prediction: Depths, reference: Depths) -> dict[str, float]:
    """Over pixels whose reference is finite and above 0.

    Returns:
        ``depth_delta1``, per cent of pixels with ``max(p / r, r / p) < 1.25``; ``depth_absrel``, the mean of
        ``|p - r| / r``.

    Raises:
        ValueError: no such pixel, or a prediction there that is not finite.
    """
    valid = np.isfinite(reference) & (reference > 0)
    guess, truth = prediction[valid], reference[valid]
    refuse_unsound(guess)
    near = (guess < _RATIO * truth) & (truth < _RATIO * guess)
    return {"depth_delta1": 100.0 * float(near.mean()), "depth_absrel": float((np.abs(guess - truth) / truth).mean())}


def refuse_unsound(guess: NDArray[np.float64]) -> None:
    """Raise unless there are values, and all of them are finite.

    Raises:
        ValueError: there are none, or one is not.
    """
    if guess.size == 0:
        raise ValueError("no pixel of the reference is valid")
    if broken := int((~np.isfinite(guess)).sum()):
        raise ValueError(f"{broken:,} values of the prediction are not finite")
