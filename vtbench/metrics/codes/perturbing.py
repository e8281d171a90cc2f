"""Codes with mistakes in them, as a generator makes: tokens replaced by near ones, bits flipped, latents with noise.

After Qiu et al., Robust Latent Matters (arXiv 2503.08354), whose pFID is FID of reconstructions from such codes. They
take the neighbours of the encoder's output; here they are those of the token's own codebook row, so that no encoder
is needed and a token's mistakes do not depend on the image. Which rates and strengths their pFID averages is not
published: a value from here is not theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vtbench.core.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vtbench.core.codes import Codes

_CHUNK = 1 << 24
"""Distances held at once: 128 MiB of float64."""
_INDEX_BITS = 32


@dataclass(frozen=True)
class Perturbation:
    """What is done to codes; of a form of codes only what is said of it counts.

    Attributes:
        rate: of indices: probability that a token is replaced.
        strength: by one drawn uniformly from that many nearest rows of its level's codebook, itself among them; from
            all where the codebook has fewer.
        flip: of bits: probability that one is flipped.
        noise: of latents: standard deviation of Gaussian noise, over that of their channel in the image.

    Raises:
        UsageError: a value out of range.
    """

    rate: float = 0.5
    strength: int = 100
    flip: float = 0.05
    noise: float = 0.1

    def __post_init__(self) -> None:
        if not (0 <= self.rate <= 1 and 0 <= self.flip <= 1 and self.noise >= 0 and self.strength >= 1):
            raise UsageError(
                f"codes cannot be perturbed by rate={self.rate}, strength={self.strength}, flip={self.flip}, "
                f"noise={self.noise}",
                "rate and flip are probabilities, strength is a number of rows, noise a share of a deviation",
            )


class Neighbours:
    """The nearest rows of every row of a codebook, found when first asked for.

    Distances are taken in float64 and told apart in float32, and equally near rows are in the order of the codebook, so
    that neither the batch nor the order of questions can move an answer.

    Args:
        rows: ``float [K,D]``.
        count: neighbours of each, itself among them; K where that is less.
    """

    def __init__(self, rows: Tensor, count: int) -> None:
        import torch

        self._rows = rows.detach().double()
        self._squares = self._rows.square().sum(1)
        self.count = min(count, len(rows))
        self._known = torch.full((len(rows), self.count), -1, dtype=torch.int32, device=rows.device)

    def of(self, indices: Tensor) -> Tensor:
        """``int64 [N]`` to ``int64 [N,count]``, nearest first."""
        import torch

        indices = indices.to(self._known.device)
        unknown = torch.unique(indices[self._known[indices, 0] < 0])
        for part in unknown.split(max(1, _CHUNK // len(self._rows))):
            self._known[part] = self._nearest(part)
        return self._known[indices].long()

    def _nearest(self, part: Tensor) -> Tensor:
        import torch

        scale = self._squares[part, None] + self._squares
        distances = scale - 2.0 * self._rows[part] @ self._rows.T
        # What is left of equal rows is rounding.
        distances = torch.where(distances > 1e-12 * scale, distances, 0.0)
        order = distances.float().contiguous().view(torch.int32).long() << _INDEX_BITS
        keys = order + torch.arange(len(self._rows), device=order.device)
        return (keys.topk(self.count, largest=False).values & ((1 << _INDEX_BITS) - 1)).to(torch.int32)


class Perturber:
    """Perturbs codes of one model.

    Args:
        rule: how.
        codebook: ``float [K,D]`` of a level, as distances are taken; ``None`` where there is none.
    """

    def __init__(self, rule: Perturbation, codebook: Callable[[int], Tensor | None]) -> None:
        self._rule, self._codebook = rule, codebook
        self._neighbours: dict[int, Neighbours] = {}

    def __call__(self, codes: Codes, seeds: Sequence[int]) -> Codes | None:
        """Perturbed codes, each image's from its own seed, every level by itself.

        Returns:
            ``None`` of payloads, and of indices into a codebook that cannot be had.
        """
        import torch

        draws = [torch.Generator().manual_seed(seed) for seed in seeds]
        if codes.latents is not None:
            return replace(codes, latents=self._noisy(codes.latents, draws))
        if codes.bits:
            return replace(codes, bits=tuple(self._flipped(plane, draws) for plane in codes.bits))
        if not codes.levels or not all(self._has(level) for level in range(len(codes.levels))):
            return None
        levels = tuple(self._replaced(level, indices, draws) for level, indices in enumerate(codes.levels))
        return replace(codes, levels=levels)

    def _has(self, level: int) -> bool:
        if level not in self._neighbours:
            rows = self._codebook(level)
            if rows is None:
                return False
            self._neighbours[level] = Neighbours(rows, self._rule.strength)
        return True

    def _replaced(self, level: int, indices: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        near = self._neighbours[level]
        shape = indices.shape[1:]
        hit = _uniform(shape, draws) < self._rule.rate
        place = (_uniform(shape, draws).double() * near.count).long().clamp(max=near.count - 1)
        found = near.of(indices.flatten())
        drawn = found.gather(1, place.flatten()[:, None].to(found.device)).reshape(indices.shape).to(indices.device)
        return drawn.where(hit.to(indices.device), indices)

    def _flipped(self, plane: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        return plane ^ (_uniform(plane.shape[1:], draws) < self._rule.flip).to(plane.device)

    def _noisy(self, latents: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        import torch

        noise = torch.stack([torch.randn(latents.shape[1:], generator=draw) for draw in draws])
        spread = latents.float().flatten(2).std(2, correction=0)
        spread = spread.reshape(*spread.shape, *(1,) * (latents.ndim - 2))
        return (latents.float() + self._rule.noise * spread * noise.to(latents.device)).to(latents.dtype)


def _uniform(shape: Sequence[int], draws: Sequence[torch.Generator]) -> Tensor:
    """``float32 [B,*shape]`` in [0, 1), an image's from its own stream."""
    import torch

    return torch.stack([torch.rand(tuple(shape), generator=draw) for draw in draws])
