"""What a recipe says of any fit; every value decides the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One network of the zoo.

    Attributes:
        name: of the card.
        family: as it is registered.
        arguments: its geometry.
        steps: of the optimiser, AdamW.
        batch: images a step, mirrored at random.
        learning_rate: at its highest; up in a line over ``warmup`` steps, then half a cosine to 0.
        weight_decay: AdamW's.
        averaging: decay of the running average of weights, which is what is kept.
        seed: of weights, batches, mirrors and noise.
    """

    betas: ClassVar[tuple[float, float]]
    """AdamW's."""

    name: str
    family: str
    arguments: Mapping[str, Any]
    steps: int
    batch: int = 32
    learning_rate: float = 1e-3
    warmup: int = 200
    weight_decay: float = 1e-4
    averaging: float = 0.999
    seed: int = 0
