"""TiTok's two masked transformers in the names of their published files: the class first, then the image's tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.masked.titok.geometry import TitokGeometry

BERT_EPS = 1e-12


class MaskedTransformer(nn.Module):
    """What both have in common: how a batch enters, and that the class's own position is dropped.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: TitokGeometry) -> None:
        super().__init__()
        self.geometry = geometry

    @property
    def places(self) -> int:
        """Tokens of an image."""
        return self.geometry.tokens

    @property
    def mask_token(self) -> int:
        """Entry of a masked place."""
        return self.geometry.mask_token

    def predict(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Labels ``int64 [B]``, ``classes`` for none, and tokens ``int64 [B,N]``, masked or not, to ``[B,N,V]``."""
        first = condition[:, None] + self.geometry.first_class
        output: Tensor = self(torch.cat([first, tokens], dim=1))[:, 1:]
        return output


class ImageBert(MaskedTransformer):
    """BERT as transformers has it: post-norm, learnt positions. Names: ``model.*``, with the head inside it.

    Args:
        geometry: its sizes.

    Raises:
        AssetMissingError: transformers is not installed.
    """

    def __init__(self, geometry: TitokGeometry) -> None:
        try:
            from transformers import BertConfig, BertModel
        except ImportError as error:
            raise AssetMissingError(
                "this generator is a BERT of transformers, which is not installed", install_extra("hub", "transformers")
            ) from error
        super().__init__(geometry)
        config: Any = BertConfig(
            vocab_size=geometry.entries,
            hidden_size=geometry.width,
            num_hidden_layers=geometry.depth,
            num_attention_heads=geometry.heads,
            intermediate_size=geometry.hidden,
            max_position_embeddings=geometry.tokens + 1,
            layer_norm_eps=BERT_EPS,
            pad_token_id=None,
        )
        self.model = BertModel(config, add_pooling_layer=False)
        self.model.lm_head = nn.Linear(geometry.width, geometry.vocabulary)

    def forward(self, entries: Tensor) -> Tensor:
        head: Any = self.model.lm_head
        output: Tensor = head(self.model(input_ids=entries).last_hidden_state)
        return output


class Attention(nn.Module):
    """Bidirectional attention with one matrix for queries, keys and values, which has no bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)
        self._heads = heads

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(x).unflatten(-1, (3, self._heads, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value)
        output: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return output


class Perceptron(nn.Module):
    """Two layers with a GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return output


class Block(nn.Module):
    """U-ViT's pre-norm block (Bao et al., 2209.12152); on the way out it takes what a block on the way in returned."""

    def __init__(self, geometry: TitokGeometry, skip: bool = False) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(geometry.width)
        self.attn = Attention(geometry.width, geometry.heads)
        self.norm2 = nn.LayerNorm(geometry.width)
        self.mlp = Perceptron(geometry.width, geometry.hidden)
        self.skip_linear = nn.Linear(2 * geometry.width, geometry.width) if skip else None

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        if self.skip_linear is not None:
            assert skip is not None
            x = self.skip_linear(torch.cat([x, skip], dim=-1))
        x = x + self.attn(self.norm1(x))
        output: Tensor = x + self.mlp(self.norm2(x))
        return output


class UVitBert(MaskedTransformer):
    """Names: ``embeddings``, ``pos_embed``, ``in_blocks``, ``mid_block``, ``out_blocks``, ``norm``, ``lm_head``.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: TitokGeometry) -> None:
        super().__init__(geometry)
        width, arm = geometry.width, geometry.depth // 2
        self.embeddings = nn.Embedding(geometry.entries, width)
        self.pos_embed = nn.Parameter(torch.empty(1, geometry.tokens + 1, width).normal_(std=0.02))
        self.in_blocks = nn.ModuleList(Block(geometry) for _ in range(arm))
        self.mid_block = Block(geometry)
        self.out_blocks = nn.ModuleList(Block(geometry, skip=True) for _ in range(arm))
        self.norm = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, geometry.vocabulary)

    def forward(self, entries: Tensor) -> Tensor:
        x = self.embeddings(entries) + self.pos_embed
        skips = []
        for block in self.in_blocks:
            x = block(x)
            skips.append(x)
        x = self.mid_block(x)
        for block in self.out_blocks:
            x = block(x, skips.pop())
        output: Tensor = self.lm_head(self.norm(x))
        return output


def build(geometry: TitokGeometry) -> MaskedTransformer:
    """The network of that geometry."""
    return ImageBert(geometry) if geometry.trunk == "bert" else UVitBert(geometry)
