"""Hi-MAR's network in the names of its published files: MAR's, which runs twice, told each time which part it makes.

Places are those of the buffer, which hold the class, the coarse tokens, and the tokens of the image. Part 0 fills the
coarse ones while all others are masked. Part 1 fills the others, and sees of each coarse token not its values but the
state by which it was denoised. Each part has positions of its own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vtbench.generators.published.masked.hi_mar.geometry import HiMarGeometry
from vtbench.generators.published.masked.mar.geometry import MarGeometry
from vtbench.generators.published.masked.mar.places import gathered, known_places, put_back, small_normal
from vtbench.networks.denoisers.single_token import TokenDenoiser, TokenDenoiserGeometry
from vtbench.networks.denoisers.whole_map import MapDenoiser, MapDenoiserGeometry
from vtbench.networks.modulation import EPS
from vtbench.networks.vision_transformer import FusedBlock

PARTS = 2
MAP_RATIO = 4


class PartBlock(FusedBlock):
    """timm's block; what is told of a part scales its norms and gates what it adds, in measures of the block's own."""

    def __init__(self, geometry: MarGeometry) -> None:
        width = geometry.width
        super().__init__(width, geometry.heads, 4 * width)
        self.adaLN_scale = nn.Parameter(torch.zeros(PARTS, 1, 1, 4 * width))
        # no scale and an open gate, twice
        open_gates = torch.cat([torch.zeros(width), torch.ones(width)]).repeat(2)
        self.adaLN_shift = nn.Parameter(open_gates.expand(PARTS, 1, 1, -1).clone())

    def forward(self, x: Tensor, given: Tensor, part: int) -> Tensor:  # type: ignore[override]
        """``given`` is ``[1,4·width]``."""
        measures = given * self.adaLN_scale[part] + self.adaLN_shift[part]
        scale, gate, scale_mlp, gate_mlp = measures.chunk(4, dim=-1)
        x = x + gate * self.attn(self.norm1(x) * (1 + scale))
        output: Tensor = x + gate_mlp * self.mlp(self.norm2(x) * (1 + scale_mlp))
        return output


class HiMarNetwork(nn.Module):
    """Tells of every place what its token is denoised by.

    Args:
        geometry: its sizes.
    """

    encoder_pos_embed_learned: nn.Parameter
    decoder_pos_embed_learned: nn.Parameter

    def __init__(self, geometry: HiMarGeometry) -> None:
        super().__init__()
        self.geometry, trunk = geometry, geometry.trunk
        width, places = trunk.width, PARTS * (trunk.buffer + geometry.places)
        self.class_emb = nn.Embedding(trunk.classes, width)
        self.fake_latent = small_normal(1, width)
        self.z_proj = nn.Linear(trunk.channels, width)
        self.z_proj_ln = nn.LayerNorm(width, eps=EPS)
        self.cond_z_proj = nn.Linear(width, width)
        self.cond_tokens = small_normal(1, geometry.coarse_places, trunk.channels)  # of training alone
        self.cond_proj = nn.Linear(trunk.channels, width)
        self.mask_token = small_normal(1, PARTS * geometry.places, width)
        for name in ("encoder", "decoder"):
            self.add_module(f"{name}_blocks", nn.ModuleList(PartBlock(trunk) for _ in range(trunk.depth)))
            self.add_module(f"{name}_task_emb", nn.Embedding(PARTS, width))
            self.add_module(f"{name}_blocks_ada", nn.Sequential(nn.SiLU(), nn.Linear(width, 4 * width)))
            self.add_module(f"{name}_norm", nn.LayerNorm(width, eps=EPS))
            self.register_parameter(f"{name}_pos_embed_learned", small_normal(1, places, width))
        self.decoder_embed = nn.Linear(width, width)
        self.diffusion_pos_embed_learned = small_normal(1, geometry.places, width)
        self.diffloss = nn.ModuleDict({"net": TokenDenoiser(_token_geometry(geometry))})
        self.cond_diffloss = nn.ModuleDict({"net": MapDenoiser(_map_geometry(geometry))})

    def coarse(self, condition: Tensor, latents: Tensor, masked: Tensor) -> Tensor:
        """States of the coarse places.

        Args:
            condition: labels ``int64 [B]``, ``classes`` for none.
            latents: coarse tokens ``[B,Q,C]``, masked or not.
            masked: ``bool [B,Q]``, as many of every image.

        Returns:
            ``[B,Q,width]``.
        """
        embedded = self.cond_proj(latents.to(self.cond_proj.weight))
        hidden = masked.new_ones(len(masked), self.geometry.trunk.places)
        padding = embedded.new_zeros(len(masked), self.geometry.trunk.places, embedded.shape[-1])
        whole = torch.cat([embedded, padding], dim=1)
        return self._states(condition, whole, torch.cat([masked, hidden], dim=1), 0)[:, : masked.shape[1]]

    def fine(self, condition: Tensor, pivots: Tensor, latents: Tensor, masked: Tensor) -> Tensor:
        """States of the image's places.

        Args:
            condition: labels ``int64 [B]``, ``classes`` for none.
            pivots: states of the coarse tokens ``[B,Q,width]``, each as it was denoised by.
            latents: tokens ``[B,P,C]``, masked or not.
            masked: ``bool [B,P]``, as many of every image.

        Returns:
            ``[B,P,width]``.
        """
        whole = torch.cat([self.cond_z_proj(pivots), self.z_proj(latents.to(pivots))], dim=1)
        shown = masked.new_zeros(pivots.shape[:2])
        return self._states(condition, whole, torch.cat([shown, masked], dim=1), 1)[:, pivots.shape[1] :]

    def denoise_token(self, x: Tensor, time: int, states: Tensor) -> Tensor:
        """Noisy coarse tokens ``[R,C]``, a step of the thousand, states ``[R,width]``: noise and spread ``[R,2C]``."""
        output: Tensor = self.diffloss["net"](x.to(states), torch.tensor([time], device=x.device), states)
        return output

    def denoise_map(self, x: Tensor, time: int, states: Tensor) -> Tensor:
        """Noisy maps ``[B,C,P]``, a step of the thousand and states ``[B,P,width]`` to the noise ``[B,C,P]``."""
        found = self.cond_diffloss["net"](x.mT.to(states), torch.tensor([time], device=x.device), states)
        output: Tensor = found.mT
        return output

    def _states(self, condition: Tensor, embedded: Tensor, masked: Tensor, part: int) -> Tensor:
        """``[B,places,width]`` of both kinds of tokens."""
        buffer, places = self.geometry.trunk.buffer, self.geometry.places
        here = slice(part * (buffer + places), (part + 1) * (buffer + places))
        known = known_places(masked, buffer)
        classes = torch.cat([self.class_emb.weight, self.fake_latent])[condition]
        x = torch.cat([classes[:, None].expand(-1, buffer, -1), embedded], dim=1)
        x = self.z_proj_ln(x + self.encoder_pos_embed_learned[:, here])
        x = self.decoder_embed(self._through("encoder", gathered(x, known), part))
        hidden = self.mask_token[:, part * places : (part + 1) * places].expand(len(x), -1, -1)
        every = torch.cat([hidden.new_zeros(len(x), buffer, hidden.shape[-1]), hidden], dim=1)
        x = put_back(x, known, every.to(x)) + self.decoder_pos_embed_learned[:, here]
        return self._through("decoder", x, part)[:, buffer:] + self.diffusion_pos_embed_learned

    def _through(self, name: str, x: Tensor, part: int) -> Tensor:
        """``[B,N,width]`` through the blocks of encoder or decoder and the norm behind them."""
        told = self.get_submodule(f"{name}_task_emb")(torch.tensor([part], device=x.device))
        given = self.get_submodule(f"{name}_blocks_ada")(told)
        for block in self.get_submodule(f"{name}_blocks").children():
            x = block(x, given, part)
        output: Tensor = self.get_submodule(f"{name}_norm")(x)
        return output


def _token_geometry(geometry: HiMarGeometry) -> TokenDenoiserGeometry:
    trunk = geometry.trunk
    return TokenDenoiserGeometry(
        depth=trunk.head_depth, width=trunk.head_width, condition=trunk.width, channels=trunk.channels
    )


def _map_geometry(geometry: HiMarGeometry) -> MapDenoiserGeometry:
    return MapDenoiserGeometry(
        depth=geometry.map_depth,
        width=geometry.map_width,
        heads=geometry.map_heads,
        hidden=MAP_RATIO * geometry.map_width,
        condition=geometry.trunk.width,
        places=geometry.trunk.places,
        channels=geometry.trunk.channels,
    )
