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

    def cut(self, length: int) -> EncodedText:
        """The first so many places alone."""
        return EncodedText(self.features[:, :length], self.mask[:, :length])

    def to(self, dtype: torch.dtype) -> EncodedText:
        """With features in another precision."""
        return EncodedText(self.features.to(dtype), self.mask)


@dataclass(frozen=True)
class PromptedText:
    """Texts of a batch, and what stands for none: :class:`~vtbench.generators.sampling.next_token.Prompted` of text.

    Attributes:
        conditional: filled up on the right.
        unconditional: of the same length.
    """

    conditional: EncodedText
    unconditional: EncodedText

    @property
    def device(self) -> torch.device:
        """Where sampling happens."""
        return self.conditional.device

    def doubled(self) -> EncodedText:
        """Both halves, the conditional first."""
        return self.conditional.joined(self.unconditional)

    def trimmed(self) -> PromptedText:
        """Without the places that no text of the batch reaches."""
        import torch

        masks = (self.conditional.mask, self.unconditional.mask)
        longest = int(torch.stack([mask.sum(dim=1).max() for mask in masks]).max())  # one wait for the device
        return PromptedText(self.conditional.cut(longest), self.unconditional.cut(longest))
