"""ImageGPT's transformer, which is transformers' ``ImageGPTForCausalImageModeling``, under the loop of this project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vtbench.generators.published.library.cache import cached
from vtbench.generators.published.library.classes import library_classes
from vtbench.networks.key_value_cache import CacheGeometry, KeyValueCache


@dataclass(frozen=True, kw_only=True)
class ImageGptGeometry:
    """Sizes of the network.

    Attributes:
        depth: blocks.
        heads: of attention.
        width: channels.
        side: pixels along one side; an image has ``side * side`` tokens.
        colours: of the palette; the entry behind the last one begins an image.
    """

    depth: int
    heads: int
    width: int
    side: int = 32
    colours: int = 512


UNSEEN = (
    *("n_head", "activation_function", "layer_norm_epsilon", "scale_attn_weights", "scale_attn_by_inverse_layer_idx"),
    "reorder_and_upcast_attn",
)
"""Settings of the library's configuration that no tensor shows."""
SIZES = {
    "small": ImageGptGeometry(depth=24, heads=8, width=512),
    "medium": ImageGptGeometry(depth=36, heads=8, width=1024),
    "large": ImageGptGeometry(depth=48, heads=16, width=1536),
    "tiny": ImageGptGeometry(depth=2, heads=2, width=16, side=8, colours=32),
}
"""Published sizes (Chen et al. 2020, section 3.3: iGPT-S, -M and -L), and one for tests that no file has."""


class ImageGptNetwork(nn.Module):
    """Predicts pixel t of an image from the pixels before it; conditioned on nothing.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: ImageGptGeometry) -> None:
        super().__init__()
        self.geometry = geometry
        self.model: Any = _library(geometry)

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.geometry.side**2

    @property
    def row_length(self) -> int:
        """Tokens of one row of the image."""
        return self.geometry.side

    def make_cache(self, batch: int) -> KeyValueCache:
        """An empty cache for so many sequences, in the precision of the weights; the last token is never fed."""
        sizes = self.geometry
        held = CacheGeometry(sizes.depth, sizes.heads, self.tokens, sizes.width // sizes.heads)
        return KeyValueCache(held, batch, self.model.transformer.wte.weight)

    def prefill(self, condition: Tensor, cache: KeyValueCache) -> Tensor:
        """As many images as there are conditions, ``[B,…]``, which say nothing; to logits ``[B,V]`` of token 0."""
        return self._run(self._begun(condition), cache)[:, -1]

    def step(self, tokens: Tensor, cache: KeyValueCache) -> Tensor:
        """The next G tokens ``int64 [B,G]`` to the logits ``[B,G,V]`` of those after each."""
        return self._run(tokens, cache)

    def forward(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """The first T tokens of each image ``int64 [B,T]``, fewer than all, to logits ``[B,T+1,V]``, without a cache:
        position t holds those of token t."""
        return self._run(torch.cat([self._begun(condition), tokens], dim=1), None)

    def _begun(self, condition: Tensor) -> Tensor:
        device = self.model.transformer.wte.weight.device
        return torch.full((len(condition), 1), self.geometry.colours, device=device)

    def _run(self, tokens: Tensor, cache: KeyValueCache | None) -> Tensor:
        return cached(self.model, cache, tokens.shape[1], input_ids=tokens)


def library_config(geometry: ImageGptGeometry) -> Any:
    """The library's configuration of the network.

    Raises:
        AssetMissingError: transformers is not installed, or too old.
    """
    (config,) = library_classes("imagegpt", "ImageGPTConfig")
    return config(
        vocab_size=geometry.colours + 1,
        n_positions=geometry.side**2,
        n_embd=geometry.width,
        n_layer=geometry.depth,
        n_head=geometry.heads,
    )


def _library(geometry: ImageGptGeometry) -> Any:
    (kind,) = library_classes("imagegpt", "ImageGPTForCausalImageModeling")
    return kind(library_config(geometry))
