"""MAR's network in the names of its published files: a masked autoencoder, and a perceptron that denoises a token.

Places are those of the buffer, which hold the class and are never masked, then those of the image in raster order.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vtbench.generators.published.masked.mar.geometry import MarGeometry
from vtbench.generators.published.masked.mar.places import gathered, known_places, put_back, small_normal
from vtbench.networks.denoisers.single_token import TokenDenoiser, TokenDenoiserGeometry
from vtbench.networks.modulation import EPS
from vtbench.networks.vision_transformer import FusedBlock


class MarNetwork(nn.Module):
    """Tells of every place what its token is denoised by, from the class and the tokens that are known.

    Args:
        geometry: its sizes.
    """

    def __init__(self, geometry: MarGeometry) -> None:
        super().__init__()
        self.geometry, width = geometry, geometry.width
        places = geometry.buffer + geometry.places
        self.class_emb = nn.Embedding(geometry.classes, width)
        self.fake_latent = small_normal(1, width)
        self.z_proj = nn.Linear(geometry.channels, width)
        self.z_proj_ln = nn.LayerNorm(width, eps=EPS)
        self.encoder_pos_embed_learned = small_normal(1, places, width)
        self.encoder_blocks = _blocks(geometry)
        self.encoder_norm = nn.LayerNorm(width, eps=EPS)
        self.decoder_embed = nn.Linear(width, width)
        self.mask_token = small_normal(1, 1, width)
        self.decoder_pos_embed_learned = small_normal(1, places, width)
        self.decoder_blocks = _blocks(geometry)
        self.decoder_norm = nn.LayerNorm(width, eps=EPS)
        self.diffusion_pos_embed_learned = small_normal(1, geometry.places, width)
        head = TokenDenoiserGeometry(
            depth=geometry.head_depth, width=geometry.head_width, condition=width, channels=geometry.channels
        )
        self.diffloss = nn.ModuleDict({"net": TokenDenoiser(head)})

    @property
    def places(self) -> int:
        """Tokens of an image."""
        return self.geometry.places

    @property
    def channels(self) -> int:
        """Values of a token."""
        return self.geometry.channels

    def predict(self, condition: Tensor, latents: Tensor, masked: Tensor) -> Tensor:
        """Labels ``int64 [B]``, ``classes`` for none, and tokens ``[B,P,C]``, masked or not, to states ``[B,P,width]``.

        ``masked`` is ``bool [B,P]``, as many of every image.
        """
        known = known_places(masked, self.geometry.buffer)
        return self._decoded(self._encoded(condition, latents, known), known)

    def denoise(self, x: Tensor, time: int, states: Tensor) -> Tensor:
        """Noisy tokens ``[R,C]``, a step of the thousand and states ``[R,width]`` to noise and spread ``[R,2C]``."""
        output: Tensor = self.diffloss["net"](x.to(states), torch.tensor([time], device=x.device), states)
        return output

    def _encoded(self, condition: Tensor, latents: Tensor, known: Tensor) -> Tensor:
        """``[B,K,width]``, in the order of ``known``."""
        classes = torch.cat([self.class_emb.weight, self.fake_latent])[condition]
        x = self.z_proj(latents.to(classes))
        x = torch.cat([classes[:, None].expand(-1, self.geometry.buffer, -1), x], dim=1)
        x = self.z_proj_ln(x + self.encoder_pos_embed_learned)
        x = gathered(x, known)
        for block in self.encoder_blocks:
            x = block(x)
        output: Tensor = self.encoder_norm(x)
        return output

    def _decoded(self, encoded: Tensor, known: Tensor) -> Tensor:
        x = self.decoder_embed(encoded)
        every = self.mask_token.to(x).expand(len(x), self.decoder_pos_embed_learned.shape[1], -1)
        x = put_back(x, known, every) + self.decoder_pos_embed_learned
        for block in self.decoder_blocks:
            x = block(x)
        output: Tensor = self.decoder_norm(x)[:, self.geometry.buffer :] + self.diffusion_pos_embed_learned
        return output


def _blocks(geometry: MarGeometry) -> nn.ModuleList:
    sizes = (geometry.width, geometry.heads, 4 * geometry.width)
    return nn.ModuleList(FusedBlock(*sizes) for _ in range(geometry.depth))
