"""Real image pairs: crops of the photographs behind ``photos-mini``, and what JPEG makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from vtbench.core.contracts import Sample
from vtbench.core.pixels import to_uint8, to_unit
from vtbench.data.embedded.photographs.crops import PHOTOGRAPHS
from vtbench.data.embedded.photographs.photos_mini import load_photograph
from vtbench.tokenizers.resolve import resolve_tokenizer


class RandomCrops:
    """Any number of distinct crops at seeded places, cut when asked for, so that none is held in memory."""

    def __init__(self, count: int, side: int, seed: int = 0) -> None:
        self.ids = tuple(f"crop-{index:06d}" for index in range(count))
        self.fingerprint = f"random crops {count} {side} {seed}"
        self._side, self._seed = side, seed

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        random = np.random.default_rng((self._seed, index))
        photograph = _photograph(sorted(PHOTOGRAPHS)[int(random.integers(len(PHOTOGRAPHS)))])
        top, left = (int(random.integers(length - self._side + 1)) for length in photograph.shape[1:])
        crop = photograph[:, top : top + self._side, left : left + self._side]
        return Sample(id=self.ids[index], image=crop.clone())


@dataclass(frozen=True, eq=False)
class Pairs:
    """References and predictions in memory, ``uint8 [N,3,H,W]`` each; as a data set it yields the references."""

    references: Tensor
    predictions: Tensor

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(f"pair-{index:06d}" for index in range(len(self.references)))

    @property
    def fingerprint(self) -> str:
        return f"pairs {tuple(self.references.shape)}"

    def __len__(self) -> int:
        return len(self.references)

    def __getitem__(self, index: int) -> Sample:
        return Sample(id=f"pair-{index:06d}", image=self.references[index])

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Predictions and references, ``size`` at a time."""
        return zip(self.predictions.split(size), self.references.split(size), strict=True)


def make_pairs(count: int, side: int = 256, codec: str = "jpeg,quality=30") -> Pairs:
    """``count`` crops and their reconstructions."""
    crops = RandomCrops(count, side)
    references = torch.stack([crops[index].image for index in range(count)])
    tokenizer = resolve_tokenizer(codec)
    predictions = [to_uint8(tokenizer.decode(tokenizer.encode(to_unit(part)))) for part in references.split(16)]
    return Pairs(references, torch.cat(predictions))


@lru_cache
def _photograph(name: str) -> Tensor:
    return load_photograph(name)
