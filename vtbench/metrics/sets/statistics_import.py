"""Statistics of other tools as reference statistics: ADM, torch-fidelity, clean-fid, pytorch-fid. Nothing is unpickled.

===============  =====================================================  ============================================
kind             what the file holds                                    what its network and resize fit
===============  =====================================================  ============================================
adm              ``mu``, ``sigma`` of the 2048-d pool; ``mu_s`` and     ``inception_tf``: TF Inception, TF1 bilinear
                 ``sigma_s`` of the 2023-d spatial features; images
torch-fidelity   ``mu``, ``sigma``, a PyTorch file or npz               ``inception_tf``
clean-fid        ``mu``, ``sigma`` of mode ``clean``                    ``inception_clean``: Pillow bicubic
pytorch-fid      ``mu``, ``sigma``                                      neither exactly: PyTorch bilinear
===============  =====================================================  ============================================

None of them says how many images there were, nor which weights made it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vtbench.assets.torch_files import load_pickled
from vtbench.core.digests import digest_file
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.outside.npz_arrays import read_array, stored_array
from vtbench.core.outside.npz_files import array_names, not_an_npz
from vtbench.core.outside.parsing import boundary
from vtbench.metrics.catalog.lookup import INCEPTION, INCEPTION_CLEAN
from vtbench.metrics.sets.frechet import Moments
from vtbench.metrics.sets.gaussians import checked_gaussian
from vtbench.metrics.sets.reference_statistics import (
    ExtractorNote,
    FeatureSummary,
    ReferenceStatistics,
    StatisticsNote,
    write_statistics,
)

Kind = Literal["adm", "torch-fidelity", "clean-fid", "pytorch-fid"]
_EXTRACTORS: dict[str, str | None] = {
    "adm": INCEPTION,
    "torch-fidelity": INCEPTION,
    "clean-fid": INCEPTION_CLEAN,
    "pytorch-fid": None,
}
_PAIRS = (("mu", "sigma"), ("mu_s", "sigma_s"))
_READ = tuple(name for pair in _PAIRS for name in pair)
_WIDTHS = {"pool": 2048, "spatial": 2023}


def import_statistics(
    path: Path,
    out: Path,
    kind: Kind | None = None,
    extractor: str | None = None,
    n: int = 0,
    size: tuple[int, int] | None = None,
) -> ReferenceStatistics:
    """Write the statistics of another tool's file as reference statistics.

    Args:
        path: ``.npz``, or a PyTorch file of arrays.
        out: where to.
        kind: the tool; told from the arrays where it can be.
        extractor: instead of the one that the kind fits.
        n: images behind the statistics, where it is known; 0 where it is not.
        size: height, width of the images, where known.

    Raises:
        UsageError: a kind that cannot be told, or that fits no extractor unless one is named.
        VtbenchError: truncated; Python objects; arrays of other widths; NaN; a covariance that is none
            (complex, not symmetric, or with negative eigenvalues).
    """
    arrays = _arrays(path)
    chosen = kind or _told(arrays, path)
    if chosen not in get_args(Kind):
        raise UsageError(f"no kind {chosen!r} of statistics", f"known: {', '.join(get_args(Kind))}")
    name = extractor or _EXTRACTORS[chosen]
    if name is None:
        raise UsageError(
            f"{chosen} resizes by PyTorch's bilinear, which is neither FID's nor clean-fid's resize",
            "say which you take it for: --extractor inception_tf (fid) or --extractor inception_clean (fid_clean)",
        )
    summaries = {(name, feature): FeatureSummary(moments) for feature, moments in _features(arrays, path, n).items()}
    note = StatisticsNote.model_validate(
        {
            "description": f"{path.name}, imported from {chosen}",
            "size": size or _image_size(arrays),
            "counts": {f"{name}.{feature}": n for _, feature in summaries},
            "extractors": {name: ExtractorNote(id=name, assumed=True)},
            "provenance": {"imported": path.name, "sha256": digest_file(path), "kind": chosen},
        }
    )
    return write_statistics(out, note, summaries)


def statistics_in(path: Path) -> tuple[str, ...]:
    """Names of the arrays of an npz that are statistics, a mean with its covariance. Reads no array."""
    names = array_names(path)
    return tuple(name for pair in _PAIRS if names >= {*pair} for name in pair)


def is_adm(names: Collection[str]) -> bool:
    """Whether arrays of these names are ADM's: nobody else stores spatial statistics."""
    return "mu_s" in names and "sigma_s" in names


def _told(arrays: Mapping[str, Any], path: Path) -> str:
    if is_adm(arrays):
        return "adm"
    if path.suffix in (".pt", ".pth"):
        return "torch-fidelity"
    raise UsageError(
        f"{path} could be of several tools: it holds {', '.join(sorted(arrays))}",
        f"say which with --kind: {', '.join(get_args(Kind))}",
    )


def _features(arrays: Mapping[str, Any], path: Path, n: int) -> dict[str, Moments]:
    found = {}
    for feature, (mean, covariance) in {"pool": ("mu", "sigma"), "spatial": ("mu_s", "sigma_s")}.items():
        if mean in arrays and covariance in arrays:
            found[feature] = _moments(arrays[mean], arrays[covariance], _WIDTHS[feature], f"{path}: {mean}", n)
    if not found:
        raise VtbenchError(
            f"{path} holds no mu and sigma, but {', '.join(sorted(arrays)) or 'nothing'}", "is it the right file?"
        )
    return found


def _moments(mean: Any, covariance: Any, width: int, where: str, n: int) -> Moments:
    mean, covariance = checked_gaussian(mean, covariance, where, width)
    # The scatter of n images, or of two where n is not known: the divisor n - 1 gives the covariance back.
    return Moments(n, mean, covariance * (n - 1 if n > 1 else 1))


def _image_size(arrays: Mapping[str, Any]) -> tuple[int, int] | None:
    images = arrays.get("arr_0")
    return None if images is None or images.ndim != 4 else (int(images.shape[1]), int(images.shape[2]))


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise UsageError(f"no file {path}", "check the path")
    return _of_torch(path) if path.suffix in (".pt", ".pth") else _of_npz(path)


def _of_npz(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            forms = {name: stored_array(archive, name).shape for name in sorted(array_names(path))}
        if not forms:
            raise ValueError("it holds no arrays")
        # Of all else, such as images, only the shape is known: 2 GB would be decompressed for nothing but their size.
        return {
            name: read_array(path, name) if name in _READ else np.broadcast_to(np.uint8(0), shape)
            for name, shape in forms.items()
        }
    except Exception as error:
        raise not_an_npz(path, error, "mu=mean, sigma=covariance") from error


def _of_torch(path: Path) -> dict[str, NDArray[Any]]:
    """A dictionary of tensors or arrays. Of numpy, only what rebuilds an array of numbers is admitted."""
    rebuild = np.empty(0).__reduce__()[0]
    admitted: list[Any] = [rebuild, np.ndarray, np.dtype, type(np.dtype(np.float64)), type(np.dtype(np.float32))]
    with path.open("rb") as stream:
        content = load_pickled(stream, str(path), admitted)
    if not isinstance(content, Mapping):
        raise UsageError(f"{path} holds a {type(content).__name__}, not arrays by name")
    with boundary(f"{path} holds other things than arrays by name", kind=UsageError):
        return {str(name): np.asarray(value) for name, value in content.items()}
