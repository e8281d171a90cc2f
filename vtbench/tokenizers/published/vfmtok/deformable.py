"""Attention that samples a few places (Zhu et al., Deformable DETR, 2010.04159, eq. 3) of maps of one size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.attention import Attention

if TYPE_CHECKING:
    from torch import Tensor


class DeformableAttention(nn.Module):
    """Queries to mixtures of what lies at places around their own, in every map and head.

    Names: ``sampling_offsets``, ``attention_weights``, ``value_proj``, ``output_proj``.

    Args:
        width: of queries and maps.
        heads: divide the width.
        maps: how many there are.
        points: places a head and map.
    """

    def __init__(self, width: int, heads: int, maps: int, points: int) -> None:
        super().__init__()
        self.sampling_offsets = nn.Linear(width, heads * maps * points * 2)
        self.attention_weights = nn.Linear(width, heads * maps * points)
        self.value_proj, self.output_proj = nn.Linear(width, width), nn.Linear(width, width)
        self._shape = (heads, maps, points)

    def forward(self, queries: Tensor, places: Tensor, features: Tensor) -> Tensor:
        """``[B,Q,width]`` to the same.

        Args:
            queries: with their positions.
            places: ``[Q,2]``, of each query in every map: column and row in [0, 1].
            features: ``[B,maps,h*h,width]``, maps in raster order.
        """
        heads, maps, points = self._shape
        batch, count, _ = queries.shape
        side = round(features.shape[2] ** 0.5)
        offsets = self.sampling_offsets(queries).reshape(batch, count, heads, maps, points, 2) / side
        where = (places[:, None, None, None] + offsets).permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
        values = self.value_proj(features).reshape(batch, maps, side, side, heads, -1).permute(0, 4, 1, 5, 2, 3)
        sampled = F.grid_sample(values.flatten(0, 2), 2 * where - 1, align_corners=False)  # [B·heads·maps,d,Q,points]
        sampled = sampled.reshape(batch, heads, maps, -1, count, points)
        shares = self.attention_weights(queries).reshape(batch, count, heads, maps * points).softmax(-1)
        shares = shares.reshape(batch, count, heads, maps, points).permute(0, 2, 3, 1, 4)
        mixed = torch.einsum("bhmdqp,bhmqp->bqhd", sampled, shares).flatten(2)
        output: Tensor = self.output_proj(mixed)
        return output


class DeformableLayer(nn.Module):
    """Looks up, attends to itself and those before, a perceptron; a norm after each shortcut.

    Names: ``cross_attn``, ``norm1``, ``self_attn``, ``norm3``, ``linear1``, ``linear2``, ``norm2``.
    """

    def __init__(self, width: int, heads: int, maps: int, points: int, hidden: int) -> None:
        super().__init__()
        self.cross_attn = DeformableAttention(width, heads, maps, points)
        self.self_attn = Attention(width, heads, causal=True)
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))

    def forward(self, x: Tensor, positions: Tensor, places: Tensor, features: Tensor) -> Tensor:
        x = self.norm1(x + self.cross_attn(x + positions, places, features))
        x = self.norm3(x + self.self_attn(x + positions))
        output: Tensor = self.norm2(x + self.linear2(F.relu(self.linear1(x))))
        return output
