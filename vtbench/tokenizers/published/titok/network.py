"""TiTok's one-dimensional tokenizer (Yu et al., An Image is Worth 32 Tokens, 2406.07550)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from vtbench.networks.codebook import Codebook
from vtbench.networks.maskgit import Decoder as PixelDecoder
from vtbench.networks.sizes import Sizes
from vtbench.networks.vision_transformer import Block

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.tokenizers.published.titok.geometry import Geometry

WIDTHS = Sizes(
    "titok",
    {"small": (512, 8, 8), "base": (768, 12, 12), "large": (1024, 24, 16), "nano": (120, 3, 4), "tiny": (32, 1, 2)},
)
"""Width, layers and heads of the published sizes; ``nano`` is the reference zoo's, ``tiny`` is for tests."""
PIXEL_CODES = 1024
PIXEL_CHANNELS = 256


class Tower(nn.Module):
    """What encoder and decoder share: a class token and patches, then latent tokens, through a transformer."""

    def __init__(self, name: str, geometry: Geometry) -> None:
        super().__init__()
        self.width, layers, heads = WIDTHS[name]
        scale = self.width**-0.5
        self.class_embedding = nn.Parameter(scale * torch.randn(1, self.width))
        self.positional_embedding = nn.Parameter(scale * torch.randn(geometry.grid**2 + 1, self.width))
        self.latent_token_positional_embedding = nn.Parameter(scale * torch.randn(geometry.tokens, self.width))
        self.ln_pre = nn.LayerNorm(self.width)
        self.transformer = nn.ModuleList(Block(self.width, heads) for _ in range(layers))
        self.ln_post = nn.LayerNorm(self.width)

    def placed(self, latents: Tensor) -> Tensor:
        """The first latent tokens ``[B,N,width]``, as many as there are, with their learnt places."""
        return latents + self.latent_token_positional_embedding[: latents.shape[1]]

    def run(self, patches: Tensor, tokens: Tensor) -> Tensor:
        """``[B,P,width]`` and what stands beside, ``[B,N,width]``, to ``[B,1+P+N,width]``, before the last norm."""
        first = self.class_embedding.expand(len(patches), 1, -1)
        image = torch.cat((first, patches), 1) + self.positional_embedding
        x: Tensor = self.ln_pre(torch.cat((image, tokens), 1))
        for block in self.transformer:
            x = block(x)
        return x


class Encoder(Tower):
    """Pixels to latents ``[B,C,N]``. Names: also ``patch_embed``, ``conv_out``."""

    def __init__(self, geometry: Geometry, outputs: int) -> None:
        super().__init__(geometry.encoder, geometry)
        self.patch_embed = nn.Conv2d(3, self.width, geometry.patch, stride=geometry.patch)
        self.conv_out = nn.Conv2d(self.width, outputs, 1)
        self._scrambled = geometry.two_stage

    def forward(self, images: Tensor, latent_tokens: Tensor) -> Tensor:
        patches = self.patch_embed(images).flatten(2).transpose(1, 2)
        x = self.run(patches, self.placed(latent_tokens.expand(len(images), -1, -1)))
        latents = self.ln_post(x[:, 1 + patches.shape[1] :])
        # The first models were trained with tokens and channels read in the wrong order; their weights need it so.
        shape = (len(images), self.width, -1, 1)
        arranged = latents.reshape(shape) if self._scrambled else latents.transpose(1, 2).reshape(shape)
        output: Tensor = self.conv_out(arranged).flatten(2)
        return output


class Decoder(Tower):
    """Latents ``[B,C,N]`` to logits of MaskGIT's codes or to pixels; ``N`` may be less than all.

    Names: also ``decoder_embed``, ``mask_token``, ``ffn``, ``conv_out``.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__(geometry.decoder, geometry)
        self.decoder_embed = nn.Linear(geometry.dim, self.width)
        self.mask_token = nn.Parameter(self.width**-0.5 * torch.randn(1, 1, self.width))
        self._grid, self._patch, self._two_stage = geometry.grid, geometry.patch, geometry.two_stage
        if geometry.two_stage:
            wide = 2 * self.width
            self.ffn = nn.Sequential(nn.Conv2d(self.width, wide, 1), nn.Tanh(), nn.Conv2d(wide, PIXEL_CODES, 1))
        else:
            self.ffn = nn.Sequential(nn.Conv2d(self.width, 3 * geometry.patch**2, 1))
            self.conv_out = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        patches = self.mask_token.expand(len(latents), self._grid**2, -1)
        x = self.run(patches, self.tokens(latents.transpose(1, 2)))
        x = self.ln_post(x[:, 1 : 1 + self._grid**2]).transpose(1, 2)
        output: Tensor = self.ffn(x.reshape(len(x), self.width, self._grid, self._grid))
        return output if self._two_stage else self._to_pixels(output)

    def tokens(self, latents: Tensor) -> Tensor:
        """What stands beside the patches, ``[B,N,width]``: the latents ``[B,N,C]`` at their places."""
        return self.placed(self.decoder_embed(latents))

    def _to_pixels(self, patches: Tensor) -> Tensor:
        batch, _, height, width = patches.shape
        places = patches.reshape(batch, self._patch, self._patch, 3, height, width)
        image = places.permute(0, 3, 4, 1, 5, 2).reshape(len(patches), 3, *[self._grid * self._patch] * 2)
        output: Tensor = self.conv_out(image)
        return output


class TextAwareDecoder(Decoder):
    """A decoder beside whose latents a caption stands (Kim et al., 2501.07730), the same for every image.

    Names: also ``text_guidance_proj``, ``text_guidance_positional_embedding``.

    Attributes:
        caption: features of its tokens, ``[1,T,D]``; no part of the published file.
    """

    caption: Tensor

    def __init__(self, geometry: Geometry, length: int, channels: int) -> None:
        super().__init__(geometry)
        self.text_guidance_proj = nn.Linear(channels, self.width)
        self.text_guidance_positional_embedding = nn.Parameter(self.width**-0.5 * torch.randn(length, self.width))
        self.register_buffer("caption", torch.zeros(1, length, channels), persistent=False)

    def tokens(self, latents: Tensor) -> Tensor:
        """The latents at their places, then the caption's tokens at theirs."""
        text = self.text_guidance_proj(self.caption) + self.text_guidance_positional_embedding
        return torch.cat((super().tokens(latents), text.expand(len(latents), -1, -1)), 1)


class Network(nn.Module):
    """Names: ``latent_tokens``, ``encoder``, ``decoder``, ``quantize.embedding`` where there is a codebook, and
    ``pixel_quantize.embedding`` and ``pixel_decoder`` of a model in two stages."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.encoder = Encoder(geometry, geometry.dim if geometry.entries else 2 * geometry.dim)
        self.decoder = TextAwareDecoder(geometry, *geometry.caption) if geometry.caption else Decoder(geometry)
        self.latent_tokens = nn.Parameter(self.encoder.width**-0.5 * torch.randn(geometry.tokens, self.encoder.width))
        if geometry.entries:
            self.quantize = Codebook(geometry.entries, geometry.dim)
        if geometry.two_stage:
            self.pixel_quantize = Codebook(PIXEL_CODES, PIXEL_CHANNELS)
            self.pixel_decoder = PixelDecoder(geometry.pixel_channels, (1, 1, 2, 2, 4), PIXEL_CHANNELS, 2, maskgit=True)

    def encode(self, images: Tensor) -> Tensor:
        """Pixels to latents ``[B,C,N]``."""
        output: Tensor = self.encoder(images, self.latent_tokens)
        return output

    def decode(self, latents: Tensor) -> Tensor:
        """Latents ``[B,C,N]`` to pixels; in two stages, MaskGIT's entries mixed by their probabilities come between."""
        decoded: Tensor = self.decoder(latents)
        if hasattr(self, "pixel_decoder"):
            mixed = torch.einsum("bkhw,kc->bchw", decoded.softmax(1), self.pixel_quantize.embedding.weight)
            decoded = self.pixel_decoder(mixed)
        return decoded
