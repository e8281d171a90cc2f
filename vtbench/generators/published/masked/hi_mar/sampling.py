"""Hi-MAR's two parts: coarse tokens one by one as MAR fills them, then all others as one map, again at every step.

Zheng et al., 2505.20288, sections 3.2 and 3.3. The steps of the second part differ from MAR's in what a step draws:
every token that is still masked, of which the next step sees only those that the order reveals.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from vtbench.core.contracts import SamplingCost
from vtbench.generators.sampling.diffusion.denoising import Known, denoise
from vtbench.generators.sampling.guidance import OFF
from vtbench.generators.sampling.masked.counts import left_in_order
from vtbench.generators.sampling.masked.in_order import fill_in_order
from vtbench.generators.sampling.masked.latent_noise import make_latent_noise

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.masked.hi_mar.network import HiMarNetwork
    from vtbench.generators.sampling.masked.latent_noise import LatentNoise
    from vtbench.generators.sampling.masked.latent_settings import LatentSettings
    from vtbench.generators.sampling.next_token import Prompted


@dataclass(frozen=True)
class HiMarSettings:
    """All that moves a sample: of the coarse tokens, and of the others. Both draw by the same rule."""

    coarse: LatentSettings
    fine: LatentSettings

    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers must know, beside the record: nothing."""
        return ()

    def as_recorded(self) -> dict[str, Any]:
        """Every setting by name; as a list of two where the parts differ."""
        first, second = self.coarse.as_recorded(), self.fine.as_recorded()
        told = {name: first[name] if first[name] == second[name] else [first[name], second[name]] for name in first}
        behind = "every masked token is drawn again at every step; known ones stand in it, with the first noise on them"
        return {"parts": f"coarse tokens, one by one; then the image's, as a map: {behind}", **told}


@dataclass(frozen=True)
class CoarseHost:
    """The network as it makes coarse tokens: a :class:`~vtbench.generators.sampling.masked.in_order.LatentHost`."""

    network: HiMarNetwork

    @property
    def places(self) -> int:
        """Coarse tokens of an image."""
        return self.network.geometry.coarse_places

    @property
    def channels(self) -> int:
        """Values of a token."""
        return self.network.geometry.trunk.channels

    def predict(self, condition: Tensor, latents: Tensor, masked: Tensor) -> Tensor:
        """States of all coarse places, ``[B,Q,D]``."""
        return self.network.coarse(condition, latents, masked)

    def denoise(self, x: Tensor, time: int, states: Tensor) -> Tensor:
        """Noisy tokens ``[R,C]``, a step of the thousand and states ``[R,D]`` to noise and spread ``[R,2C]``."""
        return self.network.denoise_token(x, time, states)


def sample_in_parts(
    network: HiMarNetwork, prompted: Prompted, settings: HiMarSettings, seeds: Tensor
) -> tuple[Tensor, SamplingCost]:
    """Latents ``float32 [B,P,C]`` of a batch, and what they took with the coarse tokens before them.

    Args:
        network: in evaluation mode; call it under ``torch.inference_mode``.
        prompted: the conditions.
        settings: all that moves a sample.
        seeds: ``int64 [B]``.
    """
    noise = make_latent_noise(settings.coarse.draw, seeds, prompted.conditional.device)
    coarse = fill_in_order(CoarseHost(network), prompted, settings.coarse, noise.part("coarse"))
    latents = _refined(network, prompted, coarse.states, settings.fine, noise.part("fine"))
    assert coarse.cost.head_passes is not None
    cost = SamplingCost(
        forward_passes=coarse.cost.forward_passes + settings.fine.steps,
        tokens=coarse.cost.tokens + latents.shape[0] * latents.shape[1],
        head_passes=coarse.cost.head_passes + settings.fine.steps * settings.fine.diffusion_steps,
    )
    return latents, cost


def _refined(
    network: HiMarNetwork, prompted: Prompted, pivots: Tensor, settings: LatentSettings, noise: LatentNoise
) -> Tensor:
    """``float32 [B,P,C]`` beside the coarse tokens' states, which both halves of guidance see."""
    import torch

    trunk, batch, device = network.geometry.trunk, len(pivots), pivots.device
    order = noise.orders(trunk.places)
    latents = torch.zeros(batch, trunk.places, trunk.channels, device=device)
    masked = torch.ones(batch, trunk.places, dtype=torch.bool, device=device)
    for step, left in enumerate(left_in_order(trunk.places, settings.steps)):
        strength = settings.guidance.strength(trunk.places - max(left, 1), trunk.places)
        halves = 1 if strength == OFF else 2
        shown = prompted.conditional if halves == 1 else prompted.doubled()
        seen = (part.repeat(halves, *[1] * (part.ndim - 1)) for part in (pivots, latents, masked))
        found = denoise(
            partial(network.denoise_map, states=network.fine(shown, *seen)),
            settings.process,
            noise.maps(step, (trunk.channels, trunk.places), settings.diffusion_steps, halves == 2),
            strength=strength,
            temperature=settings.temperature,
            known=Known(latents.mT, masked[:, None]),
        )
        latents = torch.where(masked[..., None], found.mT, latents)
        masked = torch.zeros_like(masked).scatter(1, order[:, :left], True)
    return latents
