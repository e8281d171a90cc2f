"""Orders and normal numbers of tokens that are no indices, each image's own, so that no other sample can change them.

``by-position`` is vtbench's: a stream for the order and one for each position, so that the numbers of a token depend on
neither the order nor the number of steps. ``torch-normal`` replays what MAR's code draws for a single image after
``manual_seed(seed)`` and numpy's ``seed(seed)``, in float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from vtbench.core.errors import UsageError
from vtbench.core.seeds import sample_seed

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LatentDraw = Literal["by-position", "torch-normal"]

IN_WORDS: dict[LatentDraw, str] = {
    "by-position": "normal, float32, on the CPU, a stream of the sample's own for the order (randperm) and one for "
    "each position, or for each step of whole maps",
    "torch-normal": "normal, float32, from the sample's own generator on the sampling device, of both halves where "
    "guidance needs two; the order by numpy's shuffle after seed(seed modulo 2^32)",
}
_NUMPY_SEEDS = 1 << 32


class LatentNoise(Protocol):
    """Random numbers of a batch, part after part: first :meth:`orders`, then :meth:`of` for each step of the loop."""

    def part(self, name: str) -> LatentNoise:
        """Of a part of an image that is made behind another, with numbers of its own."""

    def orders(self, places: int) -> Tensor:
        """The order in which each image's places stay masked longest, ``int64 [B,places]``."""

    def of(self, chosen: Tensor, channels: int, steps: int, guided: bool) -> Iterator[Tensor]:
        """What the tokens at the chosen places start from, then what is drawn at each step.

        Args:
            chosen: ``bool [B,places]``, as many of every image.
            channels: values of a token.
            steps: of the diffusion.
            guided: the authors' code runs both halves of guidance.

        Yields:
            ``1 + steps`` times ``float32 [n,channels]``, image by image, in the order of the places.
        """

    def maps(self, step: int, shape: Sequence[int], steps: int, guided: bool) -> Iterator[Tensor]:
        """The same for whole maps of tokens.

        Args:
            step: of the loop.
            shape: of a map, without the batch.
            steps: of the diffusion.
            guided: the authors' code runs both halves of guidance.

        Yields:
            ``1 + steps`` times ``float32 [B,*shape]``.
        """


def make_latent_noise(rule: LatentDraw, seeds: Tensor, device: torch.device) -> LatentNoise:
    """Random numbers of a batch of samples.

    Args:
        rule: where they come from.
        seeds: ``int64 [B]``.
        device: where sampling happens.

    Raises:
        UsageError: no such rule.
    """
    if rule == "by-position":
        return NoiseByPosition(seeds, device)
    if rule == "torch-normal":
        return NormalReplay(seeds, device)
    raise UsageError(f"draw={rule!r}: must be one of {', '.join(get_args(LatentDraw))}")


class NoiseByPosition:
    """A stream a position, on any device the same.

    Args:
        seeds: ``int64 [B]``.
        device: where sampling happens.
    """

    def __init__(self, seeds: Tensor, device: torch.device) -> None:
        self._seeds: list[int] = seeds.tolist()
        self._device = device

    def part(self, name: str) -> NoiseByPosition:
        """As :meth:`LatentNoise.part`: all streams are others."""
        import torch

        return NoiseByPosition(torch.tensor([sample_seed(seed, name) for seed in self._seeds]), self._device)

    def orders(self, places: int) -> Tensor:
        """As :meth:`LatentNoise.orders`."""
        import torch

        rows = [torch.randperm(places, generator=_stream(seed, "order")) for seed in self._seeds]
        return torch.stack(rows).to(self._device)

    def of(self, chosen: Tensor, channels: int, steps: int, guided: bool) -> Iterator[Tensor]:
        """As :meth:`LatentNoise.of`, guided or not."""
        import torch

        del guided
        rows = [
            torch.randn(1 + steps, channels, generator=_stream(self._seeds[image], f"position {place}"))
            for image, place in chosen.nonzero().tolist()
        ]
        yield from torch.stack(rows, dim=1).to(self._device).unbind(0)

    def maps(self, step: int, shape: Sequence[int], steps: int, guided: bool) -> Iterator[Tensor]:
        """As :meth:`LatentNoise.maps`, from a stream a step; guided or not."""
        import torch

        del guided
        streams = [_stream(seed, f"step {step}") for seed in self._seeds]
        for _ in range(1 + steps):
            yield torch.stack([torch.randn(*shape, generator=stream) for stream in streams]).to(self._device)


class NormalReplay:
    """MAR's order of draws for a single image.

    Args:
        seeds: ``int64 [B]``.
        device: where sampling happens.
    """

    def __init__(self, seeds: Tensor, device: torch.device) -> None:
        import numpy as np
        import torch

        self._seeds: list[int] = seeds.tolist()
        self._device = device
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in self._seeds]
        self._shufflers = [np.random.RandomState(seed % _NUMPY_SEEDS) for seed in self._seeds]

    def part(self, name: str) -> NormalReplay:
        """Itself: the authors' streams go on."""
        return self

    def orders(self, places: int) -> Tensor:
        """As :meth:`LatentNoise.orders`."""
        import numpy as np
        import torch

        rows = [np.arange(places) for _ in self._seeds]
        for row, shuffler in zip(rows, self._shufflers, strict=True):
            shuffler.shuffle(row)
        return torch.from_numpy(np.stack(rows)).to(self._device)

    def of(self, chosen: Tensor, channels: int, steps: int, guided: bool) -> Iterator[Tensor]:
        """As :meth:`LatentNoise.of`."""
        counts = chosen.sum(dim=1).tolist()
        yield self._normal(counts, channels)
        for _ in range(steps):
            yield self._normal(counts, channels, halves=2 if guided else 1)

    def maps(self, step: int, shape: Sequence[int], steps: int, guided: bool) -> Iterator[Tensor]:
        """As :meth:`LatentNoise.maps`; Hi-MAR's code gives away as much again before each step."""
        del step
        ones, halves = [1] * len(self._seeds), 2 if guided else 1
        yield self._normal(ones, *shape)
        for _ in range(steps):
            self._normal(ones, *shape, halves=halves)
            yield self._normal(ones, *shape, halves=halves)

    def _normal(self, counts: list[int], *shape: int, halves: int = 1) -> Tensor:
        """Of every image; the second half of a draw is lost, as the authors' is."""
        import torch

        rows = [
            torch.randn(halves * count, *shape, generator=generator, device=self._device)[:count]
            for count, generator in zip(counts, self._generators, strict=True)
        ]
        return torch.cat(rows)


def _stream(seed: int, purpose: str) -> torch.Generator:
    import torch

    return torch.Generator().manual_seed(sample_seed(seed, purpose))
