"""Switti's blocks: every branch stands between two norms, and size and place of the training image modulate it too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.generators.published.next_scale.switti.attention import SelfAttention, TextAttention
from vtbench.networks.next_scale.blocks import BlockModulation

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.next_scale.switti.geometry import SwittiGeometry
    from vtbench.networks.key_value_cache import KeyValueCache

EPS = 1e-6


@dataclass(frozen=True, eq=False)
class BlockCondition:
    """What one block makes of R texts, once for all scales.

    Attributes:
        modulation: of self-attention and of the feed-forward part, gate, scale and shift ``[R,1,width]`` each.
        told: keys and values of the text, ``[R,heads,S,head_width]`` each.
    """

    modulation: tuple[tuple[Tensor, ...], ...]
    told: tuple[Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class BlockPass:
    """What all blocks of one pass take.

    Attributes:
        text: mask ``bool [R,S]`` of the text.
        mask: ``bool [T,S]``, which positions see which; ``None`` for all.
        cache: of the scales before.
        rotations: ``float32 [T,head_width/2,2]``.
    """

    text: Tensor
    mask: Tensor | None
    cache: KeyValueCache | None
    rotations: Tensor


class GatedFeedForward(nn.Module):
    """SwiGLU without biases (Shazeer 2020). Names: ``up_proj``, ``down_proj``, ``gate_proj``."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)
        self.gate_proj = nn.Linear(width, inner, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``[R,T,width]`` to the same."""
        output: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return output


class SwittiBlock(BlockModulation):
    """Self-attention, attention to the text, feed-forward.

    Names: ``attn``, ``cross_attn``, ``ffn``, of each branch a norm before it and one behind it, ``attention_y_norm`` of
    the text, ``crop_cond_scales``, and ``ada_lin.1``.
    """

    def __init__(self, geometry: SwittiGeometry) -> None:
        width, heads, text_width = geometry.width, geometry.heads, sum(geometry.text_widths)
        super().__init__(width, 2, shared=False)
        self.attn = SelfAttention(width, heads)
        self.cross_attn = TextAttention(width, text_width, heads)
        self.ffn = GatedFeedForward(width, geometry.inner)
        self.self_attention_norm1, self.self_attention_norm2 = _norm(width), _norm(width)
        self.cross_attention_norm1, self.cross_attention_norm2 = _norm(width), _norm(width)
        self.ffn_norm1, self.ffn_norm2 = _norm(width), _norm(width)
        self.attention_y_norm = _norm(text_width)
        self.crop_cond_scales = nn.Parameter(torch.zeros(1, width))

    def conditioned(self, pooled: Tensor, crop: Tensor, text: Tensor) -> BlockCondition:
        """Of pooled text ``[R,width]``, the crop ``[1,width]`` and tokens of text ``[R,S,text_width]``."""
        vectors = self.vectors(pooled + self.crop_cond_scales * crop)
        return BlockCondition(vectors, self.cross_attn.told(self.attention_y_norm(text)))

    def forward(self, x: Tensor, condition: BlockCondition, layer: int, given: BlockPass) -> Tensor:
        """One block: ``[R,T,width]`` to the same."""
        (gate, scale, shift), (last_gate, last_scale, last_shift) = condition.modulation
        asked = self.self_attention_norm1(x) * (1 + scale) + shift
        found = self.attn(asked, given.mask, given.cache, layer, given.rotations)
        x = x + self.self_attention_norm2(found) * gate
        found = self.cross_attn(self.cross_attention_norm1(x), condition.told, given.text)
        x = x + self.cross_attention_norm2(found)
        output: Tensor = x + self.ffn_norm2(self.ffn(self.ffn_norm1(x) * (1 + last_scale) + last_shift)) * last_gate
        return output


def _norm(width: int) -> nn.RMSNorm:
    return nn.RMSNorm(width, eps=EPS)
