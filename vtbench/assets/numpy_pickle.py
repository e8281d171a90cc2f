"""Pickles of float32 numpy arrays, read without the power to run anything.

A pickle may name any callable and call it. Here the three names that rebuilding an array needs are admitted, the
dtype only as float32, and every other name is refused before it is looked up.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np

from vtbench.core.errors import VtbenchError

_RECONSTRUCT = np.empty(0, np.float32).__reduce__()[0]


def load_arrays(data: bytes, label: str) -> dict[str, Any]:
    """Nested dictionaries of float32 arrays.

    Args:
        data: the pickle.
        label: how messages call it.

    Raises:
        VtbenchError: the pickle needs anything but float32 arrays and plain containers, or is damaged.
    """
    try:
        value = _ArrayUnpickler(io.BytesIO(data)).load()
    except VtbenchError as error:
        raise VtbenchError(f"{label}: {error.what}", error.hint) from None
    except Exception as error:  # a damaged pickle can fail in any way
        raise VtbenchError(f"{label} is damaged: {error}", "fetch it again") from error
    if not isinstance(value, dict):
        raise VtbenchError(f"{label} holds a {type(value).__name__}, not a dictionary of arrays")
    return value


def _float32(code: object, *flags: object) -> np.dtype[np.float32]:
    if code != "f4":
        raise VtbenchError(f"dtype {code!r} is refused: only float32 arrays are read")
    return np.dtype(np.float32, bool(flags[0]) if flags else False, True)


class _ArrayUnpickler(pickle.Unpickler):
    _ADMITTED = {  # noqa: RUF012
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): _float32,
        ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
        ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._ADMITTED[module, name]
        except KeyError:
            raise VtbenchError(
                f"refused: it would run {module}.{name}", "only pickles of float32 numpy arrays are read"
            ) from None
