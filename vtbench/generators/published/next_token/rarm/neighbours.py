"""The table of neighbours that a RARM is conditioned on: the user's file, read as data and held against the network.

A row holds the vectors of one query's k nearest images in a database, by CLIP's ViT-B/32 and as it gives them, not
normalised. The authors search with ScaNN when they sample; here the search is done once, beforehand, by whatever finds
neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.core.outside.npz_arrays import read_array
from vtbench.core.outside.npz_files import not_an_npz
from vtbench.core.seeds import sample_seed

if TYPE_CHECKING:
    from torch import Tensor

ARRAY = "neighbours"
MOST = 64
"""Of neighbours; the authors take 4."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The table.

    Attributes:
        vectors: ``float32 [M,K,width]``.
        told: what the record says of it.
    """

    vectors: Tensor
    told: str

    def of(self, seeds: Tensor) -> Tensor:
        """The row of each image, ``float32 [B,K,width]``, by its own seed ``int64 [B]``: all rows equally likely, as
        the authors draw their queries."""
        return self.vectors[[sample_seed(seed, ARRAY) % len(self.vectors) for seed in seeds.tolist()]]


def none_of(width: int) -> Neighbours:
    """No neighbours: one vector of zeros, which is what guidance and the authors' ``--unconditional`` take."""
    import torch

    return Neighbours(torch.zeros(1, 1, width), "none: zeros")


def read_neighbours(path: str, width: int) -> Neighbours:
    """The table in an npz.

    Args:
        path: of the file; its array ``neighbours`` is read.
        width: values that the network expects of a vector.

    Raises:
        AssetMissingError: it is not there.
        UsageError: no npz, no such array, or one of another form.
    """
    import torch

    file = user_path(path)
    if not file.is_file():
        raise AssetMissingError(f"no table of neighbours {path}", "check the path")
    form = f"float32 or float16 [M,K,{width}]"
    try:
        found = read_array(file, ARRAY)
    except Exception as error:  # what zipfile and numpy raise on damaged files is almost anything
        raise not_an_npz(file, error, f"{ARRAY}=vectors", form) from error
    if found.dtype.name not in ("float32", "float16") or found.ndim != 3 or found.shape[2] != width:
        told = f"{found.dtype.name} {list(found.shape)}"
        raise UsageError(f"{path}: {ARRAY} is {told}, {form} is expected", "a row is a query, with its K neighbours")
    if not len(found) or not 0 < found.shape[1] <= MOST:
        raise UsageError(f"{path}: {len(found)} rows of {found.shape[1]} neighbours", f"1 to {MOST} a row are taken")
    vectors = torch.from_numpy(found.astype("float32"))
    if not vectors.isfinite().all():
        raise UsageError(f"{path}: {ARRAY} holds values that are no numbers", "search again")
    return Neighbours(vectors, f"{len(vectors)} rows of {vectors.shape[1]}, sha256 {digest_file(file)}")
