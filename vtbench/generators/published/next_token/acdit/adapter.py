"""``acdit``: ACDiT's generators (Hu et al. 2024), 2412.07720: blocks of latents, each out of noise beside those before.

Held against thunlp/ACDiT (135ff06) on a CPU with equal seeded weights, float32, single images after ``manual_seed``:
small networks of 4 and of 16 blocks, tokens of one latent and of four, guidance of 1 to 3, 4 to 25 steps. The largest
difference of a latent is 1.6e-4, of latents to 550. The whole B (130.3 M parameters), four blocks of three steps:
1.9e-4, of latents to 750. Of what patches and blocks the published files are they say in their ``args`` alone; the
cards take the lengths that the published class has by default, 1,024 tokens in four blocks: one latent a token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.errors import AdapterError
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.next_token.acdit.geometry import SIZES, AcditGeometry
from vtbench.generators.published.next_token.acdit.sampling import AcditSettings, sample_blocks
from vtbench.generators.published.own_tokenizer import Latents
from vtbench.generators.sampling.masked.latent_noise import LatentDraw

if TYPE_CHECKING:
    from torch import Tensor

SCALE = 0.18215
"""Tokens of the network over latents of Stable Diffusion's autoencoder."""
_SPLITS = (None, "1_1")
"""How positions share the channels of a head: rows and columns alike."""


class Acdit(PublishedGenerator):
    """One of ACDiT's sizes over the latents of Stable Diffusion's autoencoder.

    Weights fit blocks of any size. Its files say which they were trained with, and are refused under another; one that
    says nothing, such as a converted one, is taken to have the size that is given.

    Args:
        size: of the network.
        tokenizer: that it generates for: one of continuous latents.
        patch: latents along one side of a token.
        block_side: tokens along one side of a block.
        cfg_scale: guidance s in ``u + s (c - u)`` of the predicted noise; 1 for none.
        steps: of the solver, for each block.
        draw: ``by-position``, or ``torch-normal`` for the authors' own draws of a single image.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
        AdapterError: a tokenizer of a codebook, or of other channels; a file of other blocks.
    """

    family = "acdit"
    order: ClassVar[str] = "next-block"
    citation = "Hu et al., ACDiT: Interpolating Autoregressive Conditional Modeling and Diffusion Transformer, 2024"
    keys = ("model",)
    settings_entry = "args"
    shrunken: ClassVar[Mapping[str, Any]] = {
        **{"size": "tiny", "block_side": 4, "steps": 3},
        "tokenizer": "ldm-kl,channels=8,multipliers=[1,1,2],latent_channels=4,norm_groups=4,encoder_attention=0,"
        "decoder_attention=0,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["B", "L", "XL", "H", "tiny"] = "XL",
        tokenizer: str = "dit-vae",
        patch: int = 1,
        block_side: int = 16,
        *,
        cfg_scale: float = 1.5,
        steps: int = 25,
        draw: LatentDraw = "by-position",
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._geometry = geometry = replace(SIZES[size], patch=patch, block_side=block_side)
        self._setup(
            lambda: _network(geometry),
            Source(**where),
            Identity(
                tokenizer,
                Latents(geometry.channels, SCALE),
                (geometry.side, geometry.side),
                AcditSettings(steps, cfg_scale, draw),
                ImageRule(),
                geometry.classes,
                {"blocks": f"{block_side}x{block_side} tokens of {patch}x{patch}", "latents": f"tokens / {SCALE}"},
            ),
        )

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:
        return sample_blocks(self._network, self._prompted(conditions), self._identity.settings, seeds)

    def _heed(self, stated: Mapping[str, Any]) -> None:
        geometry = self._geometry
        wanted = {
            "patch_size": geometry.patch,
            "block_size": geometry.block,
            "ar_len": geometry.blocks,
            "vae_latent_size": geometry.channels,
            "num_frames": 1,
        }
        wrong = [name for name, value in wanted.items() if name in stated and stated[name] != value]
        if wrong:
            told = ", ".join(f"{name} {stated[name]}" for name in wrong)
            raise AdapterError(
                f"acdit: its file was trained with {told}, not {', '.join(str(wanted[name]) for name in wrong)}",
                "patch= is its patch_size, block_side= the root of its block_size",
            )
        if stated.get("nd_split") not in _SPLITS:
            raise AdapterError(f"acdit: its file splits positions as {stated['nd_split']}, which is not known here")


def _network(geometry: AcditGeometry) -> Any:
    from vtbench.generators.published.next_token.acdit.network import AcditNetwork

    return AcditNetwork(geometry)
