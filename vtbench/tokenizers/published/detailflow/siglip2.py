"""SigLIP 2's vision transformer (Tschannen et al., 2502.14786) in pieces, with the names that transformers gives it.

transformers' own class reads patches alone; here other tokens may stand beside them, and a mask may say who sees whom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import nn

from vtbench.networks.vision_transformer import SiglipLayer

if TYPE_CHECKING:
    from torch import Tensor


class VisionModel(nn.Module):
    """Layers between a patch embedding and a last norm.

    Names: ``embeddings.patch_embedding``, ``embeddings.position_embedding``, ``encoder.layers``, ``post_layernorm``.

    Args:
        size: width, layers, heads and width of the perceptron.
        values: values of a patch; 0 where patches come from elsewhere.
        positions: side of the grid of learnt places.
    """

    def __init__(self, size: tuple[int, int, int, int], values: int, positions: int) -> None:
        super().__init__()
        width, layers, heads, hidden = size
        self.embeddings = nn.ModuleDict({"position_embedding": nn.Embedding(positions**2, width)})
        if values:
            self.embeddings["patch_embedding"] = nn.Linear(values, width)
        self.encoder = nn.ModuleDict(
            {"layers": nn.ModuleList(SiglipLayer(width, heads, hidden) for _ in range(layers))}
        )
        self.post_layernorm = nn.LayerNorm(width, eps=1e-6)

    def places(self, grid: int) -> Tensor:
        """The learnt places, ``[grid*grid,width]``."""
        table: Tensor = self.embeddings["position_embedding"].weight  # type: ignore[assignment]
        return spread(table, grid)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """``[B,L,width]`` to the same; ``mask`` (``bool [L,L]``) is true where the second is seen by the first."""
        for layer in self.encoder["layers"]:  # type: ignore[attr-defined]
            x = layer(x, mask)
        output: Tensor = self.post_layernorm(x)
        return output


def spread(table: Tensor, grid: int) -> Tensor:
    """Places of a square grid, ``[n*n,width]``, to those of another, ``[grid*grid,width]``, as NaFlex resizes them:
    bilinearly, with antialiasing. Those of the same grid stay as they are."""
    side, width = round(len(table) ** 0.5), table.shape[1]
    if side == grid:
        return table
    square = table.float().T.reshape(1, width, side, side)
    resized = F.interpolate(square, size=(grid, grid), mode="bilinear", antialias=True)
    return resized.reshape(width, grid**2).T.to(table.dtype)
