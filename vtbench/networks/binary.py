"""Signs as bits: what lookup-free (LFQ) and binary spherical (BSQ) quantisers do, without a codebook.

Sources: Yu et al., Language Model Beats Diffusion, 2310.05737, eq. 3; Zhao et al., Image and Video Tokenization with
Binary Spherical Quantization, 2406.07548, eq. 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def to_bits(latents: Tensor, *, first_is_highest: bool = False) -> Tensor:
    """Whether each latent is positive; zero is not.

    Args:
        latents: ``float [B,C,*grid]``.
        first_is_highest: channel 0 has the weight 2**(C-1) in the published index, instead of 1.

    Returns:
        ``bool [B,*grid,C]``, bit ``i`` of weight ``2**i``.
    """
    bits = (latents > 0).movedim(1, -1)
    return bits.flip(-1) if first_is_highest else bits


def bits_of(indices: Tensor, count: int) -> Tensor:
    """``int64 [...]`` to ``bool [...,count]``, bit ``i`` of weight ``2**i``."""
    import torch

    return (indices[..., None] >> torch.arange(count, device=indices.device)) % 2 == 1


def indices_of(bits: Tensor) -> Tensor:
    """The way back: ``bool [...,count]``, bit ``i`` of weight ``2**i``, to ``int64 [...]``."""
    import torch

    return (bits.long() << torch.arange(bits.shape[-1], device=bits.device)).sum(dim=-1)


def to_signs(bits: Tensor, dtype: torch.dtype, *, first_is_highest: bool = False) -> Tensor:
    """The way back: ``bool [B,*grid,C]`` to -1 and 1, ``[B,C,*grid]``."""
    ordered = bits.flip(-1) if first_is_highest else bits
    return ordered.movedim(-1, 1).to(dtype).mul(2).sub(1).contiguous()
