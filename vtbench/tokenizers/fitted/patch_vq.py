"""``patch-vq`` and ``patch-rvq``: k-means codebooks of image patches, one or several on one another's residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.core.info import TokenizerInfo, WeightFile
from vtbench.tokenizers.fitted.keeping import LICENCE, MOST_PATCHES, fitted
from vtbench.tokenizers.fitted.patches import check_whole, decode_patches, encode_patches

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from vtbench.tokenizers.fitted.keeping import Arrays, Matrix

_ITERATIONS = 20
_VERSION = 1


class PatchRvq:
    """Residual vector quantisation of non-overlapping patches.

    Level 1 is a k-means codebook of patches, level l one of what the levels before leave over; decoding adds the
    entries up. Fitted on photographs that no task scores (Lloyd's algorithm, 20 iterations from a seeded sample).

    Args:
        patch: side of a patch in pixels.
        levels: codebooks.
        codebook_size: entries a codebook.
        seed: of the initial entries.

    Raises:
        UsageError: an argument out of range.
    """

    concurrent = True

    def __init__(self, patch: int = 8, levels: int = 4, codebook_size: int = 256, seed: int = 0) -> None:
        self._setup("patch-rvq", "rvq", patch, levels, codebook_size, seed)

    def _setup(self, name: str, family: str, patch: int, levels: int, codebook_size: int, seed: int) -> None:
        check_whole(name, 1, 64, patch=patch, levels=levels)
        check_whole(name, 1, MOST_PATCHES, codebook_size=codebook_size)
        check_whole(name, 0, 2**32 - 1, seed=seed)
        arguments = {"patch": patch, "levels": levels, "codebook_size": codebook_size, "seed": seed}
        result = fitted("patch-rvq", _VERSION, arguments, lambda rows: fit_codebooks(rows, levels, codebook_size, seed))
        self._take(name, family, patch, _tensors(result.arrays["codebooks"]), result.weight)

    @classmethod
    def from_codebooks(cls, name: str, patch: int, codebooks: Tensor, weight: WeightFile) -> PatchRvq:
        """With codebooks ``[levels,codes,3*patch*patch]`` that were fitted before, kept in the file ``weight``."""
        tokenizer = cls.__new__(cls)
        tokenizer._take(name, "vq" if len(codebooks) == 1 else "rvq", patch, codebooks.unbind(0), weight)
        return tokenizer

    def _take(self, name: str, family: str, patch: int, codebooks: tuple[Tensor, ...], weight: WeightFile) -> None:
        self._patch, self._codebooks = patch, codebooks
        self.info = TokenizerInfo(
            name=name,
            kind="discrete",
            family=family,
            revision=str(_VERSION),
            codebook_sizes=tuple(len(codebook) for codebook in codebooks),
            downsample_factor=patch,
            weights=(weight,),
            licence=LICENCE,
            citation="Juang and Gray, Multiple stage vector quantization for speech coding, ICASSP 1982",
        )

    def encode(self, images: Tensor) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to one ``int64 [B,ceil(H/patch),ceil(W/patch)]`` a level."""
        codes = encode_patches(images, self._patch, self._nearest)
        return Codes(levels=codes.unbind(dim=-1), image_size=(images.shape[-2], images.shape[-1]))

    def decode(self, codes: Codes) -> Tensor:
        """The sum of the entries of every level: ``float32 [B,3,H,W]``."""
        import torch

        return decode_patches(torch.stack(codes.levels, dim=-1), self._patch, self._entries, codes.image_size)

    def codebook(self, level: int) -> Tensor:
        """``float32 [K,3*patch*patch]``: the entries of a level."""
        return self._codebooks[level]

    def _nearest(self, rows: Tensor) -> Tensor:
        import torch

        indices, residual = [], rows
        for codebook in self._codebooks:
            entries = codebook.to(rows)
            # |r - e|^2 without |r|^2, which is the same for every entry
            distances = entries.square().sum(1) - 2.0 * residual @ entries.T
            indices.append(distances.argmin(1))
            residual = residual - entries[indices[-1]]
        return torch.stack(indices, dim=-1)

    def _entries(self, indices: Tensor) -> Tensor:
        levels = zip(self._codebooks, indices.unbind(-1), strict=True)
        first, *others = (codebook.to(index.device)[index] for codebook, index in levels)
        return sum(others, start=first)


class PatchVq(PatchRvq):
    """Vector quantisation of non-overlapping patches: one k-means codebook.

    Args:
        patch: side of a patch in pixels.
        codebook_size: entries.
        seed: of the initial entries.

    Raises:
        UsageError: an argument out of range.
    """

    def __init__(self, patch: int = 8, codebook_size: int = 512, seed: int = 0) -> None:
        self._setup("patch-vq", "vq", patch, 1, codebook_size, seed)


def fit_codebooks(rows: Matrix, levels: int, codebook_size: int, seed: int) -> Arrays:
    """Codebooks ``[levels,codes,D]`` of the rows ``float64 [N,D]``, each of what those before leave over.

    Raises:
        UsageError: fewer rows than entries.
    """
    import numpy as np
    from sklearn.cluster import KMeans

    if len(rows) < codebook_size:
        raise UsageError(
            f"a codebook of {codebook_size} entries cannot be fitted on {len(rows)} patches", "ask for a smaller one"
        )
    codebooks, residual = [], rows
    for level in range(levels):
        means = KMeans(codebook_size, init="random", n_init=1, max_iter=_ITERATIONS, random_state=seed + level)
        means.fit(residual)
        codebooks.append(means.cluster_centers_.astype(np.float32))
        residual = residual - codebooks[-1][means.predict(residual)]
    return {"codebooks": np.stack(codebooks)}


def _tensors(codebooks: np.ndarray) -> tuple[Tensor, ...]:
    import torch

    return torch.from_numpy(codebooks).unbind(0)
