"""A single array in a ``.npy``, mapped from disk: a header that promises more than there is takes no memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vtbench.core.errors import VtbenchError
from vtbench.core.outside.parsing import boundary


def read_npy(path: Path, name: str, kind: type[VtbenchError]) -> NDArray[Any]:
    """An array that stays on disk; no Python objects.

    Args:
        path: the file.
        name: how messages call it.
        kind: the class of the error raised.

    Raises:
        VtbenchError: (``kind``) it is anything else, or its header does not fit what the file holds.
    """
    with boundary(f"{name} is no array that can be read", "save it with np.save, as numbers", kind):
        array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    return array
