"""The loop of masked generators: every masked place gets a token, and those that it is least sure of are masked again.

Chang et al., MaskGIT: Masked Generative Image Transformer, 2202.04200, algorithm of section 3.2; the variants are data
in :class:`~vtbench.generators.sampling.masked.settings.MaskedSettings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vtbench.core.contracts import SamplingCost
from vtbench.generators.sampling.guidance import NONE_AT, guided_by
from vtbench.generators.sampling.masked.counts import masked_places
from vtbench.generators.sampling.masked.noise import Noise, make_noise

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.masked.settings import MaskedSettings
    from vtbench.generators.sampling.next_token import Prompted


class MaskedHost(Protocol):
    """A network that fills masked places; a place is what is masked by itself: a token, or one part of it."""

    @property
    def places(self) -> int:
        """Places of an image."""

    @property
    def mask_token(self) -> int:
        """What stands in a masked place: no entry of the vocabulary."""

    def predict(self, condition: Tensor, tokens: Tensor) -> Tensor:
        """Conditions ``[B,…]`` and ``int64 [B,P]``, masked or not, to logits ``[B,P,V]``."""


def refine(
    host: MaskedHost, prompted: Prompted, settings: MaskedSettings, seeds: Tensor
) -> tuple[Tensor, SamplingCost]:
    """Tokens ``int64 [B,P]`` of a batch, and what they took.

    A place that holds a token keeps it. After step i of S all but n places hold one, n what the mask schedule leaves,
    but at least one less than before and at least one; equally sure places stay masked together. The last step fills
    what is left. Places and their numbers are counted for each image alone.

    Args:
        host: in evaluation mode; call it under ``torch.inference_mode``.
        prompted: the conditions.
        settings: all that moves a sample.
        seeds: ``int64 [B]``.
    """
    import torch

    batch, device = len(prompted.conditional), prompted.conditional.device
    noise = make_noise(settings.draw, seeds, device)
    tokens = torch.full((batch, host.places), host.mask_token, dtype=torch.int64, device=device)
    for step in range(settings.steps):
        strength = settings.guidance.strength(step, settings.steps)
        noise.passed(1 if strength == 0 else 2)
        logits = _logits(host, prompted, tokens, strength, settings).to(noise.dtype)
        logits = logits / settings.softmax_temperature(step)
        masked = tokens == host.mask_token
        drawn = torch.where(masked, noise.tokens(logits, settings.token_temperature(step)), tokens)
        again = _least_sure(logits, drawn, masked, noise, settings, step)
        tokens = drawn if step == settings.steps - 1 else torch.where(again, host.mask_token, drawn)
    return tokens, SamplingCost(forward_passes=settings.steps, tokens=batch * host.places)


def _logits(host: MaskedHost, prompted: Prompted, tokens: Tensor, strength: float, settings: MaskedSettings) -> Tensor:
    """``float32 [B,P,V]``; both halves of guidance in one pass."""
    if strength == NONE_AT[settings.formula]:
        return host.predict(prompted.conditional, tokens).float()
    conditional, unconditional = host.predict(prompted.doubled(), tokens.repeat(2, 1)).float().chunk(2)
    return guided_by(settings.formula, conditional, unconditional, strength)


def _least_sure(
    logits: Tensor, drawn: Tensor, masked: Tensor, noise: Noise, settings: MaskedSettings, step: int
) -> Tensor:
    """``bool [B,P]``: the places that are masked again."""
    import torch

    scores = logits if settings.confidence == "logit" else logits.softmax(dim=-1).log()
    confidence = scores.gather(-1, drawn[..., None])[..., 0].masked_fill(~masked, torch.inf)
    confidence = confidence + settings.noise_scale(step) * noise.gumbel(drawn.shape[1])
    wanted = masked_places(settings.mask_schedule, drawn.shape[1], step, settings.steps)
    count = (masked.sum(dim=-1) - 1).clamp_max(wanted).clamp_min(1)
    threshold = confidence.sort(dim=-1).values.gather(-1, count[:, None] - 1)
    return confidence <= threshold
