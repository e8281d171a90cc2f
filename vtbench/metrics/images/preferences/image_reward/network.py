"""ImageReward's network: BLIP's image encoder, its text encoder that reads the image, linear layers to one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = (
    (r"^blip\.visual_encoder\.cls_token$", "vision.embeddings.class_embedding"),
    (r"^blip\.visual_encoder\.pos_embed$", "vision.embeddings.position_embedding"),
    (r"^blip\.visual_encoder\.patch_embed\.proj\.", "vision.embeddings.patch_embedding."),
    (r"^blip\.visual_encoder\.norm\.", "vision.post_layernorm."),
    (r"^blip\.visual_encoder\.blocks\.(\d+)\.norm([12])\.", r"vision.encoder.layers.\1.layer_norm\2."),
    (r"^blip\.visual_encoder\.blocks\.(\d+)\.attn\.proj\.", r"vision.encoder.layers.\1.self_attn.projection."),
    (r"^blip\.visual_encoder\.blocks\.(\d+)\.attn\.", r"vision.encoder.layers.\1.self_attn."),
    (r"^blip\.visual_encoder\.blocks\.(\d+)\.mlp\.", r"vision.encoder.layers.\1.mlp."),
    (r"^blip\.text_encoder\.", "text."),
    (r"^mlp\.layers\.", "mlp."),
)
"""The published file's names to the network's, in order."""
UNREAD = ("blip.vision_proj.*", "blip.text_proj.*", "text.embeddings.position_ids")
"""Tensors of the file, by the network's names, that no score reads: BLIP's projections, and a count of places."""
_MLP = (1024, 128, 64, 16, 1)
_PLACES = (0, 2, 4, 6, 7)
"""Of the linear layers in the file; between them stands dropout, and no activation."""


@dataclass(frozen=True, kw_only=True)
class RewardGeometry:
    """Sizes, the published ones unless given (BLIP with ViT-L/16 and BERT base, its ``med_config.json``).

    Attributes:
        side: of the image, in pixels.
        patch: side of a patch, in pixels.
        width, depth, heads: of the image encoder; its hidden layers are four times as wide.
        words: tokens of the vocabulary, BLIP's two marks among them.
        places: positions of the text encoder.
        text_width, text_depth, text_heads: of the text encoder, likewise.
    """

    side: int = 224
    patch: int = 16
    width: int = 1024
    depth: int = 24
    heads: int = 16
    words: int = 30524
    places: int = 512
    text_width: int = 768
    text_depth: int = 12
    text_heads: int = 12


class RewardNetwork(nn.Module):
    """Pixels and tokens to a number, not standardised.

    Raises:
        AssetMissingError: transformers is not installed.
    """

    def __init__(self, geometry: RewardGeometry) -> None:
        super().__init__()
        try:
            from transformers import BlipTextModel, BlipVisionModel
        except ImportError as error:
            raise AssetMissingError("image_reward needs transformers", install_extra("hub")) from error
        self.vision: Any = BlipVisionModel(_vision(geometry))
        self.text: Any = BlipTextModel(_text(geometry), add_pooling_layer=False)
        sides = (geometry.text_width, *_MLP)
        linear = {str(place): nn.Linear(sides[n], sides[n + 1]) for n, place in enumerate(_PLACES)}
        self.mlp = nn.ModuleDict(linear)

    def forward(self, pixels: Tensor, words: Tensor, read: Tensor) -> Tensor:
        """Score pairs.

        Args:
            pixels: ``float32 [B,3,side,side]``, normalised.
            words: ``int64 [B,L]``, padded.
            read: ``int64 [B,L]``, 1 where a token is none of the padding.

        Returns:
            ``[B]``.
        """
        seen = self.vision(pixel_values=pixels).last_hidden_state
        whole = torch.ones(seen.shape[:2], dtype=torch.long, device=seen.device)
        said = self.text(input_ids=words, attention_mask=read, encoder_hidden_states=seen, encoder_attention_mask=whole)
        value: Tensor = said.last_hidden_state[:, 0]
        for layer in self.mlp.values():
            value = layer(value)
        return value[:, 0]


def filled_network(geometry: RewardGeometry, state: Mapping[str, Tensor], source: str) -> RewardNetwork:
    """The network with the published file's tensors, every one accounted for, in evaluation mode.

    Raises:
        AssetMissingError: transformers is not installed.
        AdapterError: tensors are missing, left over or of another shape.
    """
    from vtbench.checkpoints.naming import renamed
    from vtbench.checkpoints.state import fill, without_initialisation

    with without_initialisation():
        network = RewardNetwork(geometry)
    fill(network, renamed(state, NAMES), family="image_reward", source=source, ignore_unexpected=UNREAD)
    return network.eval().requires_grad_(False)


def _vision(geometry: RewardGeometry) -> Any:
    from transformers import BlipVisionConfig

    return BlipVisionConfig(
        hidden_size=geometry.width,
        intermediate_size=4 * geometry.width,
        num_hidden_layers=geometry.depth,
        num_attention_heads=geometry.heads,
        image_size=geometry.side,
        patch_size=geometry.patch,
        hidden_act="gelu",
        layer_norm_eps=1e-6,  # of BLIP's own image encoder; transformers' default is another
    )


def _text(geometry: RewardGeometry) -> Any:
    from transformers import BlipTextConfig

    return BlipTextConfig(
        vocab_size=geometry.words,
        hidden_size=geometry.text_width,
        encoder_hidden_size=geometry.width,
        intermediate_size=4 * geometry.text_width,
        num_hidden_layers=geometry.text_depth,
        num_attention_heads=geometry.text_heads,
        max_position_embeddings=geometry.places,
        hidden_act="gelu",
        layer_norm_eps=1e-12,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        is_decoder=True,  # what gives its layers cross-attention; no token is hidden from an earlier one
    )
