"""Random numbers of masked generation, each image's from its own generator, so that no other sample can change them.

``inverse-cdf`` is vtbench's: in float64, a step takes one number a place for its token and one for its confidence.
The others replay what the authors' code draws for a single image after ``manual_seed(seed)``, in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from vtbench.core.errors import UsageError
from vtbench.generators.sampling.draws import draw

if TYPE_CHECKING:
    import torch
    from torch import Tensor

NoiseRule = Literal["inverse-cdf", "torch-gumbel", "torch-multinomial"]

IN_WORDS: dict[NoiseRule, str] = {
    "inverse-cdf": "inverse CDF and Gumbel noise in float64, two uniform numbers a place and step from the sample's "
    "own generator on the CPU",
    "torch-gumbel": "argmax of logits + temperature Gumbel, Gumbel = -ln(-ln u), from the sample's own generator on "
    "the sampling device; one number lost a pass",
    "torch-multinomial": "argmax of p / E, E exponential, from the sample's own generator on the sampling device; "
    "Gumbel noise from its own on the CPU",
}

_LEAST = 1e-20


class Noise(Protocol):
    """Random numbers of a batch, step after step: first :meth:`passed`, then :meth:`tokens`, then :meth:`gumbel`."""

    dtype: torch.dtype
    """In which softmax and confidence are taken."""

    def passed(self, passes: int) -> None:
        """A step's logits were made in so many passes of the authors' network."""

    def tokens(self, logits: Tensor, temperature: float) -> Tensor:
        """Tokens ``int64 [B,P]`` from the softmax of ``logits / temperature``, ``[B,P,V]``."""

    def gumbel(self, places: int) -> Tensor:
        """Standard Gumbel noise ``[B,P]``, on the sampling device."""


def make_noise(rule: NoiseRule, seeds: Tensor, device: torch.device) -> Noise:
    """Random numbers of a batch of samples.

    Args:
        rule: where they come from.
        seeds: ``int64 [B]``.
        device: where sampling happens.

    Raises:
        UsageError: no such rule.
    """
    rules: dict[str, Callable[[Tensor, torch.device], Noise]] = {
        "inverse-cdf": InverseCdfNoise,
        "torch-gumbel": GumbelReplay,
        "torch-multinomial": MultinomialReplay,
    }
    if rule not in rules:
        raise UsageError(f"draw={rule!r}: must be one of {', '.join(get_args(NoiseRule))}")
    return rules[rule](seeds, device)


class InverseCdfNoise:
    """Two numbers a place and step in float64: on any device the same.

    Args:
        seeds: ``int64 [B]``.
        device: where sampling happens.
    """

    def __init__(self, seeds: Tensor, device: torch.device) -> None:
        import torch

        self.dtype = torch.float64
        self._device = device
        self._generators = _generators(seeds, torch.device("cpu"))

    def passed(self, passes: int) -> None:
        """Takes no number."""

    def tokens(self, logits: Tensor, temperature: float) -> Tensor:
        """As :meth:`Noise.tokens`; takes its numbers at a temperature of 0 too."""
        chances = self._uniform(logits.shape[1])
        if not temperature:
            return logits.argmax(dim=-1)
        found = (logits / temperature).softmax(dim=-1)
        return draw(found.flatten(0, 1), chances.flatten()).reshape(chances.shape)

    def gumbel(self, places: int) -> Tensor:
        """As :meth:`Noise.gumbel`."""
        return _gumbel(self._uniform(places))

    def _uniform(self, places: int) -> Tensor:
        import torch

        rows = [torch.rand(places, generator=generator, dtype=self.dtype) for generator in self._generators]
        return torch.stack(rows).to(self._device)


class GumbelReplay:
    """TiTok's order: a number a pass (it decides whether a label is dropped), one a token and place, one a place.

    Args:
        seeds: ``int64 [B]``.
        device: where sampling happens.
    """

    def __init__(self, seeds: Tensor, device: torch.device) -> None:
        import torch

        self.dtype = torch.float32
        self._device = device
        self._generators = _generators(seeds, device)

    def passed(self, passes: int) -> None:
        """Gives one number away for each."""
        for _ in range(passes):
            self._uniform(1)

    def tokens(self, logits: Tensor, temperature: float) -> Tensor:
        """As :meth:`Noise.tokens`, by the largest of ``logits + temperature · Gumbel``."""
        return (logits + temperature * _gumbel(self._uniform(*logits.shape[1:]))).argmax(dim=-1)

    def gumbel(self, places: int) -> Tensor:
        """As :meth:`Noise.gumbel`."""
        return _gumbel(self._uniform(places))

    def _uniform(self, *shape: int) -> Tensor:
        import torch

        made = {"device": self._device, "dtype": self.dtype}
        return torch.stack([torch.rand(shape, generator=generator, **made) for generator in self._generators])  # type: ignore[call-overload]


class MultinomialReplay:
    """MaskBit's order: ``torch.multinomial`` over all places on the device, then Gumbel noise on the CPU.

    Args:
        seeds: ``int64 [B]``.
        device: where sampling happens.
    """

    def __init__(self, seeds: Tensor, device: torch.device) -> None:
        import torch

        self.dtype = torch.float32
        self._device = device
        self._generators = _generators(seeds, device)
        # On a CPU both come from one stream.
        self._noise = self._generators if device.type == "cpu" else _generators(seeds, torch.device("cpu"))

    def passed(self, passes: int) -> None:
        """Takes no number."""

    def tokens(self, logits: Tensor, temperature: float) -> Tensor:
        """As :meth:`Noise.tokens`; takes no number at a temperature of 0."""
        import torch

        if not temperature:
            return logits.argmax(dim=-1)
        found = (logits / temperature).softmax(dim=-1)
        found = found / found.sum(dim=-1, keepdim=True)
        rows = [
            torch.empty_like(row).exponential_(generator=generator)
            for row, generator in zip(found.unbind(0), self._generators, strict=True)
        ]
        return (found / torch.stack(rows)).argmax(dim=-1)

    def gumbel(self, places: int) -> Tensor:
        """As :meth:`Noise.gumbel`, by the numbers of ``torch.distributions.Gumbel``."""
        import torch

        limits = torch.finfo(self.dtype)
        rows = [torch.rand(places, generator=generator, dtype=self.dtype) for generator in self._noise]
        uniform = limits.tiny + torch.stack(rows) * (1.0 - limits.eps - limits.tiny)
        return (-(-uniform.log()).log()).to(self._device)


def _generators(seeds: Tensor, device: torch.device) -> list[torch.Generator]:
    import torch

    return [torch.Generator(device).manual_seed(int(seed)) for seed in seeds.tolist()]


def _gumbel(uniform: Tensor) -> Tensor:
    return -(-uniform.clamp_min(_LEAST).log()).clamp_min(_LEAST).log()
