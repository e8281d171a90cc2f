"""Whether a mean and a covariance can be a Gaussian's: asked before statistics are kept, and before they are used."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from vtbench.core.errors import VtbenchError
from vtbench.metrics.feature_matrix import Float64

_AGAIN = "a covariance is np.cov(features, rowvar=False); make the file again"
_SYMMETRY = 1e-6
_NEGATIVE = 1e-5
"""Eigenvalues down to this part of the largest, below zero, are the rounding of a float32 file; others are not."""


def checked_gaussian(mean: Any, covariance: Any, where: str, width: int | None = None) -> tuple[Float64, Float64]:
    """The arrays as ``float64 [D]`` and ``[D,D]``.

    Args:
        where: how messages call the arrays.
        width: D, where it is known.

    Raises:
        VtbenchError: no real numbers; other shapes; NaN or infinity; a covariance that is not symmetric, or that has a
            direction of negative variance.
    """
    mean, covariance = np.asarray(mean), np.asarray(covariance)
    for array in (mean, covariance):
        if array.dtype.kind not in "fiu":
            raise VtbenchError(f"{where}: {array.dtype} is not an array of real numbers", _AGAIN)
    _check_shapes(mean, covariance, where, width)
    mean, covariance = mean.astype(np.float64), covariance.astype(np.float64)
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise VtbenchError(f"{where} or its covariance holds NaN or infinity", "make the file again")
    largest = float(np.abs(covariance).max())
    if float(np.abs(covariance - covariance.T).max()) > _SYMMETRY * largest:
        raise VtbenchError(f"{where}: the covariance beside it is not symmetric", _AGAIN)
    _check_definite(covariance, where)
    return mean, covariance


def _check_shapes(mean: Float64, covariance: Float64, where: str, width: int | None) -> None:
    wanted = len(mean) if width is None and mean.ndim == 1 else width
    if wanted and mean.shape == (wanted,) and covariance.shape == (wanted, wanted):
        return
    told = f"{where} has {list(mean.shape)}, its covariance {list(covariance.shape)}; expected [{wanted}]"
    if mean.shape == (wanted,):
        raise VtbenchError(f"{told} and [{wanted}, {wanted}]", "variances or deviations alone are no covariance")
    raise VtbenchError(told, "statistics of another network or layer cannot stand for FID's")


def _check_definite(covariance: Float64, where: str) -> None:
    """A Cholesky factor of the matrix, lifted by what is tolerated, is ten times cheaper than its eigenvalues."""
    lift = _NEGATIVE * float(np.diag(covariance).max())
    try:
        linalg.cholesky(covariance + lift * np.eye(len(covariance)), lower=True, check_finite=False, overwrite_a=True)
    except linalg.LinAlgError:
        values = linalg.eigvalsh(covariance, check_finite=False)
        if values[0] < -_NEGATIVE * max(values[-1], 0.0):
            raise VtbenchError(
                f"{where}: the covariance beside it is no covariance: its eigenvalues go from {values[0]:.3g} to "
                f"{values[-1]:.3g}, and none may be negative",
                _AGAIN,
            ) from None
