"""Tokenizers that are fitted here: the photographs they are fitted on, and the cache that keeps the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.core.digests import digest_arrays, digest_json
from vtbench.core.disk.caches import alone_in, is_there, kept_in, optional, places
from vtbench.core.info import WeightFile

if TYPE_CHECKING:
    import numpy as np

    from vtbench.core.contracts import ImageDataset

    Matrix = np.ndarray[Any, np.dtype[np.float64]]
    Arrays = dict[str, np.ndarray[Any, Any]]

FOLDER = "fitted"
MOST_PATCHES = 24_576
LICENCE = "fitted on photographs of scikit-image and scikit-learn; see their licences"


@dataclass(frozen=True, eq=False)
class Fitted:
    """The arrays of a fit and their fingerprint."""

    arrays: Mapping[str, np.ndarray[Any, Any]]
    weight: WeightFile


def fitted(name: str, version: int, arguments: Mapping[str, int], fit: Callable[[Matrix], Arrays]) -> Fitted:
    """The result of ``fit`` on the patches of the fitting photographs, computed once and then read from the cache.

    The cache key is a digest of the algorithm's name and version, its arguments, and the fingerprint of the
    photographs, and the file is sealed over it and every byte of the arrays. Two processes that fit at once wait for
    one another, and the file appears whole or not at all. A damaged file is fitted again, and so is one that no cache
    can keep, once a process.

    Args:
        name: registered name of the tokenizer.
        version: raised whenever the same arguments would give other arrays.
        arguments: what the fit depends on; must hold ``patch`` and ``seed``.
        fit: ``float64 [N,D]`` patches in [0, 1] to named arrays. Runs on one thread, so that its sums have one order.
    """
    dataset = fitting_photographs()
    key = digest_json({"name": name, "version": version, "arguments": dict(arguments), "data": dataset.fingerprint})
    file = f"{name}-{key[:20]}.safetensors"
    arrays = _kept(file, key)
    if arrays is None:
        folder = kept_in(FOLDER)
        with alone_in(folder, f"{Path(file).stem}.lock"):
            arrays = _kept(file, key) or _fit_and_keep(folder / file, key, arguments, dataset, fit)
    weight = WeightFile(name=file, sha256=digest_arrays(arrays), source=f"fitted on photos-mini {key[:20]}")
    return Fitted(arrays, weight)


def fitting_photographs() -> ImageDataset:
    """Photographs that no task scores."""
    from vtbench.data.embedded.photographs.photos_mini import PhotosMini

    return PhotosMini(split="fit")


def training_patches(dataset: ImageDataset, patch: int, seed: int) -> Matrix:
    """Aligned patches of every image, ``float64 [N, 3*patch*patch]`` in [0, 1]; a seeded sample when there are many."""
    import numpy as np
    import torch

    from vtbench.core.pixels import to_unit
    from vtbench.tokenizers.fitted.patches import to_patches

    rows = []
    for index in range(len(dataset)):
        image = dataset[index].image
        height, width = (side // patch * patch for side in image.shape[-2:])
        rows.append(to_patches(to_unit(image[:, :height, :width]), patch))
    patches = torch.cat(rows).double().numpy()
    if len(patches) > MOST_PATCHES:
        chosen = np.random.default_rng(seed).choice(len(patches), MOST_PATCHES, replace=False)
        patches = patches[np.sort(chosen)]
    matrix: Matrix = patches
    return matrix


def _fit_and_keep(
    path: Path, key: str, arguments: Mapping[str, int], dataset: ImageDataset, fit: Callable[[Matrix], Arrays]
) -> Arrays:
    import numpy as np

    from vtbench.core.outside.tensor_files import write_tensors
    from vtbench.core.threads.blas import blas_on_one_thread
    from vtbench.core.threads.lanes import on_one_thread

    patches = training_patches(dataset, arguments["patch"], arguments["seed"])
    with on_one_thread(), blas_on_one_thread():
        arrays = {name: np.ascontiguousarray(array) for name, array in fit(patches).items()}
    with optional():
        write_tensors(path, arrays, {"fitted": key})
    return arrays


def _kept(file: str, key: str) -> Arrays | None:
    """What an earlier fit left; ``None`` where there is none, or a damaged one."""
    return next((arrays for folder in places(FOLDER) if (arrays := _read(folder / file, key)) is not None), None)


def _read(path: Path, key: str) -> Arrays | None:
    from safetensors.numpy import load_file

    from vtbench.core.outside.tensor_files import check_tensors

    if not is_there(path):
        return None
    try:
        check_tensors(path, {"fitted": key}, "it is fitted again")
        return load_file(path)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is fitted again
        return None
