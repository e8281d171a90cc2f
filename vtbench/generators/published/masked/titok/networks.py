"""TiTok's two masked transformers in the names of their published files: the class first, then the image's tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.networks.vision_transformer import FusedBlock

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.masked.titok.geometry import TitokGeometry

BERT_EPS, UVIT_EPS = 1e-12, 1e-5


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


class Block(FusedBlock):
    """U-ViT's block (Bao et al., 2209.12152); on the way out it takes what a block on the way in returned."""

    def __init__(self, geometry: TitokGeometry, skip: bool = False) -> None:
        super().__init__(geometry.width, geometry.heads, geometry.hidden, bias=False, eps=UVIT_EPS)
        self.skip_linear = nn.Linear(2 * geometry.width, geometry.width) if skip else None

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        if self.skip_linear is not None:
            assert skip is not None
            x = self.skip_linear(torch.cat([x, skip], dim=-1))
        return super().forward(x)


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
