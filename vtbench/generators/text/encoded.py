"""Encoded text of a batch: a feature vector for each token, and which of them are text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class EncodedText:
    """Features of ``B`` texts, filled up to one length.

    Attributes:
        features: ``[B,T,D]``, floating.
        mask: ``bool [B,T]``, true where a token of the text stands.
    """

    features: Tensor
    mask: Tensor

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, chosen: slice) -> EncodedText:
        return EncodedText(self.features[chosen], self.mask[chosen])

    @property
    def device(self) -> torch.device:
        """Where they lie."""
        return self.features.device

    def joined(self, other: EncodedText) -> EncodedText:
        """These texts, then others of the same length."""
        import torch

        return EncodedText(torch.cat([self.features, other.features]), torch.cat([self.mask, other.mask]))

    def aligned_right(self) -> EncodedText:
        """The same with what is filled up in front, as vectors of zeros, and the last token of each text at the end."""
        import torch

        length = self.mask.shape[1]
        start = self.mask.sum(dim=1, keepdim=True)
        places = (torch.arange(length, device=self.device) + start) % length
        mask = self.mask.gather(1, places)
        features = self.features.gather(1, places[..., None].expand_as(self.features))
        return EncodedText(features * mask[..., None], mask)

    def to(self, dtype: torch.dtype) -> EncodedText:
        """With features in another precision."""
        return EncodedText(self.features.to(dtype), self.mask)
