"""``Codes``: what a tokenizer turns images into, in one of four forms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.info import TokenizerInfo

CodesForm = Literal["levels", "bits", "latents", "payload"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Codes:
    """A batch of codes. Exactly one of the four forms is set.

    Attributes:
        levels: ``int64 [B,*grid]``, one tensor a scale or codebook, coarsest first; indices in ``[0, K_level)``.
        bits: ``bool [B,*grid,nbits]``, one tensor a scale: LFQ and BSQ codes, whose ``2**nbits`` entries cannot be
            enumerated. Bit ``i`` has weight ``2**i``.
        latents: ``float [B,C,*grid]``.
        payload: one byte string an image: what an image codec stores.
        bits_per_image: ``float64 [B]``, when the tokenizer knows it exactly; otherwise it follows from the form.
        image_size: ``(height, width)`` of the encoded images, for decoders that padded and must crop back.

    Raises:
        ValueError: no form or several, or tensors of the wrong dtype or unequal batch sizes.
    """

    levels: tuple[Tensor, ...] = ()
    bits: tuple[Tensor, ...] = ()
    latents: Tensor | None = None
    payload: tuple[bytes, ...] = ()
    bits_per_image: Tensor | None = None
    image_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name in ("levels", "bits", "payload"):
            if not isinstance(getattr(self, name), tuple):
                raise ValueError(f"{name} must be a tuple, one entry a level or image, as in levels=(indices,)")
        present = [name for name, given in self._forms().items() if given]
        if len(present) != 1:
            raise ValueError(f"Codes need exactly one of levels, bits, latents, payload; got {present or 'none'}")
        self._check_tensors()

    def _forms(self) -> dict[CodesForm, bool]:
        return {
            "levels": bool(self.levels),
            "bits": bool(self.bits),
            "latents": self.latents is not None,
            "payload": bool(self.payload),
        }

    def _check_tensors(self) -> None:
        import torch

        for level in self.levels:
            if level.dtype != torch.int64 or level.ndim < 2:
                raise ValueError(f"a level must be int64 [B,*grid], got {level.dtype} {tuple(level.shape)}")
        for plane in self.bits:
            if plane.dtype != torch.bool or plane.ndim < 3:
                raise ValueError(f"bits must be bool [B,*grid,nbits], got {plane.dtype} {tuple(plane.shape)}")
        if self.latents is not None and (not self.latents.is_floating_point() or self.latents.ndim < 3):
            raise ValueError(f"latents must be float [B,C,*grid], got {self.latents.dtype} {tuple(self.latents.shape)}")
        if not all(isinstance(data, bytes) for data in self.payload):
            raise ValueError("a payload must be bytes, one string an image")
        if self.bits_per_image is not None and self.bits_per_image.ndim != 1:
            raise ValueError(f"bits_per_image must be [B], got {tuple(self.bits_per_image.shape)}")
        sizes = {len(tensor) for tensor in (*self.levels, *self.bits)} | {self.batch_size}
        if self.bits_per_image is not None:
            sizes.add(len(self.bits_per_image))
        if len(sizes) > 1:
            raise ValueError(f"the parts of one batch of codes have different batch sizes: {sorted(sizes)}")

    @property
    def form(self) -> CodesForm:
        """Which of the four forms this is."""
        return next(name for name, given in self._forms().items() if given)

    @property
    def batch_size(self) -> int:
        """Number of images."""
        if self.payload:
            return len(self.payload)
        if self.latents is not None:
            return len(self.latents)
        return len((self.levels or self.bits)[0])

    @property
    def grids(self) -> tuple[tuple[int, ...], ...]:
        """Grid shape of each level; empty for a payload."""
        if self.levels:
            return tuple(tuple(level.shape[1:]) for level in self.levels)
        if self.bits:
            return tuple(tuple(plane.shape[1:-1]) for plane in self.bits)
        return () if self.latents is None else (tuple(self.latents.shape[2:]),)

    def select(self, indices: list[int]) -> Codes:
        """The codes of some of the images, in the order given."""
        return Codes(
            levels=tuple(level[indices] for level in self.levels),
            bits=tuple(plane[indices] for plane in self.bits),
            latents=None if self.latents is None else self.latents[indices],
            payload=tuple(self.payload[index] for index in indices) if self.payload else (),
            bits_per_image=None if self.bits_per_image is None else self.bits_per_image[indices],
            image_size=self.image_size,
        )

    @classmethod
    def joined(cls, parts: Sequence[Codes]) -> Codes:
        """The codes of several batches as those of one, in order; of one form and one size, and at least one.

        Raises:
            RuntimeError: their grids differ.
        """
        import torch

        first = parts[0]
        known = [part.bits_per_image for part in parts if part.bits_per_image is not None]
        return cls(
            levels=tuple(torch.cat(level) for level in zip(*(part.levels for part in parts), strict=True)),
            bits=tuple(torch.cat(plane) for plane in zip(*(part.bits for part in parts), strict=True)),
            latents=None
            if first.latents is None
            else torch.cat([part.latents for part in parts if part.latents is not None]),
            payload=tuple(data for part in parts for data in part.payload),
            bits_per_image=torch.cat(known) if len(known) == len(parts) else None,
            image_size=first.image_size,
        )

    def tokens_per_image(self) -> Tensor:
        """``float64 [B]``: grid positions summed over levels; for a payload, its bytes."""
        import torch

        if self.payload:
            return torch.tensor([len(data) for data in self.payload], dtype=torch.float64)
        count = sum(math.prod(grid) for grid in self.grids)
        return torch.full((self.batch_size,), float(count), dtype=torch.float64)

    def total_bits(self, info: TokenizerInfo) -> Tensor:
        """``float64 [B]``: bits needed for each image.

        ``bits_per_image`` where the tokenizer gave it; else log2(K) a token, one a bit, ``latent_bits`` a latent
        value, eight a payload byte.

        Raises:
            ValueError: ``info`` states another number of codebooks than there are levels.
        """
        import torch

        if self.bits_per_image is not None:
            return self.bits_per_image.detach().to("cpu", torch.float64)
        if self.payload:
            return self.tokens_per_image() * 8.0
        if self.levels:
            if len(self.levels) != len(info.codebook_sizes):
                stated = f"{len(info.codebook_sizes)} codebook size(s)"
                raise ValueError(f"{info.name}: codes have {len(self.levels)} levels, its info states {stated}")
            pairs = zip(self.grids, info.bits_per_token, strict=True)
            total = sum(math.prod(grid) * bits for grid, bits in pairs)
        elif self.bits:
            total = float(sum(plane[0].numel() for plane in self.bits))
        else:
            assert self.latents is not None
            total = self.latents[0].numel() * info.latent_bits
        return torch.full((self.batch_size,), total, dtype=torch.float64)
