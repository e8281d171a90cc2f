"""``band_error``: the error of a whole set by octave of spatial frequency: where does a tokenizer let go?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vtbench.metrics.catalog.lookup import BLOCK_INFOS
from vtbench.metrics.images.frequency import OCTAVES, band_errors

if TYPE_CHECKING:
    from torch import Tensor

Columns = Mapping[str, NDArray[np.float64]]


class BandError:
    """``10 log10(E / 255²)`` in dB, E the mean squared error over all images, for each octave of radial frequency.

    A band's stratum is ``band=LOW``: its lower edge in cycles a pixel; the next band's is its upper edge, and the last
    reaches to the corners of the spectrum, √½. The value over ``all`` is that of the whole error, which the bands add
    up to (Parseval; see :mod:`.frequency`): minus the pooled PSNR. Pooled over images because a band of
    one image may hold no error at all, which is minus infinity in decibels. -inf where no image has any.
    """

    info = BLOCK_INFOS["band_error"]
    columns = tuple(f"band_error_{low:g}" for low, _ in pairwise(OCTAVES))

    def __call__(self, prediction: Tensor, reference: Tensor, targets: Sequence[Any] = ()) -> dict[str, Tensor]:
        """``uint8 [B,3,H,W]`` twice to the mean squared error of each band in squared 8-bit levels, ``float64 [B]``."""
        bands = band_errors(prediction, reference).cpu()
        return dict(zip(self.columns, bands.unbind(1), strict=True))

    def rows(self, columns: Columns) -> NDArray[np.float64]:
        """The mean squared error of every image."""
        total: NDArray[np.float64] = np.sum([columns[name] for name in self.columns], axis=0)
        return total

    def parts(self, columns: Columns) -> dict[str, NDArray[np.float64]]:
        """The mean squared error of every image in each band."""
        return {f"band={low:g}": columns[name] for (low, _), name in zip(pairwise(OCTAVES), self.columns, strict=True)}
