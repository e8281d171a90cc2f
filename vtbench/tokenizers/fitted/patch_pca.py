"""``patch-pca``: the leading principal components of image patches, a continuous linear tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtbench.core.codes import Codes
from vtbench.core.info import TokenizerInfo
from vtbench.tokenizers.fitted.keeping import LICENCE, fitted
from vtbench.tokenizers.fitted.patches import check_whole, decode_patches, encode_patches

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.tokenizers.fitted.keeping import Arrays, Matrix

_VERSION = 1


class PatchPca:
    """Projection of each patch on its first ``components`` principal axes, and back.

    Latents are rounded to half precision, so that the 16 bits charged for a value are what it holds.

    Args:
        patch: side of a patch in pixels.
        components: latent channels, at most ``3 * patch**2``.
        seed: of the sample of patches it is fitted on.

    Raises:
        UsageError: an argument out of range.
    """

    concurrent = True

    def __init__(self, patch: int = 8, components: int = 16, seed: int = 0) -> None:
        check_whole("patch-pca", 1, 64, patch=patch)
        check_whole("patch-pca", 1, 3 * patch * patch, components=components)
        check_whole("patch-pca", 0, 2**32 - 1, seed=seed)
        import torch

        # The axes do not depend on how many are used: one fit serves every number of components.
        result = fitted("patch-pca", _VERSION, {"patch": patch, "seed": seed}, _fit)
        self._patch = patch
        self._mean = torch.from_numpy(result.arrays["mean"])
        self._axes = torch.from_numpy(result.arrays["axes"])[:components]
        self.info = TokenizerInfo(
            name="patch-pca",
            kind="continuous",
            family="linear",
            revision=str(_VERSION),
            downsample_factor=patch,
            latent_bits=16.0,
            weights=(result.weight,),
            licence=LICENCE,
            citation="Jolliffe, Principal Component Analysis, Springer 2002",
        )

    def encode(self, images: Tensor) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to latents ``float32 [B,components,h,w]`` on the half-precision grid."""
        latents = encode_patches(images, self._patch, self._project)
        return Codes(latents=latents.permute(0, 3, 1, 2).contiguous(), image_size=(images.shape[-2], images.shape[-1]))

    def decode(self, codes: Codes) -> Tensor:
        """Mean plus weighted axes: ``float32 [B,3,H,W]``; may leave [0, 1]."""
        assert codes.latents is not None
        return decode_patches(codes.latents.permute(0, 2, 3, 1), self._patch, self._rebuild, codes.image_size)

    def _project(self, rows: Tensor) -> Tensor:
        return ((rows - self._mean.to(rows)) @ self._axes.to(rows).T).half().float()

    def _rebuild(self, latents: Tensor) -> Tensor:
        return self._mean.to(latents) + latents @ self._axes.to(latents)


def _fit(rows: Matrix) -> Arrays:
    import numpy as np
    from sklearn.decomposition import PCA

    model = PCA(svd_solver="full").fit(rows)
    return {"mean": model.mean_.astype(np.float32), "axes": model.components_.astype(np.float32)}
