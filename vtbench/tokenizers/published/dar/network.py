"""D-AR's sequential diffusion tokenizer (Gao and Shou, D-AR: Diffusion via Autoregressive Models, 2505.23660).

Queries read the patches of an image one after another and become tokens; a causal transformer makes of the tokens what
conditions the denoiser of :mod:`vtbench.tokenizers.published.dar.decoder`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.codebook import Codebook
from vtbench.networks.modulation import EPS, norm
from vtbench.tokenizers.published.dar.decoder import Attention, Denoiser, Turn, perceptron, turns

if TYPE_CHECKING:
    from torch import Tensor

MOST_TOKENS = 1024
"""Rows of both tables of token embeddings, of which the first are used."""
QUERY_RANK = 8
"""Channels of an embedding of a query, before a matrix widens it."""


@dataclass(frozen=True)
class Geometry:
    """Sizes of a tokenizer; see the adapter for what they mean."""

    tokens: int
    entries: int
    dim: int
    width: int
    encoder_depth: int
    decoder_depth: int
    denoiser_depth: int
    patch: int
    pixel_patch: int


class Block(nn.Module):
    """Attention, then a perceptron, each after a norm, with a gate a channel, and beside a shortcut.

    Names: ``norm1``, ``attention``, ``gate1``, ``norm2``, ``mlp``, ``gate2``.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = Attention(width)
        self.mlp = perceptron(width)
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=EPS), nn.LayerNorm(width, eps=EPS)
        # Training starts at zero, where random weights would give every image the same codes.
        self.gate1, self.gate2 = nn.Parameter(torch.ones(width)), nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor, mask: Tensor, turn: Turn | None = None) -> Tensor:
        x = x + self.gate1 * self.attention(self.norm1(x), turn=turn, mask=mask)
        output: Tensor = x + self.gate2 * self.mlp(self.norm2(x))
        return output


class Network(nn.Module):
    """Names: ``patchify``, ``query_embedding``, ``query_linear``, ``encoder_layers``, ``quant_in_conv``, ``quantize``,
    ``quant_out_conv``, ``decoder_embedding``, ``decoder_layers``, ``diff_decoder.net``."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        width = geometry.width
        self._tokens = geometry.tokens
        self.patchify = nn.Conv2d(3, width, geometry.patch, stride=geometry.patch)
        self.query_embedding = nn.Embedding(MOST_TOKENS, QUERY_RANK)
        self.query_linear = nn.Linear(QUERY_RANK, width)
        self.encoder_layers = nn.ModuleList(Block(width) for _ in range(geometry.encoder_depth))
        self.quant_in_conv = nn.Conv2d(width, geometry.dim, 1, bias=False)
        self.quantize = Codebook(geometry.entries, geometry.dim)
        self.quant_out_conv = nn.Conv2d(geometry.dim, width, 1, bias=False)
        self.decoder_embedding = nn.Embedding(MOST_TOKENS, width)
        self.decoder_layers = nn.ModuleList(Block(width) for _ in range(geometry.decoder_depth))
        denoiser = Denoiser(width, geometry.denoiser_depth, geometry.pixel_patch)
        self.diff_decoder = nn.ModuleDict({"net": denoiser})

    def encode(self, images: Tensor) -> Tensor:
        """Pixels ``[B,3,H,W]`` to what is quantised, ``[B,dim,N]``. A query sees all patches and earlier queries."""
        patches = self.patchify(images)
        rows, columns = patches.shape[-2:]
        queries = self.query_linear(self.query_embedding.weight[: self._tokens]).expand(len(images), -1, -1)
        x = torch.cat((norm(patches.flatten(2).transpose(1, 2)), queries), dim=1)
        mask = _causal(x)
        mask[:, : rows * columns] = True
        sine, cosine = turns(rows, columns, images.device)
        below = (0, 0, 0, self._tokens)  # queries are not turned
        turn = (F.pad(sine, below), F.pad(cosine, below, value=1.0))
        for layer in self.encoder_layers:
            x = layer(x, mask, turn)
        latents = norm(x[:, -self._tokens :]).transpose(1, 2).unsqueeze(2)
        output: Tensor = self.quant_in_conv(latents).squeeze(2)
        return output

    def conditions(self, entries: Tensor) -> Tensor:
        """Codebook entries ``[B,dim,N]`` to what the denoiser is shown of each token, ``[B,N,width]``."""
        widened = self.quant_out_conv(entries.unsqueeze(2)).squeeze(2).transpose(1, 2)
        x = widened + self.decoder_embedding.weight[: self._tokens]
        mask = _causal(x)
        for layer in self.decoder_layers:
            x = layer(x, mask)
        return norm(x)

    def velocity(self, images: Tensor, condition: Tensor, time: Tensor) -> Tensor:
        """From noise to the image at a noisy image ``[B,3,H,W]`` and a scalar time, ``[B,3,H,W]``."""
        output: Tensor = self.diff_decoder["net"](images, condition, time)
        return output


def _causal(x: Tensor) -> Tensor:
    """True at and below the diagonal, ``[N,N]``."""
    return torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
