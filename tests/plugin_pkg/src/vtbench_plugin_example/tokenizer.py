"""A tokenizer of another package: every channel of every pixel becomes one of a few grey levels."""

import torch

from vtbench.core.codes import Codes
from vtbench.core.info import TokenizerInfo


class Posterize:
    """Uniform scalar quantisation, one level of codes a colour channel."""

    def __init__(self, levels: int = 8) -> None:
        self.levels = levels
        self.info = TokenizerInfo(
            name="posterize", kind="discrete", family="scalar", codebook_sizes=(levels,) * 3, downsample_factor=1
        )

    def encode(self, images: torch.Tensor) -> Codes:
        indices = (images * (self.levels - 1)).round().long()
        return Codes(levels=indices.unbind(dim=1))

    def decode(self, codes: Codes) -> torch.Tensor:
        return torch.stack(codes.levels, dim=1).float() / (self.levels - 1)
