"""What each order is fitted by: the loss of a batch of codes, teacher-forced, through the family's published network.

Cross entropies are means over tokens, in nats: minus what the adapter's ``log_likelihood`` says of the same codes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from vtbench.generators.sampling.next_scale.accumulation import ResidualAccumulator, maps_of
from vtbench.zoo.generators.diffusion_loss import diffusion_loss, noised

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.zoo.generators.codes import ImageCodes
    from vtbench.zoo.generators.recipes import Order

Objective = Callable[[Any, Any, "Tensor", "ImageCodes", torch.Generator], "Tensor"]
"""The family's adapter, its network as it is fitted, labels ``int64 [B]`` (the one behind the last for none), their
codes, and what is drawn from."""

_LEAST_MASKED, _DEVIATION = 0.7, 0.25
_TIMES_NOISED = 4


def _of_tokens(adapter: Any, network: Any, labels: Tensor, codes: ImageCodes, draw: torch.Generator) -> Tensor:
    """Each token from those before it, row after row."""
    del adapter, draw
    tokens = codes.levels[0].flatten(1)
    return F.cross_entropy(network(labels, tokens[:, :-1]).flatten(0, 1), tokens.flatten())


def _of_scales(adapter: Any, network: Any, labels: Tensor, codes: ImageCodes, draw: torch.Generator) -> Tensor:
    """Each scale from those before it, as the tokenizer adds them up."""
    del draw
    levels = [level.flatten(1) for level in codes.levels]
    with torch.no_grad():
        accumulator = ResidualAccumulator(network.geometry.schedule, adapter.tokenizer.contribution)
        maps = maps_of(accumulator, levels)
    logits = network.step(maps, 0, network.conditioned(labels), None)
    return F.cross_entropy(logits.flatten(0, 1), torch.cat(levels, dim=1).flatten())


def _of_masked(adapter: Any, network: Any, labels: Tensor, codes: ImageCodes, draw: torch.Generator) -> Tensor:
    """Masked tokens from the others (Chang et al. 2022): of each image a share of 2 arccos(u)/π, u uniform."""
    del adapter
    tokens = codes.levels[0].flatten(1)
    images, places = tokens.shape
    share = torch.arccos(torch.rand(images, 1, generator=draw)) * 2 / math.pi
    count = (share * places).round().clamp(min=1)
    masked = (torch.rand(images, places, generator=draw).argsort(dim=1) < count).to(tokens.device)
    logits = network.predict(labels, tokens.masked_fill(masked, network.mask_token))
    return F.cross_entropy(logits[masked], tokens[masked])


def _of_latents(adapter: Any, network: Any, labels: Tensor, codes: ImageCodes, draw: torch.Generator) -> Tensor:
    """MAR's: values of masked places out of noise, given those of the others (Li et al. 2024).

    As many places are masked of each image; their share is of a normal around 1, of deviation 0.25, from 0.7 to 1. Each
    masked place counts four times, with other noise.
    """
    del adapter
    assert codes.latents is not None
    values = codes.latents.flatten(2).mT
    images, places = values.shape[:2]
    count = math.ceil(places * float(share_masked(torch.rand(1, generator=draw))))
    order = torch.rand(images, places, generator=draw).argsort(dim=1).to(values.device)
    masked = order < count
    states = network.predict(labels, values, masked)[masked].repeat(_TIMES_NOISED, 1)
    drawn = noised(values[masked].repeat(_TIMES_NOISED, 1), draw)
    return diffusion_loss(network.diffloss["net"](drawn.values, drawn.times, states), drawn).mean()


def share_masked(uniform: Tensor) -> Tensor:
    """Uniform numbers to shares of the truncated normal, by the inverse of its distribution."""
    least = torch.special.ndtr(torch.tensor((_LEAST_MASKED - 1) / _DEVIATION, dtype=torch.float64))
    found: Tensor = 1 + _DEVIATION * torch.special.ndtri(least + uniform.double() * (0.5 - least))
    return found


OBJECTIVES: dict[Order, Objective] = {
    "next-token": _of_tokens,
    "next-scale": _of_scales,
    "masked": _of_masked,
    "masked-latents": _of_latents,
}
MEASURED: dict[Order, str] = {
    "next-token": "cross entropy of a token in nats",
    "next-scale": "cross entropy of a token in nats",
    "masked": "cross entropy of a masked token in nats",
    "masked-latents": "squared error of the noise and bits of its spread, of a value",
}
"""What the losses are, for cards."""
