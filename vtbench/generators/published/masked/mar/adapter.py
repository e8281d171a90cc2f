"""``mar``: MAR's generators (Li et al. 2024), 2406.11838: continuous tokens, filled in a random order.

Held against LTH14/mar (fe470ac) on a CPU with equal seeded weights, float32, single images after numpy's and torch's
seed. A small network, five settings of guidance, schedule, temperature and steps from 1 to one a token: the largest
difference 3.2e-7 of the largest latent (they reach 6.5e4, for untrained denoisers do not denoise). The whole MAR-B
(207.9 M parameters), two images of 2 and 3 steps with 8 of diffusion: 2.6e-6 of the largest, 1.5e5. Numbers of places
that stay masked: equal for every number of steps at 16, 64, 256 and 1,024 tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.errors import UsageError
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.masked.mar.geometry import BASE, SIZES, MarGeometry
from vtbench.generators.published.own_tokenizer import Latents
from vtbench.generators.sampling.guidance import Constant, Linear, Schedule
from vtbench.generators.sampling.masked.counts import left_in_order
from vtbench.generators.sampling.masked.latent_noise import LatentDraw, make_latent_noise
from vtbench.generators.sampling.masked.latent_settings import LatentSettings

if TYPE_CHECKING:
    from torch import Tensor

GuidanceName = Literal["linear", "constant"]

SCALE = 0.2325
"""Tokens of the network over latents of KL-16."""


class Mar(PublishedGenerator):
    """One of MAR's sizes over the latents of its KL-16.

    Args:
        size: of the network.
        tokenizer: that it generates for: one of continuous latents.
        cfg_scale: guidance s in ``u + s (c - u)`` of the predicted noise; 1 for none.
        cfg_schedule: ``linear`` is 1 + (s-1) of the share of places that are filled after the step; or ``constant``.
        steps: passes through the transformer; as many as tokens at most.
        diffusion_steps: of each token, from 2 to 1000.
        temperature: multiplies the noise of every diffusion step but the first.
        clip_denoised: to which the clean tokens that a diffusion step predicts are cut, on both sides; 0 for none, as
            published. A small network diverges without: what it errs at the first step is multiplied by 20,000.
        draw: ``by-position``, or ``torch-normal`` for the authors' own draws of a single image.
        latent_scale: of tokens, over what the tokenizer encodes.
        classes: labels that it was trained with.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
        AdapterError: a tokenizer of a codebook, or of other channels.
    """

    family = "mar"
    order: ClassVar[str] = "masked"
    citation = "Li et al., Autoregressive Image Generation without Vector Quantization, NeurIPS 2024"
    keys = ("model_ema",)
    settings_entry = "args"
    shrunken: ClassVar[Mapping[str, Any]] = {
        **{"size": "tiny", "steps": 4, "diffusion_steps": 4},
        "tokenizer": "ldm-kl,channels=8,multipliers=[1,1,2],norm_groups=4,decoder_attention=0,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["B", "L", "H", "nano", "tiny"] = "B",
        tokenizer: str = "mar-kl16",
        *,
        cfg_scale: float = 2.9,
        cfg_schedule: GuidanceName = "linear",
        steps: int = 256,
        diffusion_steps: int = 100,
        temperature: float = 1.0,
        clip_denoised: float = 0.0,
        draw: LatentDraw = "by-position",
        latent_scale: float = SCALE,
        classes: int = BASE.classes,
        **where: Unpack[WeightsFrom],
    ) -> None:
        geometry = replace(SIZES[size], classes=classes)
        settings = LatentSettings(
            steps=steps,
            guidance=schedule(cfg_schedule, cfg_scale),
            diffusion_steps=diffusion_steps,
            temperature=temperature,
            draw=draw,
            clip_denoised=clip_denoised,
        )
        left_in_order(geometry.places, steps)  # refuses more steps than tokens before anything is read
        self._setup(
            lambda: _network(geometry),
            Source(**where),
            Identity(
                tokenizer,
                Latents(geometry.channels, latent_scale),
                (geometry.side, geometry.side),
                settings,
                ImageRule(),
                geometry.classes,
                {"latents": f"tokens / {latent_scale}"},
            ),
        )

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:
        from vtbench.generators.sampling.masked.in_order import fill_in_order

        prompted, settings = self._prompted(conditions), self._identity.settings
        noise = make_latent_noise(settings.draw, seeds, prompted.conditional.device)
        found = fill_in_order(self._network, prompted, settings, noise)
        return found.latents, found.cost


def schedule(name: GuidanceName, scale: float) -> Schedule:
    """The one of that name.

    Raises:
        UsageError: no such schedule, or a scale below 0.
    """
    if name not in ("linear", "constant"):
        raise UsageError(f"cfg_schedule={name!r}: must be linear or constant")
    constant = Constant(scale)
    return Linear(scale, offset=0) if name == "linear" else constant


def _network(geometry: MarGeometry) -> Any:
    from vtbench.generators.published.masked.mar.network import MarNetwork

    return MarNetwork(geometry)
