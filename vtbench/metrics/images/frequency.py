"""The error by spatial frequency: at which fineness of detail does a tokenizer let go?

The squared error of an image is split over radial frequencies by the two-dimensional DFT of prediction minus
reference, each channel by itself. With D the DFT of the difference d over N = H·W pixels, Parseval's theorem

    (1/N) Σ d² = (1/N²) Σ |D|²

makes the bands add up to the mean squared error behind PSNR. That is why there is **no window**: a window (Hann) would
weigh the centre over the border and break the sum. What a window is for, the jump between opposite borders of a
picture, is weak in a difference of two near-equal pictures; :func:`band_energies` of a *picture* does contain it.

Decibels are relative to **full scale** (255²), as in PSNR. A ratio to the reference's own energy in the band is
undefined where the reference has none, and explodes where it has rounding noise only (a coarse grating, a blurred
photograph); such images would rule the mean. To see how much of the detail is lost, divide :func:`band_errors` by the
:func:`band_energies` of the reference: 1 means that the band is gone.

Frequencies are in cycles per pixel: along an axis at most 1/2, in the corners of the spectrum up to √½. A grating of
frequency f repeats every 1/f pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import UsageError
from vtbench.metrics.catalog.lookup import IMAGE_INFOS
from vtbench.metrics.images.pixel import PEAK, check_pair, scored

if TYPE_CHECKING:
    import torch
    from torch import Tensor

HIGHEST = 0.75
"""Above every frequency there is (√½ ≈ 0.707)."""
OCTAVES = (0.0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, HIGHEST)
"""Edges of the usual table: octaves up to 1/2; the last band holds the corners, finest along the diagonals."""
HIGH = 1 / 4
"""``high_frequency_error`` counts what repeats every four pixels or less."""
_ROUNDING = 1e-24
"""A band with less than this share of the error is the transform's own rounding (about 1e-16 in amplitude): zero."""


class HighFrequencyError:
    """``10 log10(E / 255²)`` in dB; E is the mean squared error at radial frequencies of 1/4 cycle a pixel and above.

    -inf where there is no such error, and so for equal images. NaN for a single pixel, which has no such frequency.
    """

    info = IMAGE_INFOS["high_frequency_error"]

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> Tensor:
        """``uint8 [B,3,H,W]`` twice to ``float64 [B]``."""
        import torch

        check_pair(self.info.name, prediction, reference)
        if prediction.shape[-2] * prediction.shape[-1] <= 1:
            return torch.full((len(prediction),), torch.nan, dtype=torch.float64, device=prediction.device)
        return scored(_decibels, prediction, reference)


def _decibels(prediction: Tensor, reference: Tensor) -> Tensor:
    weights = _band_weights(*prediction.shape[-2:], (HIGH, HIGHEST), prediction.device)
    return 10.0 * (_energies_by(weights, prediction, reference)[:, 0] / PEAK**2).log10()


def band_errors(prediction: Tensor, reference: Tensor, edges: Sequence[float] = OCTAVES) -> Tensor:
    """Mean squared error by radial frequency band, in squared 8-bit levels, mean over RGB.

    Args:
        prediction: ``uint8 [B,3,H,W]``.
        reference: the same shape.
        edges: rising frequencies in cycles per pixel; band i is ``edges[i] <= f < edges[i + 1]``. From 0 to above
            √½ the bands sum to the mean squared error.

    Returns:
        ``float64 [B, len(edges) - 1]`` on the images' device.

    Raises:
        AdapterError: images of another dtype or of different shapes.
        UsageError: fewer than two edges, or edges that do not rise from 0 or more.
    """
    check_pair("band_errors", prediction, reference)
    return _energies(prediction, reference, _checked(edges))


def band_energies(images: Tensor, edges: Sequence[float] = OCTAVES) -> Tensor:
    """Mean square of ``uint8 [B,3,H,W]`` images by band, as :func:`band_errors` against black.

    The first band holds the mean level (frequency 0).
    """
    return band_errors(images, images.new_zeros(()).expand_as(images), edges)


def _checked(edges: Sequence[float]) -> tuple[float, ...]:
    rising = all(low < high for low, high in pairwise(edges))
    if len(edges) < 2 or not rising or edges[0] < 0:
        raise UsageError(
            f"frequency bands need two or more rising edges from 0 on, got {list(edges)}", "e.g. [0, 0.25]"
        )
    return tuple(float(edge) for edge in edges)


def _energies(prediction: Tensor, reference: Tensor, edges: tuple[float, ...]) -> Tensor:
    weights = _band_weights(*prediction.shape[-2:], edges, prediction.device)
    bands = scored(partial(_energies_by, weights), prediction, reference)
    return bands.reshape(len(prediction), len(weights))


def _energies_by(weights: Tensor, prediction: Tensor, reference: Tensor) -> Tensor:
    """One image at a time: a transform of a batch may round otherwise than that of its images."""
    import torch

    result = torch.empty((len(prediction), len(weights)), dtype=torch.float64, device=prediction.device)
    for row, x, y in zip(result, prediction, reference, strict=True):
        difference = x.to(torch.float64) - y.to(torch.float64)
        spectrum = torch.view_as_real(torch.fft.rfft2(difference, norm="forward")).square().sum(-1).mean(0)
        for band, weight in enumerate(weights):
            row[band] = (spectrum * weight).sum(1).sum()
        row[row <= _ROUNDING * difference.square_().mean()] = 0.0
    return result


@lru_cache(maxsize=8)
def _band_weights(height: int, width: int, edges: tuple[float, ...], device: torch.device) -> Tensor:
    """``float64 [bands,H,W//2+1]``: how often a bin of the half spectrum counts in each band: 0, 1 or 2.

    A real picture's spectrum is symmetric, so half of it is computed and each bin stands for two, but for the first
    column and, where the width is even, the last.
    """
    import numpy as np
    import torch

    # On the CPU and with correctly rounded operations alone: a bin lies in the same band on every machine.
    down = np.minimum(np.arange(height), height - np.arange(height)) / height
    across = np.arange(width // 2 + 1) / width
    frequency = np.sqrt(down[:, None] ** 2 + across[None, :] ** 2)
    twice = np.where((np.arange(len(across)) == 0) | (2 * np.arange(len(across)) == width), 1.0, 2.0)
    bands = [((low <= frequency) & (frequency < high)) * twice for low, high in pairwise(edges)]
    return torch.from_numpy(np.stack(bands)).to(device)
