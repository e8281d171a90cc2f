"""The loop of masked generators of latents: places are filled in a drawn order, each token denoised by itself.

Li et al., Autoregressive Image Generation without Vector Quantization, 2406.11838, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from vtbench.core.contracts import SamplingCost
from vtbench.generators.sampling.diffusion.denoising import denoise
from vtbench.generators.sampling.guidance import OFF
from vtbench.generators.sampling.masked.counts import left_in_order

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.masked.latent_noise import LatentNoise
    from vtbench.generators.sampling.masked.latent_settings import LatentSettings
    from vtbench.generators.sampling.next_token import Prompted


class LatentHost(Protocol):
    """A network that tells of every place what a second one denoises its token by."""

    @property
    def places(self) -> int:
        """Tokens of an image."""

    @property
    def channels(self) -> int:
        """Values of a token."""

    def predict(self, condition: Tensor, latents: Tensor, masked: Tensor) -> Tensor:
        """States of all places, ``[B,P,D]``.

        Args:
            condition: ``[B,…]``.
            latents: ``float32 [B,P,C]``; whatever stands in a masked place goes unread.
            masked: ``bool [B,P]``, as many of every image.
        """

    def denoise(self, x: Tensor, time: int, states: Tensor) -> Tensor:
        """Noisy tokens ``[R,C]``, a step of the thousand and states ``[R,D]`` to noise and spread ``[R,2C]``."""


@dataclass(frozen=True)
class Filled:
    """What is made of a batch.

    Attributes:
        latents: ``float32 [B,P,C]``.
        states: ``[B,P,D]``, of the condition: by which each token was denoised.
        cost: what they took.
    """

    latents: Tensor
    states: Tensor
    cost: SamplingCost


def fill_in_order(host: LatentHost, prompted: Prompted, settings: LatentSettings, noise: LatentNoise) -> Filled:
    """Latents of a batch.

    Args:
        host: in evaluation mode; call it under ``torch.inference_mode``.
        prompted: the conditions.
        settings: all that moves a sample.
        noise: of the batch.

    Raises:
        UsageError: more steps than places: one of them would fill none.
    """
    import torch

    batch, device = len(prompted.conditional), prompted.conditional.device
    order = noise.orders(host.places)
    latents = torch.zeros(batch, host.places, host.channels, device=device)
    masked = torch.ones(batch, host.places, dtype=torch.bool, device=device)
    kept: Tensor | None = None
    for left in left_in_order(host.places, settings.steps):
        strength = settings.guidance.strength(host.places - max(left, 1), host.places)
        after = torch.zeros_like(masked).scatter(1, order[:, :left], True)
        now = masked & ~after
        found = _states(host, prompted, latents, masked, strength)
        kept = found[:batch] if kept is None else torch.where(now[..., None], found[:batch], kept)
        states = found[now.repeat(len(found) // batch, 1)]
        drawn = noise.of(now, host.channels, settings.diffusion_steps, strength != OFF)
        latents[now] = denoise(
            partial(host.denoise, states=states),
            settings.process,
            drawn,
            strength=strength,
            temperature=settings.temperature,
        )
        masked = after
    cost = SamplingCost(
        forward_passes=settings.steps,
        tokens=batch * host.places,
        head_passes=settings.steps * settings.diffusion_steps,
    )
    assert kept is not None  # there is a step at least
    return Filled(latents, kept, cost)


def _states(host: LatentHost, prompted: Prompted, latents: Tensor, masked: Tensor, strength: float) -> Tensor:
    """``[B,P,D]``; both halves of guidance in one pass, ``[2B,P,D]``."""
    if strength == OFF:
        return host.predict(prompted.conditional, latents, masked)
    return host.predict(prompted.doubled(), latents.repeat(2, 1, 1), masked.repeat(2, 1))
