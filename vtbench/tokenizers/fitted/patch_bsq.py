"""``patch-bsq``: image patches as signs of linear projections, a binary code without a codebook."""

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


class PatchBsq:
    """Binary quantisation of patches, fitted rather than trained.

    As in binary spherical quantisation (Zhao et al., arXiv 2406.07548): a code is ``nbits`` independent signs, that
    is a corner ``{-1, 1}^nbits / sqrt(nbits)`` of a cube inscribed in the unit sphere; there is no codebook to
    enumerate; and the decoder sees only that corner, here through one affine map fitted by least squares.
    Unlike it: bits are taken one after another, bit i being the sign of the projection of what bits 0 … i-1 leave
    over on its principal axis, where BSQ takes all signs of one projection (whose length on the sphere does not matter
    to a sign); and nothing is trained end to end. Signs of one linear projection would spend a single bit on the mean
    of a patch, which carries most of its variance.

    Args:
        patch: side of a patch in pixels.
        nbits: bits a patch.
        seed: of the sample of patches it is fitted on.

    Raises:
        UsageError: an argument out of range.
    """

    concurrent = True

    def __init__(self, patch: int = 8, nbits: int = 32, seed: int = 0) -> None:
        check_whole("patch-bsq", 1, 64, patch=patch)
        check_whole("patch-bsq", 1, 128, nbits=nbits)
        check_whole("patch-bsq", 0, 2**32 - 1, seed=seed)
        import torch

        arguments = {"patch": patch, "nbits": nbits, "seed": seed}
        result = fitted("patch-bsq", _VERSION, arguments, lambda rows: _fit(rows, nbits))
        self._patch = patch
        self._nbits = nbits
        self._mean, self._axes, self._steps, self._weights, self._bias = (
            torch.from_numpy(result.arrays[name]) for name in ("mean", "axes", "steps", "weights", "bias")
        )
        self.info = TokenizerInfo(
            name="patch-bsq",
            kind="discrete",
            family="bsq",
            revision=str(_VERSION),
            codebook_sizes=(2**nbits,),
            downsample_factor=patch,
            weights=(result.weight,),
            licence=LICENCE,
            citation="after Zhao et al., Image and Video Tokenization with Binary Spherical Quantization, 2406.07548",
        )

    def encode(self, images: Tensor) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to bits ``bool [B,ceil(H/patch),ceil(W/patch),nbits]``."""
        bits = encode_patches(images, self._patch, self._signs)
        return Codes(bits=(bits,), image_size=(images.shape[-2], images.shape[-1]))

    def decode(self, codes: Codes) -> Tensor:
        """The affine image of each corner of the cube: ``float32 [B,3,H,W]``; may leave [0, 1]."""
        return decode_patches(codes.bits[0], self._patch, self._rebuild, codes.image_size)

    def _signs(self, rows: Tensor) -> Tensor:
        import torch

        residual, bits = rows - self._mean.to(rows), []
        for axis, step in zip(self._axes.to(rows), self._steps.to(rows), strict=True):
            bits.append(residual @ axis >= 0)
            residual = residual - torch.where(bits[-1], step, -step)[:, None] * axis
        return torch.stack(bits, dim=-1)

    def _rebuild(self, bits: Tensor) -> Tensor:
        corner = (bits.float() * 2.0 - 1.0) / self._nbits**0.5
        vectors: Tensor = self._bias.to(corner) + corner @ self._weights.to(corner)
        return vectors


def _fit(rows: Matrix, nbits: int) -> Arrays:
    """Axes and steps of the successive bits, then the affine decoder that is best for all bits together."""
    import numpy as np

    mean = rows.mean(axis=0)
    residual = rows - mean
    axes, steps, signs = [], [], []
    for _ in range(nbits):
        axis = np.linalg.eigh(residual.T @ residual)[1][:, -1]
        axis = axis * np.sign(axis[np.abs(axis).argmax()])  # an eigenvector's sign is arbitrary: fix it
        projection = residual @ axis
        sign = np.where(projection >= 0, 1.0, -1.0)
        step = np.abs(projection).mean()  # the best magnitude for two symmetric values
        residual = residual - np.outer(sign * step, axis)
        axes.append(axis)
        steps.append(step)
        signs.append(sign)
    weights, bias = _affine_decoder(np.stack(signs, axis=1) / np.sqrt(nbits), rows)
    arrays = {"mean": mean, "axes": np.stack(axes), "steps": np.array(steps), "weights": weights, "bias": bias}
    return {name: array.astype(np.float32, order="C") for name, array in arrays.items()}


def _affine_decoder(corners: Matrix, rows: Matrix) -> tuple[Matrix, Matrix]:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(corners, rows)
    return model.coef_.T, model.intercept_
