"""What each order is fitted by: the loss of a batch of codes, teacher-forced, through the family's published network.

Cross entropies are means over tokens, in nats: minus what the adapter's ``log_likelihood`` says of the same codes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from vtbench.generators.sampling.next_scale.accumulation import ResidualAccumulator, maps_of

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.zoo.generators.codes import ImageCodes
    from vtbench.zoo.generators.recipes import Order

Objective = Callable[[Any, Any, "Tensor", "ImageCodes", torch.Generator], "Tensor"]
"""The family's adapter, its network as it is fitted, labels ``int64 [B]`` (the one behind the last for none), their
codes, and what is drawn from."""


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


OBJECTIVES: dict[Order, Objective] = {
    "next-token": _of_tokens,
    "next-scale": _of_scales,
}
MEASURED: dict[Order, str] = {
    "next-token": "cross entropy of a token in nats",
    "next-scale": "cross entropy of a token in nats",
}
"""What the losses are, for cards."""
